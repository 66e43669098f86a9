// Models, targets and sums that the lowering's tests share.
#pragma once

#include <mansard/base/counts.h>
#include <mansard/work/frontend.h>

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

extern "C" const mansard::work::Frontend *mansard_frontend();

namespace mansard::test {

inline work::Transformer readModel(const std::string &id) {
  auto model = work::readTransformer(std::string(MANSARD_ROOT) + "/configs/models/" + id + ".toml");
  EXPECT_TRUE(model.ok()) << model.error().text();
  return model ? *model : work::Transformer{};
}

inline work::Capabilities targetWith(std::initializer_list<DType> types) {
  work::Capabilities target;
  target.target = "test-chip";
  for (DType type : types)
    target.matrix[static_cast<uint32_t>(type)] = true;
  return target;
}

inline work::Capabilities everything() {
  return targetWith({DType::fp32, DType::bf16, DType::fp16, DType::fp8, DType::mxfp8, DType::int8,
                     DType::int4, DType::nvfp4, DType::mxfp4});
}

inline Result<work::Program> tryLower(const work::Transformer &model,
                                      const work::Workload &workload,
                                      const work::Capabilities &target = everything()) {
  return mansard_frontend()->lower(model, workload, target);
}

inline work::Program lower(const work::Transformer &model, const work::Workload &workload,
                           const work::Capabilities &target = everything()) {
  auto program = tryLower(model, workload, target);
  EXPECT_TRUE(program.ok()) << program.error().text();
  return program ? std::move(*program) : work::Program{};
}

/// The first step so named; a failure and an empty kernel if there is none.
inline mansard_kernel kernelOf(const work::Program &program, const std::string &name) {
  for (const work::Step &step : program.steps)
    if (step.name == name)
      return program.kernels[step.kernel];
  ADD_FAILURE() << "no step " << name;
  return {};
}

inline int64_t runsOf(const work::Program &program, const std::string &name) {
  int64_t runs = 0;
  for (const work::Step &step : program.steps)
    runs += step.name == name ? step.count : 0;
  return runs;
}

inline int64_t runsOf(const work::Program &program, uint32_t op) {
  int64_t runs = 0;
  for (const work::Step &step : program.steps)
    runs += program.kernels[step.kernel].op == op ? step.count : 0;
  return runs;
}

/// Operations on the matrix unit of one step, in kernels of `op`.
inline double matrixOperations(const work::Program &program, uint32_t op) {
  double sum = 0;
  for (const work::Step &step : program.steps)
    if (program.kernels[step.kernel].op == op)
      sum += static_cast<double>(step.count) *
             countWork(program.kernels[step.kernel]).matrixOperations;
  return sum;
}

inline bool hasNote(const work::Program &program, const std::string &text) {
  for (const std::string &note : program.notes)
    if (note.find(text) != std::string::npos)
      return true;
  return false;
}

} // namespace mansard::test
