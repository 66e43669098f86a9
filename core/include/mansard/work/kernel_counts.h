// What one launch of a compiled kernel (a function of LLVM IR) does, counted: operations, memory
// traffic, and how often each of its blocks runs. Plain values.
//
// Counts are of the whole launch unless a name says otherwise. A multiply-add is two operations; a
// vector instruction counts once for each element. What a count needs and the code does not tell
// (a size that is an argument, a loop that ends on loaded data) is part of the question; what was
// assumed is in the notes.
#pragma once

#include <mansard/base/result.h>
#include <mansard/work/kernel.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::work {

/// What the count needs to know of the chip that runs the kernel; zeros: not known.
struct KernelMachine {
  double cores = 0;
  double sramBytesPerCore = 0;  // shared memory, LDS
  double cacheBytesPerCore = 0; // first-level cache; where it shares the SRAM, all of that
  bool cacheInSram = false;     // shared memory of resident groups is taken from the cache
  double l2Bytes = 0;
  double threadsPerCore = 0; // resident at once
};

/// `grid` counts groups (thread blocks), `block` the threads of one; zeros: not given.
struct LaunchGeometry {
  std::array<int64_t, 3> grid{}, block{};
};

struct KernelQuestion {
  std::string path, function; // function may be empty where the file has one kernel
  LaunchGeometry launch;
  std::map<std::string, int64_t> arguments; // by name, or by position as "#0"
  std::map<std::string, double> trips;      // turns of a loop, by the name of its header block
  std::map<std::string, double> footprints; // bytes reached by indirect accesses, by pointer
  double dynamicShared = -1;                // bytes of extern shared memory; -1: not given
  KernelMachine machine;
};

/// Where an access goes.
enum class Space { global, shared, constant, local };
inline constexpr std::array<std::string_view, 4> kSpaceNames{"global", "shared", "constant",
                                                             "local"};

/// How the addresses of neighbouring threads relate.
enum class Pattern { coalesced, uniform, strided, mixed, random };
inline constexpr std::array<std::string_view, 5> kPatternNames{"coalesced", "uniform", "strided",
                                                               "mixed", "random"};

/// One load, store or atomic of the code.
struct AccessCount {
  std::string pointer; // what it is derived from: "x", "#2", "@tile"
  std::string block;   // the block it is in
  Space space = Space::global;
  bool reads = false, writes = false, atomic = false;
  double bytesEach = 0;  // of one thread
  double executions = 0; // by threads
  double bytes = 0;      // executions x bytesEach
  double distinctBytes = 0;
  Pattern pattern = Pattern::coalesced;
  double stride = 0;      // bytes between neighbouring threads, where it is one
  double sectorsEach = 0; // 32-byte sectors that one warp's access touches
  double conflicts = 1;   // shared: passes that banks of 4 bytes need, at least 1
};

/// One basic block, in the function's order.
struct BlockFrequency {
  std::string name;
  double perThread = 0; // runs, averaged over the threads of the launch
  double perWarp = 0;   // the same over warps (wavefronts), which run what any of their lanes does
};

struct LoopCount {
  std::string block;      // header
  std::string expression; // turns for one entry, as scalar evolution has it; "?" where it has not
  double turns = 0;       // for one entry, averaged
  double entries = 0;     // by one thread, averaged
  int depth = 1;
};

struct KernelCounts {
  std::string function, triple;
  bool onGpu = false;
  int warp = 1;          // threads that run in step
  LaunchGeometry launch; // as used
  double threads = 1, groups = 0;
  double staticShared = 0, dynamicShared = 0; // bytes of a group
  double groupsPerCore = 0;                   // 0: not known

  std::array<double, MANSARD_DTYPE_SLOTS> floatOperations{}; // by data type, special ones apart
  double integerOperations = 0, specialOperations = 0;
  std::array<double, MANSARD_DTYPE_SLOTS> matrixOperations{}; // by type of the operands
  double barriers = 0, atomics = 0, branches = 0;
  double memoryInstructions = 0;
  double warpShare = 1; // threads that are active when their warp issues arithmetic, as a share

  std::vector<AccessCount> accesses;
  std::array<double, 4> bytes{};                // moved by threads, by Space
  double distinctRead = 0, distinctWritten = 0; // global
  double transactionBytes = 0;                  // global, as warps ask for them: sectors x 32
  double l2Bytes = 0;                   // of these, what the cores' own caches do not answer
  double dramRead = 0, dramWritten = 0; // of these, what the L2 does not answer
  double sharedTraffic = 0;             // shared bytes, bank conflicts included
  // Global bytes through the core's SRAM, where that is the cache too: what lanes take, or the sectors
  // that it is taken from.
  double cacheTraffic = 0;

  std::vector<BlockFrequency> blocks;
  std::vector<LoopCount> loops;
  std::vector<std::string> notes;

  double floatTotal() const;
  double matrixTotal() const;
};

/// The kernel that plugins price. Arithmetic counts what warps issue: lanes that are masked off
/// keep their unit as busy as the others.
Kernel customKernel(const KernelCounts &counts);

} // namespace mansard::work
