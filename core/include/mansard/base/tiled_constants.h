// The calibration constants that families of tiled machines share, by name.
//
// A family's file targets/calibration/<family>.toml gives their values and sources. Durations end
// in _us; shares are of the rate that the chip's description gives.
#pragma once

#include <mansard/base/tiled_machine.h>

#include <string_view>

namespace mansard {

struct TiledConstant {
  std::string_view name, unit, meaning;
};

inline constexpr TiledConstant kTiledConstants[] = {
    {"start.gemm_us", "us", "start and drain of a matmul kernel, plain or grouped"},
    {"start.attention_us", "us", "start and drain of an attention kernel"},
    {"start.vector_us", "us", "start and drain of a vector kernel"},
    {"start.moe_us", "us", "start and drain of a mixture's kernels together"},
    {"matmul.matrix", "1", "share of the matrix unit's peak that its steady loop reaches"},
    {"matmul.split_us", "us", "starting the pass over the parts of a split K"},
    {"attention.matrix", "1", "share of the matrix unit's peak in prefill's two products"},
    {"attention_decode.matrix", "1", "share of the matrix unit's peak in decode's two products"},
    {"attention_decode.combine_us", "us", "starting the pass over split keys"},
    {"vector.efficiency", "1", "share of the vector unit's peak"},
    {"l2.efficiency", "1", "share of the last-level cache's bandwidth"},
    {"l2.resident_share", "1", "share of the cache in which a repeated run finds its weights"},
    {"l2.reuse_share", "1", "share of the cache that holds panels for tiles to come"},
    {"dram.efficiency", "1", "share of the bandwidth that the memory's timing sustains"},
    {"links.start_us", "us", "one call of the collective library"},
    {"links.efficiency", "1", "share of a link's bandwidth in long messages"},
    {"links.fine_efficiency", "1", "the same of the protocol with a flag in each word"},
    {"links.bulk_hop_factor", "1", "a hop of the protocol of long messages, in link latencies"},
    {"links.in_network", "1", "share of a link's bandwidth when switches reduce"},
    {"expert_parallel.start_us", "us", "one dispatch or combine"},
    {"expert_parallel.efficiency", "1", "share of a link's bandwidth that scattered rows reach"},
};

/// Fills in `machine` from `get(name)`, which returns a constant's value.
template <typename Get> void applyConstants(TiledMachine &machine, Get get) {
  for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op)
    machine.start_us[op] = get("start.vector_us");
  machine.start_us[MANSARD_OP_MATMUL] = get("start.gemm_us");
  machine.start_us[MANSARD_OP_GROUPED_MATMUL] = get("start.gemm_us");
  for (uint32_t op = MANSARD_OP_ATTENTION_PREFILL; op <= MANSARD_OP_MLA_DECODE; ++op)
    machine.start_us[op] = get("start.attention_us");
  machine.start_us[MANSARD_OP_MOE] = get("start.moe_us");

  MatmulTuning &matmul = machine.matmul;
  matmul.matrixEfficiency = get("matmul.matrix");
  matmul.split_us = get("matmul.split_us");
  matmul.vectorEfficiency = get("vector.efficiency");
  matmul.l2Efficiency = get("l2.efficiency");
  matmul.dramEfficiency = get("dram.efficiency");
  matmul.residentShare = get("l2.resident_share");
  matmul.reuseShare = get("l2.reuse_share");

  for (AttentionTuning *attention : {&machine.prefill, &machine.decode}) {
    attention->vectorEfficiency = get("vector.efficiency");
    attention->l2Efficiency = get("l2.efficiency");
    attention->dramEfficiency = get("dram.efficiency");
    attention->residentShare = get("l2.resident_share");
    attention->combine_us = get("attention_decode.combine_us");
  }
  machine.prefill.matrixEfficiency = get("attention.matrix");
  machine.decode.matrixEfficiency = get("attention_decode.matrix");

  VectorTuning &vector = machine.vector;
  vector.efficiency = get("vector.efficiency");
  vector.l2Efficiency = get("l2.efficiency");
  vector.dramEfficiency = get("dram.efficiency");
  vector.residentShare = get("l2.resident_share");

  LinkSoftware &links = machine.collective;
  links.start_us = get("links.start_us");
  links.efficiency = get("links.efficiency");
  links.fineEfficiency = get("links.fine_efficiency");
  links.bulkHopFactor = get("links.bulk_hop_factor");
  links.inNetworkEfficiency = get("links.in_network");
  machine.expertParallel = links;
  machine.expertParallel.start_us = get("expert_parallel.start_us");
  machine.expertParallel.efficiency = get("expert_parallel.efficiency");
  machine.expertParallel.fineEfficiency = 0; // rows are written whole, flags beside them
  machine.expertParallel.bulkHopFactor = 1;
}

} // namespace mansard
