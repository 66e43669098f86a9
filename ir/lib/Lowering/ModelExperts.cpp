// Mixtures of experts: router, routed experts, shared experts.
#include "ModelBuilder.h"

namespace mansard::ir {

using mlir::Value;

Value ModelBuilder::experts(const Layer &layer, Value x) {
  const work::ExpertShape &moe = model_.moe;
  const Value gate = weight("moe.router", {model_.hidden, moe.experts}, Shard::router);
  Value scores =
      builder_.create<MatmulOp>(location_, plainTensor({rows(), moe.experts}), label("moe.router"),
                                x, gate, Value(), Value(), Activation::none, Scaling::none);
  if (moe.bias)
    scores =
        add("moe.router.bias", scores, weight("moe.router.bias", {moe.experts}, Shard::replicated));
  const Value indices = builder_.create<TopkOp>(
      location_, tensor({rows(), moe.experts_per_token}, builder_.getI32Type()), label("moe.topk"),
      scores, moe.experts_per_token, moe.groups, moe.groups_per_token);
  const Value fromRouted = routed(x, indices, quantises(layer, Module::experts));
  if (moe.shared_experts == 0)
    return fromRouted;
  const Value fromShared =
      feedForward("moe.shared_experts", x, moe.shared_inter, quantises(layer, Module::shared),
                  Shard::shared_column, Shard::shared_row);
  return add("moe.add_shared", fromRouted, fromShared);
}

Value ModelBuilder::routed(Value x, Value indices, bool quantised) {
  const work::ExpertShape &moe = model_.moe;
  const int64_t choices = rows() * moe.experts_per_token, hidden = model_.hidden;
  const int64_t upWidth = model_.gated ? 2 * moe.inter : moe.inter;
  const auto routing =
      ExpertsAttr::get(builder_.getContext(), rows(), moe.experts_per_token, moe.experts, 1, 1);
  const Value input = quantised ? quantise("moe.quantize", x) : x;
  const Value rowsOfExperts = builder_.create<GatherOp>(
      location_,
      tensor({choices, hidden},
             llvm::cast<mlir::RankedTensorType>(input.getType()).getElementType()),
      label("moe.permute"), input, indices, routing);

  const auto project = [&](const std::string &name, Value in, int64_t from, int64_t to,
                           Shard shard) -> Value {
    const Value w = weight(name, {moe.experts, from, to}, shard, quantised);
    const Value bias = moe.bias ? weight(name + ".bias", {moe.experts, to}, shard) : Value();
    return builder_.create<GroupedMatmulOp>(location_, plainTensor({choices, to}), label(name), in,
                                            w, bias, scalingOf(quantised));
  };
  const Value up = project("moe.experts.up", rowsOfExperts, hidden, upWidth, Shard::expert_column);
  const Value active = activation("moe.experts.activation", up);
  const Value narrowed = quantised ? quantise("moe.experts.quantize", active) : active;
  const Value down = project("moe.experts.down", narrowed, moe.inter, hidden, Shard::expert_row);
  return builder_.create<ScatterOp>(location_, plainTensor({rows(), hidden}),
                                    label("moe.unpermute"), down, Value(), indices);
}

} // namespace mansard::ir
