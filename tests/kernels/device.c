#include "device.h"

KERNEL void saxpy(int n, float a, const GLOBAL float *restrict x, GLOBAL float *restrict y) {
  int i = ID(x);
  if (i < n)
    y[i] = a * x[i] + y[i];
}

// Threads that stride over the grid.
KERNEL void saxpy_strided(int n, float a, const GLOBAL float *restrict x,
                          GLOBAL float *restrict y) {
  for (int i = ID(x); i < n; i += GRID(x) * SIZE(x))
    y[i] = a * x[i] + y[i];
}

KERNEL void stencil(int w, int h, const GLOBAL float *restrict in, GLOBAL float *restrict out) {
  int x = ID(x), y = ID(y);
  if (x > 0 && x < w - 1 && y > 0 && y < h - 1)
    out[y * w + x] = 0.2f * (in[y * w + x] + in[y * w + x - 1] + in[y * w + x + 1] +
                             in[(y - 1) * w + x] + in[(y + 1) * w + x]);
}

static SHARED float partial[256];
// Sums of groups of 256 by halving.
KERNEL void reduce(int n, const GLOBAL float *restrict in, GLOBAL float *restrict out) {
  int t = THREAD(x), i = ID(x);
  partial[t] = i < n ? in[i] : 0.0f;
  BARRIER();
  for (int s = SIZE(x) / 2; s > 0; s >>= 1) {
    if (t < s)
      partial[t] += partial[t + s];
    BARRIER();
  }
  if (t == 0)
    out[GROUP(x)] = partial[0];
}

KERNEL void transpose_naive(int n, const GLOBAL float *restrict in, GLOBAL float *restrict out) {
  int x = ID(x), y = ID(y);
  out[x * n + y] = in[y * n + x];
}

static SHARED float tile[32 * 32];
// Reads a column of the tile: every thread of a warp hits the same bank.
KERNEL void transpose_tiled(int n, const GLOBAL float *restrict in, GLOBAL float *restrict out) {
  int tx = THREAD(x), ty = THREAD(y), bx = GROUP(x) * 32, by = GROUP(y) * 32;
  tile[ty * 32 + tx] = in[(by + ty) * n + bx + tx];
  BARRIER();
  out[(bx + ty) * n + by + tx] = tile[tx * 32 + ty];
}

static SHARED float padded[32 * 33];
KERNEL void transpose_padded(int n, const GLOBAL float *restrict in, GLOBAL float *restrict out) {
  int tx = THREAD(x), ty = THREAD(y), bx = GROUP(x) * 32, by = GROUP(y) * 32;
  padded[ty * 33 + tx] = in[(by + ty) * n + bx + tx];
  BARRIER();
  out[(bx + ty) * n + by + tx] = padded[tx * 33 + ty];
}

// One thread a row: exponentials twice, as the hardware has them.
KERNEL void softmax(int rows, int cols, const GLOBAL float *restrict in,
                    GLOBAL float *restrict out) {
  int r = ID(x);
  if (r >= rows)
    return;
  float most = -1e30f, sum = 0;
  for (int c = 0; c < cols; ++c)
    most = __builtin_fmaxf(most, in[r * cols + c]);
  for (int c = 0; c < cols; ++c)
    sum += EXP2(in[r * cols + c] - most);
  for (int c = 0; c < cols; ++c)
    out[r * cols + c] = EXP2(in[r * cols + c] - most) / sum;
}

KERNEL void matmul_naive(int n, int k, const GLOBAL float *restrict a,
                         const GLOBAL float *restrict b, GLOBAL float *restrict c) {
  int row = ID(y), col = ID(x);
  float sum = 0;
  for (int p = 0; p < k; ++p)
    sum += a[row * k + p] * b[p * n + col];
  c[row * n + col] = sum;
}

static SHARED float left[16 * 16], right[16 * 16];
KERNEL void matmul_tiled(int n, int k, const GLOBAL float *restrict a,
                         const GLOBAL float *restrict b, GLOBAL float *restrict c) {
  int tx = THREAD(x), ty = THREAD(y), row = GROUP(y) * 16 + ty, col = GROUP(x) * 16 + tx;
  float sum = 0;
  for (int t = 0; t < k; t += 16) {
    left[ty * 16 + tx] = a[row * k + t + tx];
    right[ty * 16 + tx] = b[(t + ty) * n + col];
    BARRIER();
#pragma clang loop unroll(disable)
    for (int p = 0; p < 16; ++p)
      sum += left[ty * 16 + p] * right[p * 16 + tx];
    BARRIER();
  }
  c[row * n + col] = sum;
}

KERNEL void gather(int n, const GLOBAL int *restrict index, const GLOBAL float *restrict table,
                   GLOBAL float *restrict out) {
  int i = ID(x);
  if (i < n)
    out[i] = table[index[i]];
}

KERNEL void histogram(int n, const GLOBAL unsigned *restrict in, GLOBAL unsigned *restrict bins) {
  int i = ID(x);
  if (i < n)
    __atomic_fetch_add(&bins[in[i] & 255], 1u, __ATOMIC_RELAXED);
}

static SHARED float lane[256];
// Inclusive sums in a group: doubling distances.
KERNEL void scan(const GLOBAL float *restrict in, GLOBAL float *restrict out) {
  int t = THREAD(x), i = ID(x);
  lane[t] = in[i];
  BARRIER();
  for (int d = 1; d < SIZE(x); d *= 2) {
    float add = t >= d ? lane[t - d] : 0.0f;
    BARRIER();
    lane[t] += add;
    BARRIER();
  }
  out[i] = lane[t];
}

// Scores of causal attention: one thread a (query, key) pair, keys after the query left out.
KERNEL void attention_score(int length, int dim, float scale, const GLOBAL float *restrict q,
                            const GLOBAL float *restrict k, GLOBAL float *restrict score) {
  int key = ID(x), query = ID(y);
  if (key > query)
    return;
  float sum = 0;
  for (int d = 0; d < dim; ++d)
    sum += q[query * dim + d] * k[key * dim + d];
  score[query * length + key] = sum * scale;
}
