// What a work group of a compiled kernel costs a core of a GCN-like chip, as a compiler's back end
// and its scheduling model have it. Plain values; clocks are those of the core.
#pragma once

#include <mansard/sdk/abi.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::work {

/// What instructions are issued to. Vector and matrix units, scalar unit and branches are a SIMD's
/// own; memory and export are shared by the core's SIMDs.
enum class Port { vector, matrix, scalar, branch, vectorMemory, lds, scalarMemory, exports };
inline constexpr size_t kPortCount = 8;
inline constexpr std::array<std::string_view, kPortCount> kPortNames{
    "vector", "matrix", "scalar", "branch", "vector_memory", "lds", "scalar_memory", "export"};
using PortClocks = std::array<double, kPortCount>;

/// Clocks in which a wave that has its SIMD to itself issues nothing, by what it waits for.
struct WaitClocks {
  double memory = 0;  // vector memory
  double near = 0;    // LDS and scalar memory
  double results = 0; // of vector, matrix and scalar instructions, a busy unit, a taken branch
  double total() const { return memory + near + results; }
};

/// One machine block, in the code's order.
struct BlockCycles {
  std::string name;      // of the IR block it comes from; empty: the back end made it
  double executions = 0; // by a wave
  int instructions = 0;
  double clocks = 0; // one execution by a wave alone, waits included
  WaitClocks waits;  // of one execution
  PortClocks busy{}; // of one execution
};

struct KernelCycles {
  std::string isa; // compiled for, in the chip's stead
  int vectorRegisters = 0, scalarRegisters = 0;
  double ldsBytes = 0;     // of a group, static and dynamic
  double scratchBytes = 0; // of a work item: spilled registers and private arrays
  double wavesPerGroup = 1;

  double mostGroupsPerCore = 1; // that registers, slots and LDS let in
  double groupsPerCore = 1;     // of these, what the launch fills
  double wavesPerSimd = 1;      // with groupsPerCore
  std::string occupancyLimit;   // what keeps more groups out, with numbers

  double memoryLatency = 0; // clocks of a vector load
  double waveClocks = 0;    // a wave alone on its core, from first to last instruction
  WaitClocks waits;         // of these
  PortClocks busy{};        // of a wave, by port

  /// Of one group, averaged over the groups that a core runs, a last round that is not full
  /// included. In a full round: the largest of portClocks and latencyClocks.
  double groupClocks = 0;
  PortClocks portClocks{};  // of one group while groupsPerCore share the core, by port
  double latencyClocks = 0; // waveClocks / groupsPerCore
  std::string_view bound;   // of a full round: a port's name or "latency"
  double hiddenWaits = 0;   // share of a wave's waits that other waves' work covers
  std::vector<BlockCycles> blocks;
  std::vector<std::string> notes;
};

/// What the plugin prices: groups a core and clocks of a group.
inline void store(const KernelCycles &cycles, mansard_custom &custom) {
  custom.groups_per_core = cycles.groupsPerCore;
  custom.group_cycles = cycles.groupClocks;
}

} // namespace mansard::work
