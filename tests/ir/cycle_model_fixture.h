// Kernels given as text, compiled and timed on a chip whose numbers are round.
#pragma once

#include <KernelIR/CycleModel.h>

#include <llvm/AsmParser/Parser.h>
#include <llvm/Support/SourceMgr.h>

#include <gtest/gtest.h>

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

namespace mansard::ir::testing {

/// One core of four SIMDs; a load takes 400 clocks, matrix instructions 1024 fp16 operations a
/// clock of the core as gfx90a's own.
inline hw::Chip roundChip() {
  hw::Chip chip;
  chip.id = "round";
  chip.model = "hygon";
  chip.nearestIsa = "gfx90a";
  for (const auto &[key, value] :
       std::initializer_list<std::pair<const char *, double>>{{"compute.cores", 10},
                                                              {"compute.clock_GHz", 1},
                                                              {"registers.per_core_KiB", 256},
                                                              {"sram.per_core_KiB", 64},
                                                              {"sram.bytes_per_clock", 128},
                                                              {"matrix.ops_per_clock.fp16", 1024},
                                                              {"hygon.simds_per_core", 4},
                                                              {"hygon.wave_slots_per_simd", 10},
                                                              {"hygon.l1_bytes_per_clock", 64},
                                                              {"memory.latency_ns", 400}}) {
    hw::Quantity quantity;
    quantity.value = value;
    chip.numbers[key] = quantity;
  }
  return chip;
}

inline void set(hw::Chip &chip, const std::string &key, double value) {
  chip.numbers[key].value = value;
}

/// A kernel and how it is launched. Blocks run once for a wave unless `runs` says otherwise.
struct Case {
  std::string text; // of the module, without its triple
  std::string name = "k";
  int64_t groupSize = 256;
  double groups = 0; // 0: the cores are full
  std::map<std::string, double> runs = {};
  std::string triple = "amdgcn-amd-amdhsa";
};

inline PreparedKernel prepared(const Case &given) {
  PreparedKernel kernel;
  kernel.context = std::make_unique<llvm::LLVMContext>();
  llvm::SMDiagnostic problem;
  kernel.module = llvm::parseAssemblyString(
      "target triple = \"" + given.triple + "\"\n" + given.text, problem, *kernel.context);
  EXPECT_TRUE(kernel.module) << problem.getMessage().str();
  if (kernel.module)
    kernel.function = kernel.module->getFunction(given.name);
  return kernel;
}

inline Result<work::KernelCycles> timed(const Case &given, const hw::Chip &chip = roundChip()) {
  const PreparedKernel kernel = prepared(given);
  work::KernelCounts counts;
  counts.launch.block = {given.groupSize, 1, 1};
  counts.groups = given.groups;
  for (const llvm::BasicBlock &block : *kernel.function) {
    const auto found = given.runs.find(block.getName().str());
    const double runs = found == given.runs.end() ? 1 : found->second;
    counts.blocks.push_back({block.getName().str(), runs, runs});
  }
  return modelCycles(kernel, counts, chip);
}

inline double at(const work::PortClocks &clocks, work::Port port) {
  return clocks[static_cast<size_t>(port)];
}

inline const work::BlockCycles &block(const work::KernelCycles &cycles, std::string_view name) {
  for (const work::BlockCycles &block : cycles.blocks)
    if (block.name == name)
      return block;
  ADD_FAILURE() << "no block " << name;
  return cycles.blocks.front();
}

} // namespace mansard::ir::testing
