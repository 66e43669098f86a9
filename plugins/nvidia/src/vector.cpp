// Vector work: elementwise maps and row reductions, bound by memory for all but the smallest. A
// thread block of 1024 takes a row; each trip over the row is a round of loads in flight.
#include "nvidia_model.h"

#include <mansard/base/vector_work.h>

#include <algorithm>
#include <cmath>

namespace mansard::nvidia {
namespace {

constexpr double kBlockElements = 1024; // of 16 bits; of narrower ones a thread loads several
constexpr double kBlocksPerCore = 2;    // of 1024 threads each
constexpr double kResident = 0.5;       // of the L2: what a repeated run still finds there

} // namespace

void estimateVector(const NvidiaModel &model, const mansard_kernel &kernel, mansard_estimate &out) {
  const mansard_vector &v = kernel.u.vector;
  const Constants &c = model.constants;
  VectorTuning tuning;
  tuning.dramEfficiency = c.vectorDram;
  tuning.l2Efficiency = c.gemmL2;
  tuning.residentShare = kResident;
  VectorWork work = vectorWork(model.chip, kernel, tuning);
  const double widest = std::max(bytesOf(kernel.dtype), bytesOf(kernel.out_dtype));
  const double trip = kBlockElements * std::max(1.0, 2 / widest);
  const double passes = std::ceil(static_cast<double>(v.cols) / trip) *
                        std::max(1.0, static_cast<double>(v.rows) / (kBlocksPerCore * model.cores));
  const double stream = passes * c.vectorPassUs, bus = work.busy[MANSARD_BOUND_DRAM];
  work.busy[MANSARD_BOUND_DRAM] = std::sqrt(bus * bus + stream * stream);
  Parts parts;
  parts.addSerial(MANSARD_BOUND_FIXED, c.vectorStartUs);
  parts.addOverlapped(work.busy);
  parts.store(out);
  const Counts counts = countWork(kernel);
  out.operations = counts.vectorOperations;
  out.dram_read_bytes = work.dramReadBytes;
  out.dram_write_bytes = work.dramWriteBytes;
  out.tiling.tiles = v.rows;
  out.tiling.waves = static_cast<double>(v.rows) / (kBlocksPerCore * model.cores);
  out.tiling.cores = static_cast<int32_t>(work.cores);
}

} // namespace mansard::nvidia
