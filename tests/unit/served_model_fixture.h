// A model whose serving is easily worked by hand, for tests without the front end.
#pragma once

#include <mansard/base/result.h>
#include <mansard/work/frontend.h>
#include <mansard/work/program.h>
#include <mansard/work/workload.h>

namespace mansard::test {

/// 160 matmuls; 40 GB of weights and 320 kB of cache a token.
inline Result<work::Program> lowerServedModel(const work::Transformer &, const work::Workload &w,
                                              const work::Capabilities &) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.matmul = {w.sequencesPerReplica() * w.tokensPerSequence(), 8192, 8192, 0, 0, 0, 0, 0, 0};
  work::Program program;
  program.devices = w.parallelism.devices();
  program.tokens = w.tokensPerStep();
  program.memory.weights = 40e9;
  program.memory.kvCache = 320e3 * static_cast<double>(w.sequencesPerReplica() * w.context);
  program.steps.push_back({work::internKernel(program, kernel), 160, 0, 0, "layers.in"});
  return program;
}

} // namespace mansard::test
