#include "GroupTime.h"

#include <algorithm>
#include <cmath>

namespace mansard::ir {
namespace {

using work::Port;

constexpr double kBankBytes = 4;    // of the LDS
constexpr double kSectorBytes = 32; // AccessCount's

double &at(work::PortClocks &clocks, Port port) { return clocks[static_cast<size_t>(port)]; }

/// Passes over the banks beyond those that the width of an access needs anyway.
double bankConflicts(const work::AccessCount &access) {
  return std::max(1.0, access.conflicts / std::max(1.0, access.bytesEach / kBankBytes));
}

/// One unit for the core's SIMDs together.
bool isShared(Port port) {
  return port == Port::vectorMemory || port == Port::lds || port == Port::scalarMemory ||
         port == Port::exports;
}

} // namespace

void addAccesses(BlockTime &time, const std::string &block, const work::KernelCounts &counts,
                 const GcnCore &core) {
  double sectors = 0, conflicts = 0, shared = 0;
  if (block.empty())
    return;
  for (const work::AccessCount &access : counts.accesses) {
    if (access.block != block)
      continue;
    if (access.space == work::Space::global && access.pattern != work::Pattern::uniform)
      sectors += access.sectorsEach;
    if (access.space == work::Space::shared) {
      conflicts += access.bytes * bankConflicts(access);
      shared += access.bytes;
    }
  }
  double &memory = at(time.busy, Port::vectorMemory);
  if (memory > 0)
    memory = std::max(memory, sectors * kSectorBytes / core.l1BytesPerClock);
  if (shared > 0)
    at(time.busy, Port::lds) *= conflicts / shared;
}

namespace {

/// One group's clocks of each port, and of the wave's own duration, while `resident` share a core.
struct Shares {
  work::PortClocks ports{};
  double latency = 0, longest = 0;
  std::string_view bound = "latency";
};

Shares sharesOf(const work::KernelCycles &c, const GcnCore &core, double resident) {
  Shares shares;
  shares.latency = shares.longest = c.waveClocks / resident;
  const double waves = resident * c.wavesPerGroup, busiestSimd = std::ceil(waves / core.simds);
  for (size_t i = 0; i < work::kPortCount; ++i) {
    const double wavesOfPort = isShared(static_cast<Port>(i)) ? waves : busiestSimd;
    shares.ports[i] = c.busy[i] * wavesOfPort / resident;
    if (shares.ports[i] > shares.longest) {
      shares.longest = shares.ports[i];
      shares.bound = work::kPortNames[i];
    }
  }
  return shares;
}

} // namespace

void shareCore(work::KernelCycles &c, const GcnCore &core, double groups) {
  const double most = c.mostGroupsPerCore;
  const double ofCore = groups > 0 ? std::max(1.0, std::ceil(groups / core.cores)) : most;
  c.groupsPerCore = std::min(most, ofCore);
  c.wavesPerSimd = c.groupsPerCore * c.wavesPerGroup / core.simds;
  const Shares full = sharesOf(c, core, c.groupsPerCore);
  c.portClocks = full.ports;
  c.latencyClocks = full.latency;
  c.bound = full.bound;
  // A last round that is not full hides less.
  const double rounds = std::floor(ofCore / c.groupsPerCore);
  const double rest = ofCore - rounds * c.groupsPerCore;
  const double last = rest > 0 ? rest * sharesOf(c, core, rest).longest : 0;
  c.groupClocks = (rounds * c.groupsPerCore * full.longest + last) / ofCore;

  const double waits = c.waits.total();
  const double working = std::ceil(c.wavesPerSimd) * (c.waveClocks - waits);
  const double idle = std::max(0.0, full.longest * c.groupsPerCore - working);
  c.hiddenWaits = waits > 0 ? std::clamp(1 - idle / waits, 0.0, 1.0) : 1;
}

} // namespace mansard::ir
