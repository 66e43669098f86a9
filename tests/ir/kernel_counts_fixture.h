// Kernels from tests/kernels, counted on a machine whose numbers are round.
#pragma once

#include <KernelIR/KernelCounts.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <initializer_list>
#include <string>
#include <unistd.h>

namespace mansard::ir::testing {

/// Ten cores that hold 2048 threads and 64 KiB each, and an L2 of a megabyte.
inline work::KernelMachine roundMachine() {
  work::KernelMachine machine;
  machine.cores = 10;
  machine.sramBytesPerCore = machine.cacheBytesPerCore = 64 * 1024;
  machine.cacheInSram = true;
  machine.l2Bytes = 1 << 20;
  machine.threadsPerCore = 2048;
  return machine;
}

/// A question about `function` of the module `name` ("host", "nvptx64" ...).
struct Ask {
  Ask(const std::string &name, std::string function) {
    question.path = std::string(MANSARD_TEST_KERNELS) + "/" + name + ".ll";
    question.function = std::move(function);
    question.machine = roundMachine();
  }
  Ask &launch(std::array<int64_t, 3> grid, std::array<int64_t, 3> block) {
    question.launch = {grid, block};
    return *this;
  }
  Ask &arg(const std::string &argument, int64_t value) {
    question.arguments[argument] = value;
    return *this;
  }
  Ask &trip(const std::string &block, double turns) {
    question.trips[block] = turns;
    return *this;
  }
  Ask &footprint(const std::string &pointer, double bytes) {
    question.footprints[pointer] = bytes;
    return *this;
  }
  Ask &shared(double bytes) {
    question.dynamicShared = bytes;
    return *this;
  }

  Result<work::KernelCounts> tryCount() const {
    auto kernel = prepareKernel(question);
    if (!kernel)
      return kernel.error();
    return countKernel(*kernel, question);
  }
  work::KernelCounts count() const {
    auto counts = tryCount();
    EXPECT_TRUE(counts.ok()) << (counts ? "" : counts.error().text());
    return counts ? std::move(*counts) : work::KernelCounts{};
  }
  std::string error() const {
    auto counts = tryCount();
    EXPECT_FALSE(counts.ok()) << "counted " << question.function;
    return counts ? "" : counts.error().text();
  }

  work::KernelQuestion question;
};

/// The same of a module given as text.
inline Ask text(const std::string &module, std::string function = "") {
  static int number = 0;
  const std::string path = ::testing::TempDir() + "kernel" + std::to_string(::getpid()) + "_" +
                           std::to_string(number++) + ".ll";
  std::ofstream(path) << module;
  Ask ask("", std::move(function));
  ask.question.path = path;
  return ask;
}

inline double float32(const work::KernelCounts &counts) {
  return counts.floatOperations[MANSARD_DTYPE_FP32];
}

/// The only access to `pointer` that writes, or that does not.
inline work::AccessCount access(const work::KernelCounts &counts, const std::string &pointer,
                                bool writes) {
  work::AccessCount found;
  int times = 0;
  for (const work::AccessCount &one : counts.accesses)
    if (one.pointer == pointer && one.writes == writes) {
      found = one;
      ++times;
    }
  EXPECT_EQ(times, 1) << pointer;
  return found;
}

} // namespace mansard::ir::testing
