#include "training_kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace mansard::system {
namespace {

/// FlashAttention's backward kernel keeps five products and two accumulators on chip and reaches a
/// smaller part of the peak than the forward one: 63 against 73 % on A100 (FlashAttention-2, arXiv
/// 2307.08691, section 4.1).
constexpr double kFlashBackwardSlower = 73.0 / 63;

class Derivation {
public:
  Derivation(const work::Program &forward, const TrainingMethod &method, int64_t tp)
      : forward_(forward), method_(method), tp_(tp), places_(placesOf(forward)) {
    for (const work::Kernel &kernel : forward.kernels)
      if (isNorm(kernel))
        widestNorm_ = std::max(widestNorm_, kernel.u.vector.cols);
  }

  Result<TrainingProgram> run() {
    forwardPass(Pass::forward, false);
    if (method_.recompute == Recompute::full)
      forwardPass(Pass::recompute, true);
    for (size_t i = forward_.steps.size(); i-- > 0;) {
      at_ = i;
      if (auto done = backward(kernel()); !done)
        return done.error();
    }
    flush();
    if (method_.recompute == Recompute::selective && method_.attention == AttentionMethod::flash)
      out_.notes.emplace_back("flash attention keeps no probabilities: selective recomputation has "
                              "nothing to compute again");
    return std::move(out_);
  }

private:
  const work::Kernel &kernel() const { return forward_.kernels[forward_.steps[at_].kernel]; }

  void forwardPass(Pass pass, bool layersOnly) {
    for (at_ = 0; at_ < forward_.steps.size(); ++at_) {
      if (layersOnly && places_[at_] != Place::layers)
        continue;
      const work::Kernel &k = kernel();
      if (isAttention(k) && method_.attention == AttentionMethod::unfused) {
        for (const Part &part : unfusedAttention(k, method_.dropout))
          add(part, pass);
        continue;
      }
      add({k, ""}, pass);
      if (k.op != MANSARD_OP_VECTOR)
        continue;
      const mansard_vector &v = k.u.vector;
      const bool embeds = v.kind == MANSARD_VECTOR_GATHER && places_[at_] == Place::first;
      if (method_.dropout && (v.kind == MANSARD_VECTOR_ADD || embeds))
        add({passing(v.rows, v.cols, 1), "mask"}, pass); // written beside the sum
      if (v.kind == MANSARD_VECTOR_SOFTMAX && places_[at_] == Place::last && tp_ > 1)
        // Of the words: their maximum, the sum of exponentials and the right word's logit.
        add({allReduce(4.0 * static_cast<double>(v.rows)), "all_reduce", 3}, pass);
    }
  }

  Result<> backward(const work::Kernel &k) {
    switch (k.op) {
    case MANSARD_OP_MATMUL:
    case MANSARD_OP_GROUPED_MATMUL:
      matmul(k);
      return Ok{};
    case MANSARD_OP_ATTENTION_PREFILL:
    case MANSARD_OP_MLA_PREFILL:
      attention(k);
      return Ok{};
    case MANSARD_OP_VECTOR:
      if (isNorm(k) && k.u.vector.cols == widestNorm_) // a block begins
        flush();
      for (const Part &part : vectorBackward(k, method_.dropout))
        add(part, Pass::backward);
      return Ok{};
    case MANSARD_OP_COLLECTIVE:
      collective(k);
      return Ok{};
    case MANSARD_OP_EXPERT_PARALLEL: // gradients take the other's way
      add({partnerOf(k), ""}, Pass::backward);
      return Ok{};
    default:
      return Error{ErrorCode::unsupported,
                   fmt::format("no backward pass is known of {} ({})", forward_.steps[at_].name,
                               work::describe(k)),
                   ""};
    }
  }

  /// The combine of a dispatch, which comes behind it, or the dispatch of a combine.
  const work::Kernel &partnerOf(const work::Kernel &k) const {
    const bool dispatches = k.u.expert_parallel.direction == MANSARD_EP_DISPATCH;
    for (size_t i = at_; i < forward_.steps.size();
         dispatches ? ++i : --i) { // below 0: the largest
      const work::Kernel &other = forward_.kernels[forward_.steps[i].kernel];
      if (other.op == MANSARD_OP_EXPERT_PARALLEL &&
          other.u.expert_parallel.direction != k.u.expert_parallel.direction)
        return other;
    }
    return k;
  }

  void matmul(const work::Kernel &k) {
    if (bytesOf(k.dtype) < 2) { // the gradient arrives in 16 bits
      const int64_t groups = k.op == MANSARD_OP_MATMUL ? 1 : k.u.grouped_matmul.groups;
      const int64_t rows = k.op == MANSARD_OP_MATMUL ? k.u.matmul.m : k.u.grouped_matmul.m;
      const int64_t cols = k.op == MANSARD_OP_MATMUL ? k.u.matmul.n : k.u.grouped_matmul.n;
      work::Kernel quantize =
          work::makeKernel(MANSARD_OP_VECTOR, DType::bf16, static_cast<DType>(k.dtype),
                           static_cast<DType>(k.dtype), k.scaling);
      quantize.u.vector.kind = MANSARD_VECTOR_QUANTIZE_DYNAMIC;
      quantize.u.vector.rows = groups * rows;
      quantize.u.vector.cols = cols;
      add({quantize, "quantize_grad"}, Pass::backward);
    }
    if (k.op == MANSARD_OP_MATMUL && (k.u.matmul.epilogue & MANSARD_EPILOGUE_BIAS))
      add({passing(k.u.matmul.m, k.u.matmul.n, 2), "bias_grad"}, Pass::backward);
    // With sequence parallelism the input was gathered, and is again, beside the data gradient.
    const bool gathers = tp_ > 1 && at_ > 0 && gathered(at_ - 1);
    const uint32_t group = gathers ? ++groups_ : 0;
    add(dataGradient(k), Pass::backward, group, 0);
    if (gathers)
      add({forward_.kernels[forward_.steps[at_ - 1].kernel], "gather_again"}, Pass::backward, group,
          1);
    add(weightGradient(k), Pass::backward);
    lastWeightGradient_ = out_.steps.size() - 1;
    // The head is cut by words: every device has a part of its input's gradient.
    if (places_[at_] == Place::last && tp_ > 1 && !gathers) {
      pending_ =
          allReduce(static_cast<double>(k.u.matmul.m) * static_cast<double>(k.u.matmul.k) * 2);
      hasPending_ = true;
    }
  }

