// How many groups of a kernel a GCN-like core holds.
#pragma once

#include "GcnCore.h"
#include "MachineKernel.h"

#include <mansard/base/result.h>

#include <string>

namespace mansard::ir {

struct Occupancy {
  double groups = 0; // of a core
  std::string limit; // what keeps more out, with numbers
};

/// Error: not one group fits.
Result<Occupancy> occupancyOf(const GcnCore &core, const MachineKernel &kernel, double ldsBytes,
                              double wavesPerGroup, const std::string &name);

} // namespace mansard::ir
