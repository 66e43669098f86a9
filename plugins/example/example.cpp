// The smallest complete plugin in C++: an accelerator that does not exist, with one square systolic
// array, one vector unit and one DMA engine a core, which work side by side.
//
// Its model is a roofline whose slopes round off where resources tie (mansard/base/overlap.h), with
// the array's padding, behind a fixed start.
#include <mansard/base/counts.h>
#include <mansard/base/dram.h>
#include <mansard/base/overlap.h>
#include <mansard/base/units.h>
#include <mansard/sdk/sdk.hpp>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace {

using mansard::Busy;
using mansard::Counts;
using mansard::Parts;
using mansard::Result;
using mansard::toMicroseconds;

constexpr mansard::sdk::Key kKeys[] = {
    {"example-npu.array_size", "", "rows and columns of the systolic array"},
    {"example-npu.launch_us", "us", "from the command to the first byte requested"},
};

constexpr std::string_view kTargets[] = {R"(
id = "example-npu"
name = "Example NPU"
vendor = "Nobody"
family = "example-npu"
model = "example-npu"
year = 2025

[sources]
made-up = "made up for the example: no such chip exists"

[compute]
cores = { value = 16, source = "made-up", confidence = "estimate" }
clock_GHz = { value = 1.5, source = "made-up", confidence = "estimate" }
[matrix]
ops_per_clock.bf16 = { value = 8192, source = "made-up", confidence = "estimate" }
ops_per_clock.int8 = { value = 16384, source = "made-up", confidence = "estimate" }
[vector]
ops_per_clock.fp32 = { value = 256, source = "made-up", confidence = "estimate" }
ops_per_clock.bf16 = { value = 512, source = "made-up", confidence = "estimate" }
special_per_clock = { value = 32, source = "made-up", confidence = "estimate" }
[sram]
per_core_KiB = { value = 2048, source = "made-up", confidence = "estimate" }
[memory]
technology = "hbm3"
stacks = { value = 4, source = "made-up", confidence = "estimate" }
[links.scale_up]
bandwidth_GBps = { value = 200, source = "made-up", confidence = "estimate" }
latency_us = { value = 2, source = "made-up", confidence = "estimate" }
domain = { value = 8, source = "made-up", confidence = "estimate" }
topology = "ring"
[power]
tdp_W = { value = 350, source = "made-up", confidence = "estimate" }

[example-npu]
array_size = { value = 64, source = "made-up", confidence = "estimate" }
launch_us = { value = 3, source = "made-up", confidence = "estimate" }
)"};

class ExampleModel {
public:
  static Result<ExampleModel> create(const mansard::sdk::Chip &chip) {
    ExampleModel model;
    model.chip_ = chip.numbers();
    model.arraySize_ = chip.require("example-npu.array_size");
    model.launch_us_ = chip.require("example-npu.launch_us");
    if (!(model.arraySize_ >= 1))
      return mansard::Error{mansard::ErrorCode::invalidInput,
                            "example-npu.array_size must be at least 1", ""};
    if (!(chip->vector_ops_per_s[MANSARD_DTYPE_FP32] > 0))
      return mansard::Error{mansard::ErrorCode::invalidInput,
                            "vector.ops_per_clock.fp32 is missing: all else is widened to it", ""};
    return model;
  }

