// Sustained DRAM bandwidth for a mix of reads and writes with a limited number of bytes in flight.
#pragma once

#include <mansard/sdk/abi.h>

#include <cmath>

namespace mansard {

/// Bytes per second of a stream that reads `read` and writes `written` bytes. A bus that turns
/// round pays per switch; the share of switches goes with the scarcer direction, 4 r w of a stream
/// with read share r and write share w: 0 for a pure stream, 1 at one to one.
inline double dramBandwidth(const mansard_chip &chip, double read, double written) {
  const double all = read + written;
  if (!(all > 0) || !(chip.dram_mixed_bytes_per_s > 0))
    return chip.dram_read_bytes_per_s;
  const double r = read / all, mixing = 4 * r * (1 - r);
  const double secondsPerByte =
      (1 - mixing) / chip.dram_read_bytes_per_s + mixing / chip.dram_mixed_bytes_per_s;
  return 1 / secondsPerByte;
}

/// Little's law: what a memory of `latency_s` delivers to requesters that keep `inFlight` bytes on
/// their way. Queueing rounds the corner: 1/rate^2 = 1/bandwidth^2 + 1/(inFlight/latency)^2.
inline double dramRate(double bandwidth, double inFlight, double latency_s) {
  if (!(latency_s > 0))
    return bandwidth;
  const double supply = inFlight / latency_s;
  return bandwidth * supply / std::sqrt(bandwidth * bandwidth + supply * supply);
}

} // namespace mansard
