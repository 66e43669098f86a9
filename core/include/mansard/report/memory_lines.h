// The memory of a device by what it holds, and its table.
#pragma once

#include <mansard/work/program.h>

#include <string>
#include <vector>

namespace mansard::report {

struct MemoryLine {
  std::string part;      // "weights", "kv_cache", "activations", "buffers"
  std::string component; // of weights and cache, as in the kernels' names; else empty
  std::string type;      // likewise
  double size_GiB = 0;
  double share = 0; // of the capacity
};

/// In descending order within each part. `capacity` in bytes of a device; sizes are those of
/// `devices` together (a package's). Parts of the need that have no breakdown are one line.
std::vector<MemoryLine> memoryLines(const work::MemoryNeed &need, double capacity,
                                    double devices = 1);

/// Lines that are worth one, and what is left free.
std::string memoryTable(const std::vector<MemoryLine> &lines, double capacity_GiB);

} // namespace mansard::report