  void estimate(const mansard_kernel &kernel, mansard_estimate &out) const noexcept {
    const Counts work = mansard::countWork(kernel);
    Busy busy;
    double start_us = launch_us_;

    if (work.matrixOperations > 0) {
      const double peak = chip_.matrix_ops_per_s[kernel.dtype];
      if (!(peak > 0))
        return mansard::sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED,
                                    "the array does not multiply this data type");
      busy[MANSARD_BOUND_MATRIX] = toMicroseconds(work.matrixOperations * padding(kernel) / peak);
    }
    busy[MANSARD_BOUND_VECTOR] = toMicroseconds(work.vectorOperations / vectorRate(kernel.dtype) +
                                                work.specialOperations / chip_.special_ops_per_s);
    busy[MANSARD_BOUND_DRAM] =
        toMicroseconds((work.readBytes + work.writeBytes) /
                       mansard::dramBandwidth(chip_, work.readBytes, work.writeBytes));
    if (work.linkBytes > 0) {
      const mansard_link &link = linkFor(ranksOf(kernel));
      if (!(link.bytes_per_s > 0))
        return mansard::sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED, "no link reaches so far");
      busy[MANSARD_BOUND_LINK] = toMicroseconds(work.linkBytes / link.bytes_per_s);
      start_us += toMicroseconds(link.latency_s * (ranksOf(kernel) - 1)); // once round the ring
    }

    Parts parts;
    parts.addOverlapped(busy);
    parts.addSerial(MANSARD_BOUND_FIXED, start_us);
    parts.store(out);
    out.operations = work.matrixOperations > 0 ? work.matrixOperations : work.vectorOperations;
    out.dram_read_bytes = work.readBytes;
    out.dram_write_bytes = work.writeBytes;
    out.link_bytes = work.linkBytes;
    out.flags = MANSARD_ESTIMATE_UNCALIBRATED;
    out.tiling.tile_m = out.tiling.tile_n = out.tiling.tile_k = static_cast<int32_t>(arraySize_);
    out.tiling.cores = static_cast<int32_t>(chip_.cores);
  }

private:
  /// Work done over work asked for: dimensions are rounded up to the array.
  double padding(const mansard_kernel &kernel) const {
    switch (kernel.op) {
    case MANSARD_OP_MATMUL: {
      const mansard_matmul &g = kernel.u.matmul;
      return padded(g.m) * padded(g.n) * padded(g.k);
    }
    case MANSARD_OP_GROUPED_MATMUL: {
      const mansard_grouped_matmul &g = kernel.u.grouped_matmul;
      return padded(g.m) * padded(g.n) * padded(g.k);
    }
    case MANSARD_OP_MOE: {
      const mansard::MoeLoad load = mansard::moeLoad(kernel.u.moe);
      return padded(load.assignments / std::max(1.0, load.touchedExperts));
    }
    case MANSARD_OP_ATTENTION_PREFILL:
    case MANSARD_OP_ATTENTION_DECODE: { // heads that share keys fill the rows
      const mansard_attention &a = kernel.u.attention;
      return padded(a.q_len * a.heads / std::max<int64_t>(a.kv_heads, 1)) * padded(a.head_dim);
    }
    case MANSARD_OP_MLA_PREFILL:
      return padded(kernel.u.mla.q_len);
    case MANSARD_OP_MLA_DECODE: // all heads share the latent: they fill the rows
      return padded(kernel.u.mla.q_len * kernel.u.mla.heads);
    default:
      return 1;
    }
  }
  double padded(auto size) const {
    const double wanted = std::max(1.0, static_cast<double>(size));
    return std::ceil(wanted / arraySize_) * arraySize_ / wanted;
  }

  /// Types that the vector unit lacks are widened to fp32.
  double vectorRate(uint32_t dtype) const {
    const double own = chip_.vector_ops_per_s[dtype];
    return own > 0 ? own : chip_.vector_ops_per_s[MANSARD_DTYPE_FP32];
  }

  static double ranksOf(const mansard_kernel &kernel) {
    return static_cast<double>(kernel.op == MANSARD_OP_COLLECTIVE ? kernel.u.collective.ranks
                                                                  : kernel.u.expert_parallel.ranks);
  }
  const mansard_link &linkFor(double ranks) const {
    const mansard_link &near = chip_.links[MANSARD_LINK_SCALE_UP];
    return ranks <= near.domain ? near : chip_.links[MANSARD_LINK_SCALE_OUT];
  }

  mansard_chip chip_{};
  double arraySize_ = 0, launch_us_ = 0;
};

} // namespace

MANSARD_PLUGIN(ExampleModel, {.id = "example-npu",
                              .version = "0.1.0",
                              .description = "roofline of an imaginary accelerator (C++ example)",
                              .keys = kKeys,
                              .targets = kTargets});
