// Kernels as plain C; pointers do not alias, so that loops keep the shape that is counted.
void saxpy(int n, float a, const float *restrict x, float *restrict y) {
  for (int i = 0; i < n; ++i)
    y[i] = a * x[i] + y[i];
}

// Five points of a grid with a border.
void stencil(int w, int h, const float *restrict in, float *restrict out) {
  for (int y = 1; y < h - 1; ++y)
    for (int x = 1; x < w - 1; ++x)
      out[y * w + x] = 0.2f * (in[y * w + x] + in[y * w + x - 1] + in[y * w + x + 1] +
                               in[(y - 1) * w + x] + in[(y + 1) * w + x]);
}

void matmul(int m, int n, int k, const float *restrict a, const float *restrict b,
            float *restrict c) {
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      float sum = 0;
      for (int p = 0; p < k; ++p)
        sum += a[i * k + p] * b[p * n + j];
      c[i * n + j] = sum;
    }
}

float dot(int n, const float *restrict x, const float *restrict y) {
  float sum = 0;
  for (int i = 0; i < n; ++i)
    sum += x[i] * y[i];
  return sum;
}

void transpose(int n, const float *restrict in, float *restrict out) {
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j)
      out[j * n + i] = in[i * n + j];
}

void softmax(int rows, int cols, const float *restrict in, float *restrict out) {
  for (int r = 0; r < rows; ++r) {
    float most = -1e30f, sum = 0;
    for (int c = 0; c < cols; ++c)
      most = __builtin_fmaxf(most, in[r * cols + c]);
    for (int c = 0; c < cols; ++c) {
      float e = __builtin_expf(in[r * cols + c] - most);
      out[r * cols + c] = e;
      sum += e;
    }
    for (int c = 0; c < cols; ++c)
      out[r * cols + c] /= sum;
  }
}

void gather(int n, const int *restrict index, const float *restrict table, float *restrict out) {
  for (int i = 0; i < n; ++i)
    out[i] = table[index[i]];
}

// Row i has a length that only the data tells.
float csr_row(const int *restrict start, const float *restrict value, int row) {
  float sum = 0;
  for (int i = start[row]; i < start[row + 1]; ++i)
    sum += value[i];
  return sum;
}

// Pairs below the diagonal.
void triangle(int n, const float *restrict x, float *restrict out) {
  for (int i = 0; i < n; ++i)
    for (int j = 0; j <= i; ++j)
      out[i] += x[j];
}

int factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }

float apply(float (*f)(float), float x) { return f(x); }

float unknown(float);
float calls_unknown(float x) { return unknown(x); }
