// An Ascend chip whose constants are ideal (no starts, full rates), so that estimates can be worked
// by hand.
#pragma once

#include <mansard/host/host.h>
#include <mansard/work/kernel.h>

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace mansard::test {

class AscendTest : public ::testing::Test {
protected:
  AscendTest() : host_(catalog_) {}

  host::Model open(const std::string &target, std::vector<hw::Override> overrides = {}) {
    Result<host::Model> model = host_.open(target, overrides);
    if (!model.ok())
      throw std::runtime_error(model.error().text());
    return std::move(model).value();
  }

  /// The 910B2 without fixed costs, losses and a cap on its power.
  host::Model ideal(std::vector<hw::Override> overrides = {}) {
    std::vector<hw::Override> all{{"power.tdp_W", "1e4"}};
    const host::Model shipped = open("ascend-910b");
    for (const auto &[name, quantity] : shipped.chip().calibration) {
      if (name.ends_with("_us") || name == "far_rows")
        all.push_back({"calibration." + name, "0"});
      else if (name.ends_with("_efficiency") || name == "shared_misses")
        all.push_back({"calibration." + name, "1"});
    }
    all.insert(all.end(), overrides.begin(), overrides.end());
    return open("ascend-910b", all);
  }

  static mansard_estimate estimate(const host::Model &model, const work::Kernel &kernel) {
    mansard_estimate out{};
    const Result<> done = model.estimate({&kernel, 1}, {&out, 1});
    EXPECT_TRUE(done.ok());
    return out;
  }

  static work::Kernel matmul(int64_t m, int64_t n, int64_t k, DType type = DType::bf16,
                             uint32_t scaling = MANSARD_SCALING_NONE) {
    work::Kernel kernel = work::makeKernel(MANSARD_OP_MATMUL, type, type, DType::bf16, scaling);
    kernel.u.matmul = {m, n, k, 0, 0, 0, 0, 0, 0};
    return kernel;
  }

  hw::Catalog catalog_;
  host::Host host_;
};

} // namespace mansard::test
