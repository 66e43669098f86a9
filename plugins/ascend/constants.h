// The family's fitted constants: targets/calibration/ascend-*.toml holds their values, with what
// each was fitted on.
#pragma once

#include <string_view>

namespace mansard::ascend {

struct Constants {
  // Start and drain of a kernel, microseconds.
  double cubeStart_us, mixedStart_us, vectorStart_us;
  // Shares of the rates that CANN's platform configuration gives.
  double cubeEfficiency, l1Efficiency;
  double sharedMisses;       // cores that miss a cold panel before it is in the L2 for the others
  double farRows;            // loads of rows 32 KiB apart take so much longer
  double exchangeEfficiency; // cube to vector and back, through the L2
  double epilogue_us;        // of 128 x 256 accumulators, once no other block hides it
  double vectorEfficiency;
  // Share of the L2 below which a repeated run finds its weights there; above the upper one none.
  double warmLow, warmHigh;
  // The same for a buffer that nothing else displaces: activations, keys and values. What exceeds
  // the L2 clearly still finds `kept` of it.
  double cacheFits, cacheExceeds, cacheKept;
  // Row-wise vector kernels: each row in, reduced and out before the next; or, at a price once,
  // several rows in flight. A vector core takes the cheaper way.
  double rowSerial_us, rowBatch_us, rowEach_us;
  double quantize_us; // start of a quantise beyond another vector kernel's
  double groupedStart_us;
  // Attention.
  double prefillStart_us, prefillTask_us, prefillOps;
  double decodeStart_us, decodeBatch_us, decodeTask_us, decodeDram, decodeL2;
  double mlaPrefillStart_us, mlaPrefillTask_us, mlaPrefillOps;
  double mlaStart_us, mlaTask_us, mlaL2, mlaExposed;
  double moeStart_us;
  // Links.
  double linkStart_us, linkPeer_us, linkEfficiency, linkFineEfficiency, linkHopFactor;
  // Dispatch and combine: start with its barrier, one row through a vector core, one peer's flags.
  double dispatchStart_us, dispatchRow_us, dispatchPeer_us, dispatchEfficiency;
};

struct ConstantField {
  std::string_view name;
  double Constants::*member;
};

inline constexpr ConstantField kConstants[] = {
    {"cube_start_us", &Constants::cubeStart_us},
    {"mixed_start_us", &Constants::mixedStart_us},
    {"vector_start_us", &Constants::vectorStart_us},
    {"shared_misses", &Constants::sharedMisses},
    {"far_rows", &Constants::farRows},
    {"cube_efficiency", &Constants::cubeEfficiency},
    {"l1_efficiency", &Constants::l1Efficiency},
    {"exchange_efficiency", &Constants::exchangeEfficiency},
    {"epilogue_us", &Constants::epilogue_us},
    {"vector_efficiency", &Constants::vectorEfficiency},
    {"warm_low", &Constants::warmLow},
    {"warm_high", &Constants::warmHigh},
    {"cache_fits", &Constants::cacheFits},
    {"cache_exceeds", &Constants::cacheExceeds},
    {"cache_kept", &Constants::cacheKept},
    {"row_serial_us", &Constants::rowSerial_us},
    {"row_batch_us", &Constants::rowBatch_us},
    {"row_each_us", &Constants::rowEach_us},
    {"quantize_us", &Constants::quantize_us},
    {"grouped_start_us", &Constants::groupedStart_us},
    {"prefill_start_us", &Constants::prefillStart_us},
    {"prefill_task_us", &Constants::prefillTask_us},
    {"prefill_ops_per_score", &Constants::prefillOps},
    {"decode_start_us", &Constants::decodeStart_us},
    {"decode_batch_us", &Constants::decodeBatch_us},
    {"decode_task_us", &Constants::decodeTask_us},
    {"decode_dram_efficiency", &Constants::decodeDram},
    {"decode_l2_efficiency", &Constants::decodeL2},
    {"mla_prefill_start_us", &Constants::mlaPrefillStart_us},
    {"mla_prefill_task_us", &Constants::mlaPrefillTask_us},
    {"mla_prefill_ops_per_score", &Constants::mlaPrefillOps},
    {"mla_start_us", &Constants::mlaStart_us},
    {"mla_task_us", &Constants::mlaTask_us},
    {"mla_l2_efficiency", &Constants::mlaL2},
    {"mla_exposed", &Constants::mlaExposed},
    {"moe_start_us", &Constants::moeStart_us},
    {"link_start_us", &Constants::linkStart_us},
    {"link_peer_us", &Constants::linkPeer_us},
    {"link_efficiency", &Constants::linkEfficiency},
    {"link_fine_efficiency", &Constants::linkFineEfficiency},
    {"link_hop_factor", &Constants::linkHopFactor},
    {"dispatch_start_us", &Constants::dispatchStart_us},
    {"dispatch_row_us", &Constants::dispatchRow_us},
    {"dispatch_peer_us", &Constants::dispatchPeer_us},
    {"dispatch_link_efficiency", &Constants::dispatchEfficiency},
};

} // namespace mansard::ascend
