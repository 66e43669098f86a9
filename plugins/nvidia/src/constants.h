// The fitted constants of an NVIDIA family: what no data sheet gives. Values live in
// targets/calibration/nvidia-*.toml with their unit, source and error.
#pragma once

#include <string_view>

namespace mansard::nvidia {

struct Constants {
  // Matmuls of every kind.
  double gemmStartUs;       // start and drain of a kernel
  double gemmIssue;         // share of the tensor peak that a well-fed kernel issues
  double gemmL2;            // share of the L2's read bandwidth
  double gemmDram;          // share of the DRAM's sustained bandwidth
  double gemmWarm;          // share of the L2 in which a repeated run finds its weights
  double gemmLoadLatencyUs; // a tile load under load: fills the pipeline, bounds bytes in flight
  double gemmStages;        // most steps of k that a block keeps in flight
  double gemmEpilogue;      // a tile's store over its FP32 sums' way to the L2
  double gemmSplitUs;       // a second pass that adds the parts of a split K
  double gemmPromote;       // FP32 lanes' clocks per promoted accumulator, block scaling
  double gemmScaledStartUs; // more start for kernels that read scales
  double gemmScaleStepUs;   // more for each 128 of K whose scales are read
  double gemmQuantizeUs;    // start and drain of a quantising kernel before
  double gemmWidened;       // share of the matrix rate where operands are widened
  double gemmDequantize;    // lanes' clocks per widened weight
  // Attention.
  double prefillStartUs, prefillTileUs, prefillMatrix, prefillExposed, prefillImbalance,
      prefillGeneric, prefillTokenUs, prefillConvert;
  double decodeStartUs, decodeItemUs, decodeCombineUs, decodeDram, decodeLatencyUs, decodeConvert,
      decodeNarrowUs, decodeRowUs, decodeOddUs, decodeGenericUs, decodeBatchUs;
  double mlaStartUs, mlaItemUs, mlaCombineUs, mlaMatrix, mlaDram, mlaConvert, mlaLatencyUs;
  double mlaPrefillStartUs, mlaPrefillMatrix;
  // Mixture of experts.
  double moeStartUs, moeLeastStartUs, moeMatrix, moeWidened, moeDram, moePermute, moeExpertUs,
      moeQuantizeUs, moeRouteUs;
  double groupedMatrix; // grouped matmuls
  // Vector work.
  double vectorStartUs, vectorDram, vectorPassUs;
  // Links.
  double linkStartUs, linkPeerUs, linkFine, linkFineHops, linkPeerGBps, linkBulk, linkBulkStartUs,
      linkBulkHops, linkInSwitch, linkNetwork, linkCores;
  double expertStartUs, expertLink, expertCombineLink, expertTokenUs, expertCombineTokenUs,
      expertExpertUs;
};

struct ConstantSpec {
  std::string_view name; // without "calibration."
  double Constants::*member;
  std::string_view unit, meaning;
};

inline constexpr ConstantSpec kConstants[] = {
    {"gemm.start_us", &Constants::gemmStartUs, "us", "start and drain of a matmul kernel"},
    {"gemm.issue", &Constants::gemmIssue, "",
     "share of the tensor peak that a well-fed kernel issues"},
    {"gemm.l2", &Constants::gemmL2, "", "reached share of the L2's read bandwidth"},
    {"gemm.dram", &Constants::gemmDram, "", "reached share of the DRAM's sustained bandwidth"},
    {"gemm.warm", &Constants::gemmWarm, "",
     "share of the L2 in which a repeated run finds its weights"},
    {"gemm.load_latency_us", &Constants::gemmLoadLatencyUs, "us",
     "latency of a tile load under load"},
    {"gemm.stages", &Constants::gemmStages, "", "most steps along k that a block keeps in flight"},
    {"gemm.epilogue", &Constants::gemmEpilogue, "",
     "a tile's store, in times of its FP32 sums' way through the core's port to the L2"},
    {"gemm.split_us", &Constants::gemmSplitUs, "us", "adding the parts of a split K"},
    {"gemm.promote_clocks", &Constants::gemmPromote, "clocks",
     "per accumulator and 128 deep of a block-scaled matmul, in one lane"},
    {"gemm.scaled_start_us", &Constants::gemmScaledStartUs, "us",
     "further start of kernels that read scales"},
    {"gemm.scale_step_us", &Constants::gemmScaleStepUs, "us",
     "further time of each 128 of k whose scales are read"},
    {"gemm.quantize_us", &Constants::gemmQuantizeUs, "us",
     "start and drain of each kernel that quantises activations before"},
    {"gemm.widened", &Constants::gemmWidened, "",
     "of the sustained share, where weights are widened on the way"},
    {"gemm.dequantize_clocks", &Constants::gemmDequantize, "clocks",
     "per widened weight, in one lane"},
    {"attention_prefill.start_us", &Constants::prefillStartUs, "us",
     "start, drain and the kernels that go with it"},
    {"attention_prefill.tile_us", &Constants::prefillTileUs, "us",
     "work beside the products, for each full query tile of width 128 of a core"},
    {"attention_prefill.matrix", &Constants::prefillMatrix, "",
     "of the matrix rate that a matmul sustains"},
    {"attention_prefill.exposed", &Constants::prefillExposed, "",
     "share of the softmax that the tensor cores wait for"},
    {"attention_prefill.imbalance", &Constants::prefillImbalance, "",
     "share of the longest query tile that ends alone"},
    {"attention_prefill.generic", &Constants::prefillGeneric, "",
     "of the L2 bandwidth that matmuls reach, for widths that only a generic kernel takes"},
    {"attention_prefill.token_us", &Constants::prefillTokenUs, "us",
     "of a core, to prepare a token, whatever its heads"},
    {"attention_prefill.convert_clocks", &Constants::prefillConvert, "clocks",
     "per element of queries, keys and values brought to a narrower cache's type, in one lane"},
    {"attention_decode.start_us", &Constants::decodeStartUs, "us",
     "start, drain and the kernels that go with it"},
    {"attention_decode.item_us", &Constants::decodeItemUs, "us",
     "work beside the products, for each block of a core and width 128"},
    {"attention_decode.combine_us", &Constants::decodeCombineUs, "us",
     "combining splits of the KV length"},
    {"attention_decode.dram", &Constants::decodeDram, "",
     "reached share of the DRAM's sustained bandwidth"},
    {"attention_decode.load_latency_us", &Constants::decodeLatencyUs, "us",
     "latency of a KV tile load under load"},
    {"attention_decode.convert_clocks", &Constants::decodeConvert, "clocks",
     "per widened KV element, in one lane"},
    {"attention_decode.narrow_us", &Constants::decodeNarrowUs, "us",
     "further start where the cache is narrower than the queries, for heads wider than 64"},
    {"attention_decode.row_us", &Constants::decodeRowUs, "us",
     "scaling and storing 1024 outputs of a block"},
    {"attention_decode.odd_us", &Constants::decodeOddUs, "us",
     "further start for heads whose width is no power of two"},
    {"attention_decode.generic_us", &Constants::decodeGenericUs, "us",
     "a tile of 64 keys of width 128 in kernels that split no sequence"},
    {"attention_decode.sequence_us", &Constants::decodeBatchUs, "us",
     "work of a core for each sequence, whatever its heads"},
    {"mla_decode.start_us", &Constants::mlaStartUs, "us",
     "start, drain and the kernels that go with it"},
    {"mla_decode.item_us", &Constants::mlaItemUs, "us",
     "work beside the products, for each block of a core"},
    {"mla_decode.combine_us", &Constants::mlaCombineUs, "us", "combining splits of the KV length"},
    {"mla_decode.matrix", &Constants::mlaMatrix, "", "of the matrix rate that a matmul sustains"},
    {"mla_decode.dram", &Constants::mlaDram, "", "reached share of the DRAM's sustained bandwidth"},
    {"mla_decode.convert_clocks", &Constants::mlaConvert, "clocks",
     "per widened latent element, in one lane"},
    {"mla_decode.load_latency_us", &Constants::mlaLatencyUs, "us",
     "latency of a latent tile load under load"},
    {"mla_prefill.start_us", &Constants::mlaPrefillStartUs, "us",
     "start, drain and the kernels that go with it"},
    {"mla_prefill.matrix", &Constants::mlaPrefillMatrix, "",
     "of the matrix rate that a matmul sustains"},
    {"moe.start_us", &Constants::moeStartUs, "us", "start and drain of all its kernels"},
    {"moe.least_start_us", &Constants::moeLeastStartUs, "us",
     "the same and quantising, of the fused kernels that take few tokens"},
    {"moe.matrix", &Constants::moeMatrix, "", "of the share that a matmul sustains"},
    {"moe.widened", &Constants::moeWidened, "",
     "of that, and of a matmul's share, where weights are widened on the way"},
    {"moe.dram", &Constants::moeDram, "", "of the share that a matmul reaches"},
    {"moe.permute", &Constants::moePermute, "",
     "traffic of gathering and activating, of one pass each way"},
    {"moe.expert_us", &Constants::moeExpertUs, "us", "bookkeeping for each expert that has tokens"},
    {"moe.quantize_us", &Constants::moeQuantizeUs, "us",
     "further kernels where weights are narrow"},
    {"moe.route_us", &Constants::moeRouteUs, "us",
     "sorting 1024 of the group's pairs of token and expert"},
    {"grouped_gemm.matrix", &Constants::groupedMatrix, "", "of the share that a matmul sustains"},
    {"vector.start_us", &Constants::vectorStartUs, "us", "start and drain"},
    {"vector.dram", &Constants::vectorDram, "", "reached share of the DRAM's sustained bandwidth"},
    {"vector.pass_us", &Constants::vectorPassUs, "us",
     "one trip of a row's block over 1024 elements"},
    {"collective.start_us", &Constants::linkStartUs, "us", "launch, first handshake and drain"},
    {"collective.peer_us", &Constants::linkPeerUs, "us", "each further peer addressed directly"},
    {"collective.bulk", &Constants::linkBulk, "",
     "share of the link that the bulk protocol carries"},
    {"collective.fine", &Constants::linkFine, "",
     "share of the link that the protocol with a flag in every word carries"},
    {"collective.fine_hops", &Constants::linkFineHops, "", "a hop of that, in link latencies"},
    {"collective.peer_GBps", &Constants::linkPeerGBps, "GB/s",
     "what that carries to one peer of those addressed directly"},
    {"collective.bulk_start_us", &Constants::linkBulkStartUs, "us",
     "further start of the bulk protocol"},
    {"collective.bulk_hops", &Constants::linkBulkHops, "",
     "a hop of the bulk protocol, in link latencies"},
    {"collective.in_switch", &Constants::linkInSwitch, "",
     "share of the link that reduction in the switch carries"},
    {"collective.network", &Constants::linkNetwork, "",
     "share of the network that messages sent straight to their targets carry"},
    {"collective.cores", &Constants::linkCores, "",
     "cores that a call holds while it lasts: missing to what runs beside it"},
    {"expert_parallel.start_us", &Constants::expertStartUs, "us", "launch, barrier and first flag"},
    {"expert_parallel.link", &Constants::expertLink, "", "share of the link that dispatch reaches"},
    {"expert_parallel.combine_link", &Constants::expertCombineLink, "",
     "share of the link that combine reaches"},
    {"expert_parallel.token_us", &Constants::expertTokenUs, "us",
     "each further token that one block narrows and sends"},
    {"expert_parallel.combine_token_us", &Constants::expertCombineTokenUs, "us",
     "each further token that one block adds up"},
    {"expert_parallel.expert_us", &Constants::expertExpertUs, "us",
     "each local expert's counters and flags"},
};

} // namespace mansard::nvidia
