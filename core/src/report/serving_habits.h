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
/// that say so, and no box has 64). Where that is the attention's data-parallel degree, they count
/// requests for each replica (dp 64, 8 x 8, 4 requests are the row dp 8, 1 x 8, 32 requests).
/// True if requests are counted so.
bool undoProducts(RecordedPlan &plan);

/// Clients send ten requests for each that may be in flight, as many as may at once: InferenceMAX's
/// by its scripts; the others' times to the first token grow with concurrency as if they did.
inline constexpr double kFirstBurst = 0.1;

/// InferenceMAX's benchmark (SemiAnalysisAI/InferenceX, benchmarks/) draws lengths evenly from 0.8
/// to 1 times isl and osl. Its rows are those of its three pairs of lengths that name the
/// attention's data parallelism.
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

/// Where a row does not say that it speculates: InferenceMAX's TensorRT-LLM rows of DeepSeek-R1 of
/// a release that it ran with multi-token prediction (the same plans without it, in rows named
/// DeepSeek-V3 or of the release before, take 1.2 to 1.7 times as long for a token).
void applyUndeclaredDrafts(const RowValues &values, work::Workload &plan);

} // namespace mansard::report
