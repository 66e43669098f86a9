// Kernels that training has beside those of a forward pass. Private to this folder.
#pragma once

#include <mansard/system/training_program.h>

#include <string>
#include <vector>

namespace mansard::system {

/// A kernel of a pass, before it is counted.
struct Part {
  work::Kernel kernel{};
  std::string name; // behind that of the forward step; empty: the step's own
  double share = 1; // runs of one run of the forward step
};

/// Attention as two batched matmuls with the softmax between them, in 16 bits.
std::vector<Part> unfusedAttention(const work::Kernel &attention, bool dropout);
std::vector<Part> unfusedAttentionBackward(const work::Kernel &attention, bool dropout);

/// What passes `bytes` of each element of rows x cols through the vector unit.
work::Kernel passing(int64_t rows, int64_t cols, double bytes);

/// Vector work of `kernel`'s backward pass.
std::vector<Part> vectorBackward(const work::Kernel &kernel, bool dropout);

/// The gradient of the input, and that of the weights added to what earlier micro-batches left.
Part dataGradient(const work::Kernel &matmul);
Part weightGradient(const work::Kernel &matmul);

/// Operations of the backward pass of attention that keeps no probabilities, over the forward's.
double flashBackwardRatio(const work::Kernel &attention);

inline bool isAttention(const work::Kernel &kernel) {
  return kernel.op == MANSARD_OP_ATTENTION_PREFILL || kernel.op == MANSARD_OP_MLA_PREFILL;
}
inline bool isMatmul(const work::Kernel &kernel) {
  return kernel.op == MANSARD_OP_MATMUL || kernel.op == MANSARD_OP_GROUPED_MATMUL;
}
inline bool communicates(const work::Kernel &kernel) {
  return kernel.op == MANSARD_OP_COLLECTIVE || kernel.op == MANSARD_OP_EXPERT_PARALLEL;
}
inline bool isNorm(const work::Kernel &kernel) {
  return kernel.op == MANSARD_OP_VECTOR && (kernel.u.vector.kind == MANSARD_VECTOR_RMSNORM ||
                                            kernel.u.vector.kind == MANSARD_VECTOR_LAYERNORM ||
                                            kernel.u.vector.kind == MANSARD_VECTOR_ADD_RMSNORM);
}
inline bool isCollective(const work::Kernel &kernel, uint32_t kind) {
  return kernel.op == MANSARD_OP_COLLECTIVE && kernel.u.collective.kind == kind;
}

} // namespace mansard::system
