#include "training_kernels.h"

#include <algorithm>
#include <cmath>

namespace mansard::system {
namespace {

/// The 16-bit type of a kernel's results.
DType plainOf(const work::Kernel &kernel) {
  return kernel.out_dtype == MANSARD_DTYPE_FP16 ? DType::fp16 : DType::bf16;
}

work::Kernel vectorKernel(uint32_t kind, int64_t rows, int64_t cols, DType type) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_VECTOR, type, type, type);
  kernel.u.vector.kind = kind;
  kernel.u.vector.rows = rows;
  kernel.u.vector.cols = cols;
  return kernel;
}

/// What unfused attention multiplies: `batch` independent heads.
struct Heads {
  int64_t batch, queries, keys, queryWidth, valueWidth;
  DType type;
};

Heads headsOf(const work::Kernel &kernel) {
  if (kernel.op == MANSARD_OP_MLA_PREFILL) {
    const mansard_mla &a = kernel.u.mla;
    return {a.batch * a.heads,       a.q_len,     a.kv_len,
            a.nope_dim + a.rope_dim, a.value_dim, plainOf(kernel)};
  }
  const mansard_attention &a = kernel.u.attention;
  return {a.batch * a.heads, a.q_len, a.kv_len, a.head_dim, a.head_dim, plainOf(kernel)};
}

work::Kernel batched(const Heads &h, int64_t m, int64_t n, int64_t k) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_GROUPED_MATMUL, h.type, h.type, h.type);
  kernel.u.grouped_matmul = {h.batch, m, n, k};
  return kernel;
}

/// Dropout reads a value and writes it and its mask; backward it reads the mask, too.
constexpr double kDropoutBytes = 5;

} // namespace

work::Kernel passing(int64_t rows, int64_t cols, double bytes) {
  // A product of two 16-bit tensors passes six bytes an element.
  const double scaled = std::ceil(static_cast<double>(cols) * bytes / 6);
  return vectorKernel(MANSARD_VECTOR_MUL, rows, std::max<int64_t>(1, static_cast<int64_t>(scaled)),
                      DType::bf16);
}

std::vector<Part> unfusedAttention(const work::Kernel &attention, bool dropout) {
  const Heads h = headsOf(attention);
  const int64_t rows = h.batch * h.queries;
  std::vector<Part> parts{{batched(h, h.queries, h.keys, h.queryWidth), "scores"},
                          {vectorKernel(MANSARD_VECTOR_SOFTMAX, rows, h.keys, h.type), "softmax"}};
  if (dropout)
    parts.push_back({passing(rows, h.keys, kDropoutBytes), "dropout"});
  parts.push_back({batched(h, h.queries, h.valueWidth, h.keys), "values"});
  return parts;
}

std::vector<Part> unfusedAttentionBackward(const work::Kernel &attention, bool dropout) {
  const Heads h = headsOf(attention);
  const int64_t rows = h.batch * h.queries;
  std::vector<Part> parts{{batched(h, h.keys, h.valueWidth, h.queries), "values_grad"},
                          {batched(h, h.queries, h.keys, h.valueWidth), "probabilities_grad"}};
  if (dropout)
    parts.push_back({passing(rows, h.keys, kDropoutBytes), "dropout_grad"});
  // Probabilities and their gradients in, the scores' gradients out.
  parts.push_back({passing(rows, h.keys, 6), "softmax_grad"});
  parts.push_back({batched(h, h.queries, h.queryWidth, h.keys), "query_grad"});
  parts.push_back({batched(h, h.keys, h.queryWidth, h.queries), "key_grad"});
  return parts;
}

std::vector<Part> vectorBackward(const work::Kernel &kernel, bool dropout) {
  const mansard_vector &v = kernel.u.vector;
  work::Kernel same = kernel;
  switch (v.kind) {
  case MANSARD_VECTOR_ADD: {
    // Both inputs have the same gradient, but the one that goes on is added to what comes from the
    // branch.
    std::vector<Part> parts{
        {vectorKernel(MANSARD_VECTOR_ADD, v.rows, v.cols, plainOf(kernel)), ""}};
    if (dropout)
      parts.push_back({passing(v.rows, v.cols, kDropoutBytes), "dropout_grad"});
    return parts;
  }
  case MANSARD_VECTOR_ADD_RMSNORM:
    return {{passing(v.rows, v.cols, 12), ""}};
  case MANSARD_VECTOR_RMSNORM:
  case MANSARD_VECTOR_LAYERNORM:
  case MANSARD_VECTOR_GELU:
    return {{passing(v.rows, v.cols, 6), ""}}; // input and gradient in, gradient out
  case MANSARD_VECTOR_SOFTMAX:                 // of the loss: fp32 in, 16 bits out
    return {{passing(v.rows, v.cols, 6), ""}};
  case MANSARD_VECTOR_SILU_MUL:
    return {{passing(v.rows, v.cols, 10), ""}}; // gradient, gate and up in, two gradients out
  case MANSARD_VECTOR_MUL:
    return {{passing(v.rows, v.cols, 10), ""}};
  case MANSARD_VECTOR_TOPK:
    return {{passing(v.rows, v.cols, 6), ""}};
  case MANSARD_VECTOR_ROPE: // turned back
    return {{same, ""}};
  case MANSARD_VECTOR_GATHER:
    same.u.vector.kind = MANSARD_VECTOR_SCATTER;
    return {{same, ""}};
  case MANSARD_VECTOR_SCATTER:
    same.u.vector.kind = MANSARD_VECTOR_GATHER;
    return {{same, ""}};
  case MANSARD_VECTOR_COPY: // of a bias: its gradient is a sum over rows
    return {{passing(v.rows, v.cols, 2), ""}};
  default: // what was quantised takes the gradient as it is
    return {};
  }
}

Part dataGradient(const work::Kernel &matmul) {
  work::Kernel kernel = matmul;
  kernel.weight_dtype = kernel.dtype;
  kernel.out_dtype = static_cast<uint32_t>(plainOf(matmul));
  if (kernel.op == MANSARD_OP_MATMUL) {
    std::swap(kernel.u.matmul.n, kernel.u.matmul.k);
    kernel.u.matmul.epilogue = 0;
  } else {
    std::swap(kernel.u.grouped_matmul.n, kernel.u.grouped_matmul.k);
  }
  return {kernel, "data_grad"};
}

Part weightGradient(const work::Kernel &matmul) {
  work::Kernel kernel = matmul;
  kernel.weight_dtype = kernel.dtype;
  kernel.out_dtype = MANSARD_DTYPE_FP32;
  if (kernel.op == MANSARD_OP_MATMUL) {
    const mansard_matmul forward = matmul.u.matmul;
    kernel.u.matmul.m = forward.k;
    kernel.u.matmul.k = forward.m;
    kernel.u.matmul.epilogue = MANSARD_EPILOGUE_ADD;
  } else {
    const mansard_grouped_matmul forward = matmul.u.grouped_matmul;
    kernel.u.grouped_matmul = {forward.groups, forward.k, forward.n, forward.m};
  }
  return {kernel, "weight_grad"};
}

double flashBackwardRatio(const work::Kernel &attention) {
  // Scores again; gradients of values, probabilities, queries, keys.
  const Heads h = headsOf(attention);
  const auto query = static_cast<double>(h.queryWidth), value = static_cast<double>(h.valueWidth);
  return (3 * query + 2 * value) / (query + value);
}

} // namespace mansard::system
