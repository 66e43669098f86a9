// The kernels of one training micro-batch on one device: the forward pass as lowered, and the
// backward pass derived from it.
//
// A matmul Y = X W has two in its backward pass, dX = dY W^T and dW = X^T dY, each with its
// operations. Weight gradients are added up over micro-batches in fp32. Attention that keeps no
// probabilities computes them again: five matmuls to the forward pass's two (FlashAttention-2,
// arXiv 2307.08691, section 3.1). Collectives come back as their conjugates (Shoeybi et al., arXiv
// 1909.08053, section 3; with sequence parallelism Korthikanti et al., arXiv 2205.05198, section
// 4.2.2), beside the matmul that does not wait for them.
#pragma once

#include <mansard/base/result.h>
#include <mansard/work/program.h>
#include <mansard/work/workload.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::system {

/// What is computed again in the backward pass: nothing; what lies between the projections of
/// attention; whole layers from their inputs (Korthikanti et al., section 5).
enum class Recompute { none, selective, full };
inline constexpr std::array<std::string_view, 3> kRecomputeNames{"none", "selective", "full"};

/// Attention in one kernel that keeps no probabilities, or as two batched matmuls with a softmax
/// between them.
enum class AttentionMethod { flash, unfused };
inline constexpr std::array<std::string_view, 2> kAttentionMethodNames{"flash", "unfused"};

/// How a pass over one micro-batch is computed.
struct TrainingMethod {
  Recompute recompute = Recompute::none;
  AttentionMethod attention = AttentionMethod::flash;
  bool dropout = false; // of probabilities, of what attention and feed-forward add, of embeddings
};

enum class Place { first, layers, last }; // embedding; all layers; final norm, head and loss
enum class Pass { forward, recompute, backward };
inline constexpr size_t kPlaces = 3, kPasses = 3;

/// Steps of one overlap group follow one another; their lanes run side by side. 0: alone.
struct TrainingStep {
  uint32_t kernel = 0; // index into TrainingProgram::kernels
  double runs = 1;     // by all layers together; not whole where a kernel stands for a longer one
  uint32_t overlap = 0, lane = 0;
  Place place = Place::layers;
  Pass pass = Pass::forward;
  std::string name;
};

struct TrainingProgram {
  std::vector<work::Kernel> kernels; // distinct ones
  std::vector<TrainingStep> steps;   // forward, then with what is computed again backward
  std::vector<std::string> notes;
};

/// From a forward pass (Workload::training) of all layers. `tp`: devices that share each layer.
/// Error: a kernel that no backward pass is known of.
Result<TrainingProgram> withBackward(const work::Program &forward, const TrainingMethod &method,
                                     int64_t tp);

/// Where a step of a lowered forward pass lies, by the order of the program: before, in or after
/// what is labelled as layers.
std::vector<Place> placesOf(const work::Program &forward);

} // namespace mansard::system
