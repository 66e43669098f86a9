#include <mansard/system/training_memory.h>

#include "training_kernels.h"

#include <algorithm>

namespace mansard::system {
namespace {

constexpr double kPlain = 2; // bytes of what is kept in 16 bits

double attentionInputs(const work::Kernel &kernel, const TrainingMethod &method) {
  double queries = 0, width = 0, keys = 0, keyWidth = 0, pairs = 0, rows = 0;
  if (kernel.op == MANSARD_OP_MLA_PREFILL) {
    const mansard_mla &a = kernel.u.mla;
    const double heads = static_cast<double>(a.heads);
    queries = static_cast<double>(a.batch * a.q_len);
    keys = static_cast<double>(a.batch * a.kv_len);
    width = heads * static_cast<double>(a.nope_dim + a.rope_dim);
    keyWidth =
        heads * static_cast<double>(a.nope_dim + a.value_dim) + static_cast<double>(a.rope_dim);
    rows = queries * heads;
    pairs = rows * static_cast<double>(a.kv_len);
  } else {
    const mansard_attention &a = kernel.u.attention;
    queries = static_cast<double>(a.batch * a.q_len);
    keys = static_cast<double>(a.batch * a.kv_len);
    width = static_cast<double>(a.heads * a.head_dim);
    keyWidth = static_cast<double>(2 * a.kv_heads * a.head_dim);
    rows = queries * static_cast<double>(a.heads);
    pairs = rows * static_cast<double>(a.kv_len);
  }
  const double inputs = kPlain * (queries * width + keys * keyWidth);
  if (method.attention == AttentionMethod::flash)
    return inputs + 4 * rows; // the logarithm of each query's sum of exponentials
  if (method.recompute == Recompute::selective)
    return inputs;
  // Probabilities; their mask, and what it leaves of them.
  return inputs + pairs * (kPlain + (method.dropout ? 1 + kPlain : 0));
}

double vectorInputs(const work::Kernel &kernel, Place place, const TrainingMethod &method) {
  const mansard_vector &v = kernel.u.vector;
  const double elements = static_cast<double>(v.rows) * static_cast<double>(v.cols);
  switch (v.kind) {
  case MANSARD_VECTOR_RMSNORM:
  case MANSARD_VECTOR_LAYERNORM:
  case MANSARD_VECTOR_ADD_RMSNORM:
  case MANSARD_VECTOR_GELU:
    return kPlain * elements;
  case MANSARD_VECTOR_SILU_MUL:
  case MANSARD_VECTOR_MUL:
    return 2 * kPlain * elements;
  case MANSARD_VECTOR_SOFTMAX: // of the loss, in fp32
    return 4 * elements;
  case MANSARD_VECTOR_ADD:
    return method.dropout && place == Place::layers ? elements : 0;
  case MANSARD_VECTOR_GATHER:
    return method.dropout && place == Place::first ? elements : 0;
  default:
    return 0;
  }
}

/// Adds up what each kernel's backward pass needs of its inputs. Several matmuls of one tensor keep
/// it once.
class Saved {
public:
  Saved(const work::Program &forward, const TrainingMethod &method)
      : forward_(forward), method_(method), places_(placesOf(forward)) {}

  SavedActivations run() {
    SavedActivations saved;
    for (size_t i = 0; i < forward_.steps.size(); ++i) {
      const double bytes = of(forward_.kernels[forward_.steps[i].kernel], places_[i]) *
                           static_cast<double>(forward_.steps[i].count);
      (places_[i] == Place::first    ? saved.first
       : places_[i] == Place::layers ? saved.layers
                                     : saved.last) += bytes;
      const work::Kernel &kernel = forward_.kernels[forward_.steps[i].kernel];
      if (places_[i] == Place::first && isCollective(kernel, MANSARD_COLLECTIVE_REDUCE_SCATTER))
        saved.first /= static_cast<double>(kernel.u.collective.ranks); // its mask comes behind
    }
    return saved;
  }

private:
  double of(const work::Kernel &kernel, Place place) {
    if (kernel.op == MANSARD_OP_MATMUL) {
      if (!fresh_)
        return 0;
      fresh_ = false;
      // What was gathered for it is gathered again: the device keeps its own rows.
      return share_ * static_cast<double>(kernel.u.matmul.m) *
             static_cast<double>(kernel.u.matmul.k) * bytesOf(kernel.dtype);
    }
    if (kernel.op == MANSARD_OP_COLLECTIVE) {
      if (isCollective(kernel, MANSARD_COLLECTIVE_ALL_GATHER))
        share_ = 1 / static_cast<double>(kernel.u.collective.ranks);
      return 0;
    }
    if (kernel.op == MANSARD_OP_GROUPED_MATMUL) {
      const mansard_grouped_matmul &g = kernel.u.grouped_matmul;
      return static_cast<double>(g.groups) * static_cast<double>(g.m) * static_cast<double>(g.k) *
             bytesOf(kernel.dtype);
    }
    if (isAttention(kernel)) {
      renew();
      return attentionInputs(kernel, method_);
    }
    if (kernel.op != MANSARD_OP_VECTOR)
      return 0;
    if (kernel.u.vector.kind != MANSARD_VECTOR_TOPK && kernel.u.vector.kind != MANSARD_VECTOR_ROPE)
      renew();
    return vectorInputs(kernel, place, method_);
  }

  void renew() {
    fresh_ = true;
    share_ = 1;
  }

  const work::Program &forward_;
  const TrainingMethod method_;
  const std::vector<Place> places_;
  bool fresh_ = true; // a tensor that no matmul before keeps
  double share_ = 1;
};

/// One layer's input: what its first kernel reads.
double inputOfLayer(const work::Program &forward) {
  const std::vector<Place> places = placesOf(forward);
  for (size_t i = 0; i < places.size(); ++i) {
    const work::Kernel &kernel = forward.kernels[forward.steps[i].kernel];
    if (places[i] == Place::layers && kernel.op == MANSARD_OP_VECTOR)
      return kPlain * static_cast<double>(kernel.u.vector.rows) *
             static_cast<double>(kernel.u.vector.cols);
  }
  return 0;
}

} // namespace

double optimizerBytes(Optimizer optimizer) {
  return optimizer == Optimizer::adam ? 12 : optimizer == Optimizer::momentum ? 8 : 4;
}

ParameterBytes parameterBytes(Optimizer optimizer, int zero, double replicas, bool narrow) {
  const auto part = [&](int from) { return zero >= from ? 1 / std::max(1.0, replicas) : 1.0; };
  return {kPlain * part(3) + (narrow ? 2 : 0), 4 * part(2), optimizerBytes(optimizer) * part(1)};
}

SavedActivations savedActivations(const work::Program &forward, const TrainingMethod &method,
                                  int64_t layers) {
  SavedActivations saved = Saved(forward, method).run();
  if (method.recompute == Recompute::full) {
    saved.working = saved.layers / static_cast<double>(layers);
    saved.layers = inputOfLayer(forward) * static_cast<double>(layers);
  }
  return saved;
}

} // namespace mansard::system
