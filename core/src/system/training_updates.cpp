#include "training_updates.h"

#include <algorithm>
#include <cmath>

namespace mansard::system {
namespace {

work::Kernel collective(uint32_t kind, int64_t ranks, double bytes) {
  work::Kernel kernel =
      work::makeKernel(MANSARD_OP_COLLECTIVE, DType::fp32, DType::fp32, DType::fp32);
  kernel.u.collective.kind = kind;
  kernel.u.collective.ranks = ranks;
  kernel.u.collective.size_bytes = static_cast<int64_t>(std::ceil(bytes));
  return kernel;
}

/// Devices behind the fast links of one; all where nothing scales out.
int64_t domainOf(const mansard_chip &chip) {
  if (!(chip.links[MANSARD_LINK_SCALE_OUT].bytes_per_s > 0))
    return INT64_MAX;
  const mansard_link &up = chip.links[MANSARD_LINK_SCALE_UP];
  return up.bytes_per_s > 0 ? std::max<int64_t>(1, static_cast<int64_t>(up.domain)) : 1;
}

} // namespace

Parameters parametersOf(const work::Program &forward, const work::Transformer &model, int64_t tp) {
  Parameters p;
  const std::vector<Place> places = placesOf(forward);
  for (size_t i = 0; i < forward.steps.size(); ++i) {
    const work::Kernel &kernel = forward.kernels[forward.steps[i].kernel];
    const auto runs = static_cast<double>(forward.steps[i].count);
    double own = 0;
    if (kernel.op == MANSARD_OP_MATMUL) {
      const mansard_matmul &g = kernel.u.matmul;
      own = static_cast<double>(g.n) *
            (static_cast<double>(g.k) + (g.epilogue & MANSARD_EPILOGUE_BIAS ? 1 : 0));
    } else if (kernel.op == MANSARD_OP_GROUPED_MATMUL) {
      const mansard_grouped_matmul &g = kernel.u.grouped_matmul;
      p.experts += runs * static_cast<double>(g.groups) * static_cast<double>(g.n) *
                   static_cast<double>(g.k);
    } else if (isNorm(kernel)) {
      own = static_cast<double>(kernel.u.vector.cols) *
            (kernel.u.vector.kind == MANSARD_VECTOR_LAYERNORM ? 2 : 1);
    }
    (places[i] == Place::first    ? p.first
     : places[i] == Place::layers ? p.layers
                                  : p.last) += runs * own;
  }
  p.first += std::ceil(static_cast<double>(model.vocab) / static_cast<double>(tp)) *
             static_cast<double>(model.hidden);
  return p;
}

void addStrided(std::vector<Part> &parts, const std::string &name, uint32_t kind, double bytes,
                int64_t ranks, int64_t stride, const mansard_chip &chip) {
  if (ranks <= 1 || !(bytes > 0))
    return;
  const int64_t near = std::clamp<int64_t>(domainOf(chip) / stride, 1, ranks);
  if (near == ranks) {
    parts.push_back({collective(kind, ranks, bytes), name});
    return;
  }
  const bool scatters = kind != MANSARD_COLLECTIVE_ALL_GATHER,
             gathers = kind != MANSARD_COLLECTIVE_REDUCE_SCATTER;
  if (near > 1 && scatters)
    parts.push_back({collective(MANSARD_COLLECTIVE_REDUCE_SCATTER, near, bytes), name});
  const double far = std::ceil(static_cast<double>(ranks) / static_cast<double>(near));
  const double piece = bytes / static_cast<double>(near) / far;
  parts.push_back({collective(MANSARD_COLLECTIVE_SEND, ranks * stride, piece), name + ".ring",
                   (scatters && gathers ? 2 : 1) * (far - 1)});
  if (near > 1 && gathers)
    parts.push_back({collective(MANSARD_COLLECTIVE_ALL_GATHER, near, bytes), name});
}

std::vector<Part> optimizerParts(Optimizer optimizer, double parameters, double updated) {
  const auto over = [](double count, double bytes) {
    constexpr int64_t kColumns = 1024;
    const double rows = std::ceil(count / static_cast<double>(kColumns));
    return passing(std::max<int64_t>(1, static_cast<int64_t>(rows)), kColumns, bytes);
  };
  // Read: the gradient and all that is kept of a parameter; written: that, and the 16-bit weight.
  const double kept = optimizerBytes(optimizer);
  return {{over(parameters, 4), "gradients.zero"},
          {over(updated, 4), "gradients.norm"},
          {over(updated, 8), "gradients.clip"},
          {over(updated, 4 + 2 * kept + 2), "optimizer.update"}};
}

} // namespace mansard::system
