// Whether a tile that the caller's compiler has fixed (mansard_matmul.tile_m ...) fits the memories
// of a core, with the numbers that say so.
//
// A family lists what each memory must hold and has; the estimate asks fits(), the extension
// MANSARD_EXTENSION_TILE_FIT prints text(). Pure; only text() allocates. Sizes in bytes.
#pragma once

#include <mansard/sdk/abi.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace mansard {

/// True where the kernel is a matmul with a stated tile. What checkStatedTile() refuses counts as
/// none.
inline bool statesTile(const mansard_kernel &kernel) {
  return kernel.op == MANSARD_OP_MATMUL && kernel.u.matmul.tile_m > 0 && kernel.u.matmul.tile_n > 0;
}

/// Why a matmul's schedule makes no sense; empty where it does or nothing is stated. Static.
inline std::string_view statedTileProblem(const mansard_matmul &g) {
  if (g.tile_m < 0 || g.tile_n < 0 || g.tile_k < 0 || g.split_k < 0)
    return "tile_m, tile_n, tile_k and split_k are positive, or 0 where the model chooses";
  if ((g.tile_m == 0) != (g.tile_n == 0))
    return "tile_m and tile_n are stated together or not at all";
  if (g.tile_m == 0 && (g.tile_k != 0 || g.split_k != 0))
    return "tile_k and split_k go with a stated tile_m and tile_n";
  return {};
}

/// The least multiple of `unit` that holds `size`.
inline double paddedTo(double size, double unit) { return std::ceil(size / unit) * unit; }

/// What one memory must hold at once for a tile. A memory that sets no limit is left out. Texts are
/// static.
struct MemoryUse {
  std::string_view name; // "L0C"
  double needs = 0, has = 0;
  std::string_view what; // "accumulators"
};

class TileFit {
public:
  static constexpr uint32_t kMost = 6;

  void add(const MemoryUse &use) {
    if (count_ < kMost)
      uses_[count_++] = use;
  }
  /// The tile as the matrix unit takes it, where that is larger than the stated one.
  void setPadded(double m, double n, double k) {
    paddedM_ = m;
    paddedN_ = n;
    paddedK_ = k;
  }

  bool fits() const { return room() >= 1; }
  /// The smallest ratio of what a memory has to what it must hold: 1 and more where the tile fits.
  double room() const {
    double least = HUGE_VAL;
    for (uint32_t i = 0; i < count_; ++i)
      if (uses_[i].needs > 0)
        least = std::min(least, uses_[i].has / uses_[i].needs);
    return least;
  }

  /// One line: "L0C 256 of 128 KiB (accumulators): too large; L1 ...".
  std::string text() const {
    std::string line;
    char part[160];
    const auto append = [&](int size) {
      line.append(line.empty() ? "" : "; ");
      line.append(part,
                  std::clamp<size_t>(static_cast<size_t>(std::max(size, 0)), 0, sizeof part - 1));
    };
    for (uint32_t i = 0; i < count_; ++i) {
      const MemoryUse &use = uses_[i];
      const bool over = use.needs > use.has;
      append(std::snprintf(part, sizeof part, "%.*s %.6g of %.6g KiB (%.*s)%s",
                           static_cast<int>(use.name.size()), use.name.data(), use.needs / 1024,
                           use.has / 1024, static_cast<int>(use.what.size()), use.what.data(),
                           over ? ": too small" : ""));
    }
    if (paddedM_ > 0)
      append(std::snprintf(part, sizeof part, "padded to %.0f x %.0f x %.0f for the matrix unit",
                           paddedM_, paddedN_, paddedK_));
    return line;
  }

private:
  MemoryUse uses_[kMost];
  uint32_t count_ = 0;
  double paddedM_ = 0, paddedN_ = 0, paddedK_ = 0;
};

} // namespace mansard
