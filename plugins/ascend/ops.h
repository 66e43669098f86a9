// One function for each kind of kernel. All are pure and allocate nothing.
#pragma once

#include "device.h"

#include <mansard/base/stated_tile.h>

namespace mansard::ascend {

void estimateMatmul(const Device &, const mansard_kernel &, mansard_estimate &);
void estimateGroupedMatmul(const Device &, const mansard_kernel &, mansard_estimate &);
void estimateAttentionPrefill(const Device &, const mansard_kernel &, mansard_estimate &);
void estimateAttentionDecode(const Device &, const mansard_kernel &, mansard_estimate &);
void estimateMlaPrefill(const Device &, const mansard_kernel &, mansard_estimate &);
void estimateMlaDecode(const Device &, const mansard_kernel &, mansard_estimate &);
void estimateVector(const Device &, const mansard_kernel &, mansard_estimate &);
void estimateMoe(const Device &, const mansard_kernel &, mansard_estimate &);
void estimateCollective(const Device &, const mansard_kernel &, mansard_estimate &);
void estimateExpertParallel(const Device &, const mansard_kernel &, mansard_estimate &);
void estimateCustom(const Device &, const mansard_kernel &, mansard_estimate &);

/// Whether a matmul's stated tile fits L0 and L1.
TileFit fitTile(const Device &, const mansard_kernel &);

/// Adds a vector kernel, without its start, to `parts`.
VectorWork addVector(const Device &, const mansard_kernel &, Parts &parts);

} // namespace mansard::ascend
