// A kernel of each operation, of ordinary sizes.
#pragma once

#include <mansard/work/kernel.h>

#include <vector>

namespace mansard::test {

/// One kernel of each operation.
inline std::vector<mansard_kernel> oneOfEach() {
  std::vector<mansard_kernel> kernels;
  for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op)
    kernels.push_back(work::makeKernel(op, DType::bf16, DType::bf16, DType::bf16));
  kernels[MANSARD_OP_MATMUL].u.matmul = {4096, 4096, 4096, 0, 0, 0, 0, 0, 0};
  kernels[MANSARD_OP_GROUPED_MATMUL].u.grouped_matmul = {8, 128, 2048, 4096};
  kernels[MANSARD_OP_ATTENTION_PREFILL].u.attention = {1, 4096, 4096, 32, 8, 128, 0, 1, 0};
  kernels[MANSARD_OP_ATTENTION_DECODE].u.attention = {64, 1, 4096, 32, 8, 128, 0, 1, 0};
  kernels[MANSARD_OP_MLA_PREFILL].u.mla = {1, 4096, 4096, 128, 512, 64, 128, 128};
  kernels[MANSARD_OP_MLA_DECODE].u.mla = {64, 1, 4096, 128, 512, 64, 128, 128};
  kernels[MANSARD_OP_VECTOR].u.vector = {4096, 7168, 0, MANSARD_VECTOR_RMSNORM, 0};
  kernels[MANSARD_OP_MOE].u.moe = {1024, 7168, 2048, 8, 256, 1, 8, 1.2, 1, 1};
  kernels[MANSARD_OP_COLLECTIVE].u.collective = {8, 1 << 24, MANSARD_COLLECTIVE_ALL_REDUCE, 0};
  kernels[MANSARD_OP_EXPERT_PARALLEL].u.expert_parallel = {8, 7168, 128, 8, 256, 0, 0, 0};
  kernels[MANSARD_OP_CUSTOM].u.custom = {1e9, 1e6, 1e5, 1e7, 1e6, 0, 0, 0, 0, 0, 0, 0};
  return kernels;
}

} // namespace mansard::test
