// Where the kernel's accesses go: spaces, strides, sectors and distinct bytes.
#pragma once

#include "Footprint.h"
#include "Operations.h"
#include "TripCounts.h"

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace mansard::ir {

/// Watches the accesses of sampled threads, then adds them up.
class Memory {
public:
  Memory(const FunctionWork &work, const Launch &launch, Values &values, const TripCounts &trips,
         const llvm::LoopInfo &loops, const work::KernelQuestion &question);

  /// The thread that `values` stands at, right after its walk with these runs; `lane` of its warp.
  void visitLane(int lane, const std::vector<double> &runs);
  /// After the lanes of one warp.
  void endWarp();

  /// Distances of threads, groups and turns, seen from the first thread.
  void probe();

  /// Totals of the launch; runs by threads and by warps of each block. Errors name the object whose
  /// footprint must be given.
  Result<> finish(const std::vector<double> &threadRuns, const std::vector<double> &warpRuns,
                  work::KernelCounts &counts);

private:
  struct Seen {
    const Access *access = nullptr;
    const llvm::Value *object = nullptr;
    work::Space space = work::Space::global;
    size_t block = 0;
    bool ignored = false; // a size of the launch
    bool regular = true;  // the address follows from ids and turns
    double bytes = 0;     // of one thread's execution
    int64_t least = std::numeric_limits<int64_t>::max(), most = std::numeric_limits<int64_t>::min();
    // Of the lane that is being visited: at first turns, and over all turns of one and of all
    // loops.
    std::optional<int64_t> here;
    int64_t reachLow = 0, reachHigh = 0, low = 0, high = 0;
    std::vector<std::pair<int, int64_t>> lanes; // of the warp that is being visited
    double warps = 0, sectors = 0, conflicts = 0;
    size_t widest = 0; // lanes of the warp that decided the pattern
    work::Pattern pattern = work::Pattern::uniform;
    double stride = 0;
    // From the probe.
    int64_t start = 0;
    std::vector<Extent> threads, groups;
    std::vector<const llvm::Loop *> loops; // from outside to inside
    std::vector<Extent> turns;
  };

  void visitTurns(const llvm::Loop *loop);
  void examine(Seen &seen) const;
  std::optional<int64_t> offset(const Seen &seen);
  double bytesOf(const Seen &seen);
  std::vector<Cluster> clusters(const std::vector<Seen *> &members, bool ofLaunch,
                                std::vector<std::vector<Seen *>> &who) const;
  Error unknownFootprint(const Seen &seen) const;
  double footprintOf(const Seen &seen) const;
  void addTraffic(bool writes, work::KernelCounts &counts);

  const Launch &launch_;
  Values &values_;
  const TripCounts &trips_;
  const llvm::LoopInfo &loops_;
  const work::KernelQuestion &question_;
  std::vector<Seen> seen_;
  llvm::DenseMap<const llvm::Loop *, double> mostTurns_;
  std::vector<double> threadRuns_, warpRuns_;
};

} // namespace mansard::ir
