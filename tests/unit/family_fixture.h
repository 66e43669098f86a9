// Opens a shipped target through the host and prices kernels on it.
#pragma once

#include <mansard/host/host.h>
#include <mansard/hw/catalog.h>
#include <mansard/work/kernel.h>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mansard::test {

class Opened {
public:
  explicit Opened(const std::string &target, const std::vector<hw::Override> &overrides = {})
      : host_(catalog_), model_(host_.open(target, overrides)) {
    EXPECT_TRUE(model_.ok()) << (model_.ok() ? "" : model_.error().text());
  }

  const mansard_chip &chip() const { return model_->view(); }
  const hw::Chip &description() const { return model_->chip(); }

  mansard_estimate estimate(const work::Kernel &kernel) const {
    mansard_estimate out{};
    const Result<> done = model_->estimate({&kernel, 1}, {&out, 1});
    EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().text());
    return out;
  }

  mansard_estimate matmul(int64_t m, int64_t n, int64_t k, DType type = DType::bf16) const {
    work::Kernel kernel = work::makeKernel(MANSARD_OP_MATMUL, type, type, DType::bf16);
    kernel.u.matmul = {m, n, k, 0, 0, 0, 0, 0, 0};
    return estimate(kernel);
  }

private:
  hw::Catalog catalog_;
  host::Host host_;
  Result<host::Model> model_;
};

inline work::Kernel bf16(uint32_t op) {
  return work::makeKernel(op, DType::bf16, DType::bf16, DType::bf16);
}

inline std::string noteOf(const mansard_estimate &e) {
  return std::string(e.note.data ? e.note.data : "", e.note.size);
}

} // namespace mansard::test
