// What tables of measured servers do not say in a column, but their makers do of how they measured,
// and what they say wrongly.
#pragma once

#include <mansard/report/serving_measurements.h>

namespace mansard::report {

/// A plan as a row writes it.
struct RecordedPlan {
  int64_t tp = 1, pp = 1, dp = 1, moe_tp = 1, moe_ep = 1;
};

/// Some records give the product of the experts' two degrees where the attention's own stands
/// (tp 64, moe_tp 8, moe_ep 8 are eight devices with tp 8 and ep 8: the same figures stand in rows
/// that say so, and no box has 64).
void undoProducts(RecordedPlan &plan);

/// Clients send ten requests for each that may be in flight, as many as may at once: InferenceMAX's
/// by its scripts; the others' times to the first token grow with concurrency as if they did.
inline constexpr double kFirstBurst = 0.1;

/// InferenceMAX's benchmark (SemiAnalysisAI/InferenceX, benchmarks/) draws lengths evenly from 0.8
/// to 1 times isl and osl. Its rows are those of its three pairs of lengths that name the
/// attention's data parallelism, and count requests for each of its replicas, as recorded: dp 8
/// with 16 and 32 requests, and dp 64, 8 x 8, with 2 and 4, are its runs with 128 and 256 (of
/// DeepSeek-R1 in fp4 with TensorRT-LLM on eight B200; configs/, search-space).
bool isInferenceMax(const RowValues &values);
void applyInferenceMax(system::ServingScenario &scenario);

/// How many iterations lie between two looks at what has arrived, as InferenceMAX's launch scripts
/// set it: SGLang's --scheduler-recv-interval, mostly on Blackwell; of TensorRT-LLM with
/// data-parallel attention, the iterations that it waits at most for all replicas to have a prompt
/// (attention_dp_config: timeout_iters). 0: nothing is set.
double pollIterations(const RowValues &values, const system::ServingScenario &scenario);

/// Whether servers that multiply narrow weights keep the cache in FP8 too: TensorRT-LLM's do;
/// SGLang and vLLM are told to (--kv-cache-dtype) by the launch scripts for Blackwell, and by those
/// of a few models for Hopper.
bool keepsNarrowCache(const RowValues &values);

/// How TensorRT-LLM's tokens reach experts of other replicas: one by one only where the experts lie
/// on more devices than a token has choices (select_alltoall_method_type of its fused_moe modules).
/// Others' rows do not say; theirs are sent one by one.
work::ExpertExchange exchangeOf(std::string_view software, const work::Parallelism &plan,
                                const work::Transformer &model);

/// Where a row does not say that it speculates: InferenceMAX's TensorRT-LLM rows of DeepSeek-R1 of
/// a release that it ran with multi-token prediction (the same plans without it, in rows named
/// DeepSeek-V3 or of the release before, take 1.2 to 1.7 times as long for a token).
void applyUndeclaredDrafts(const RowValues &values, work::Workload &plan);

} // namespace mansard::report
