// The Ascend plugin's entry: binds a chip's description to the kernels' models.
#include "keys.h"
#include "ops.h"

#include <mansard/sdk/sdk.hpp>

namespace mansard::ascend {
namespace {

class AscendModel {
public:
  static Result<AscendModel> create(const sdk::Chip &chip) {
    Result<Device> device = makeDevice(chip);
    if (!device)
      return device.error();
    return AscendModel(*device);
  }

  void estimate(const mansard_kernel &kernel, mansard_estimate &out) const noexcept {
    static constexpr decltype(&estimateMatmul) kOps[MANSARD_OP_COUNT] = {
        estimateMatmul,          estimateGroupedMatmul, estimateAttentionPrefill,
        estimateAttentionDecode, estimateMlaPrefill,    estimateMlaDecode,
        estimateVector,          estimateMoe,           estimateCollective,
        estimateExpertParallel,  estimateCustom};
    kOps[kernel.op](device_, kernel, out);
    if (!device_.calibrated)
      out.flags |= MANSARD_ESTIMATE_UNCALIBRATED;
  }

  TileFit fitTile(const mansard_kernel &kernel) const { return ascend::fitTile(device_, kernel); }

private:
  explicit AscendModel(const Device &device) : device_(device) {}
  Device device_;
};

} // namespace
} // namespace mansard::ascend

MANSARD_PLUGIN(mansard::ascend::AscendModel,
               {.id = "ascend",
                .version = "0.1",
                .description = "Huawei Ascend: cube and vector cores, MTE pipelines, L2 exchange",
                .keys = mansard::ascend::kKeys});