  bool gathered(size_t step) const {
    const work::Kernel &k = forward_.kernels[forward_.steps[step].kernel];
    return isCollective(k, MANSARD_COLLECTIVE_ALL_GATHER) && k.u.collective.ranks == tp_ &&
           places_[step] != Place::first;
  }

  void attention(const work::Kernel &k) {
    const bool again = method_.recompute == Recompute::selective;
    if (method_.attention == AttentionMethod::flash) {
      add({k, "", flashBackwardRatio(k) * kFlashBackwardSlower}, Pass::backward);
      return;
    }
    if (again)
      for (const Part &part : unfusedAttention(k, method_.dropout))
        add(part, Pass::recompute);
    for (const Part &part : unfusedAttentionBackward(k, method_.dropout))
      add(part, Pass::backward);
  }

  /// A sum over devices at the end of a block becomes one at its beginning; a gather a scattered
  /// sum and the other way round. What belongs to a block's beginning waits for nothing but the
  /// data gradient, and runs beside the weight gradient.
  void collective(const work::Kernel &k) {
    if (places_[at_] == Place::first && k.u.collective.kind == MANSARD_COLLECTIVE_ALL_REDUCE)
      return; // every device has the gradient of all rows
    work::Kernel back = k;
    switch (k.u.collective.kind) {
    case MANSARD_COLLECTIVE_ALL_REDUCE:
      flush();
      pending_ = back;
      hasPending_ = true;
      return;
    case MANSARD_COLLECTIVE_ALL_GATHER:
      back.u.collective.kind = MANSARD_COLLECTIVE_REDUCE_SCATTER;
      pending_ = back;
      hasPending_ = true;
      flush();
      return;
    case MANSARD_COLLECTIVE_REDUCE_SCATTER:
      back.u.collective.kind = MANSARD_COLLECTIVE_ALL_GATHER;
      add({back, ""}, Pass::backward);
      return;
    default:
      add({back, ""}, Pass::backward);
    }
  }

  void flush() {
    if (!hasPending_)
      return;
    hasPending_ = false;
    uint32_t group = 0;
    if (lastWeightGradient_ + 1 == out_.steps.size() && out_.steps.back().overlap == 0)
      group = out_.steps.back().overlap = ++groups_;
    add({pending_, ""}, Pass::backward, group, 1);
  }

  work::Kernel allReduce(double bytes) const {
    work::Kernel kernel =
        work::makeKernel(MANSARD_OP_COLLECTIVE, DType::bf16, DType::bf16, DType::bf16);
    kernel.u.collective.kind = MANSARD_COLLECTIVE_ALL_REDUCE;
    kernel.u.collective.ranks = tp_;
    kernel.u.collective.size_bytes = static_cast<int64_t>(bytes);
    return kernel;
  }

  void add(const Part &part, Pass pass, uint32_t overlap = 0, uint32_t lane = 0) {
    const work::Step &step = forward_.steps[at_];
    std::string name = part.name.empty() ? step.name : step.name + "." + part.name;
    if (part.name.empty() && pass == Pass::backward)
      name += ".grad";
    out_.steps.push_back({intern(part.kernel), part.share * static_cast<double>(step.count),
                          overlap, lane, places_[at_], pass, std::move(name)});
  }

  uint32_t intern(const work::Kernel &kernel) {
    for (uint32_t i = 0; i < out_.kernels.size(); ++i)
      if (work::equal(out_.kernels[i], kernel))
        return i;
    out_.kernels.push_back(kernel);
    return static_cast<uint32_t>(out_.kernels.size() - 1);
  }

  const work::Program &forward_;
  const TrainingMethod method_;
  const int64_t tp_;
  const std::vector<Place> places_;
  int64_t widestNorm_ = 0; // of whole rows, not of heads or compressed ones
  TrainingProgram out_;
  size_t at_ = 0, lastWeightGradient_ = SIZE_MAX - 1;
  work::Kernel pending_{};
  bool hasPending_ = false;
  uint32_t groups_ = 0;
};

} // namespace

std::vector<Place> placesOf(const work::Program &forward) {
  const auto isLayer = [](const work::Step &step) { return step.name.starts_with("layers."); };
  const auto begin = forward.steps.begin(), end = forward.steps.end();
  const auto first = std::find_if(begin, end, isLayer);
  const auto last = std::find_if(forward.steps.rbegin(), forward.steps.rend(), isLayer).base();
  std::vector<Place> places;
  for (auto step = begin; step != end; ++step)
    places.push_back(step < first ? Place::first : step < last ? Place::layers : Place::last);
  return places;
}

Result<TrainingProgram> withBackward(const work::Program &forward, const TrainingMethod &method,
                                     int64_t tp) {
  return Derivation(forward, method, tp).run();
}

} // namespace mansard::system
