#include "ModelBuilder.h"

namespace mansard::ir {

using mlir::Value;

ModelBuilder::ModelBuilder(mlir::OpBuilder &builder, const work::Transformer &model,
                           const work::Workload &workload, int64_t tokensPerSequence)
    : builder_(builder), location_(builder.getUnknownLoc()), model_(model), workload_(workload),
      scheme_(work::schemeOf(workload.quantisation)), tokensPerSequence_(tokensPerSequence),
      prefill_(workload.phase == work::Phase::prefill),
      plain_(typeOf(builder.getContext(), scheme_.plain)),
      activations_(typeOf(builder.getContext(), scheme_.activations)),
      weights_(typeOf(builder.getContext(), scheme_.weights)) {}

mlir::StringAttr ModelBuilder::label(const std::string &name) const {
  return builder_.getStringAttr(stack_.empty() ? name : stack_ + "." + name);
}

Scaling ModelBuilder::scalingOf(bool quantised) const {
  return quantised ? static_cast<Scaling>(scheme_.scaling) : Scaling::none;
}

Value ModelBuilder::weight(const std::string &name, llvm::ArrayRef<int64_t> shape, Shard shard,
                           bool quantised, llvm::ArrayRef<int64_t> parts,
                           llvm::ArrayRef<int64_t> widths) {
  const auto listed = [&](llvm::ArrayRef<int64_t> list) {
    return list.empty() ? mlir::DenseI64ArrayAttr() : builder_.getDenseI64ArrayAttr(list);
  };
  return builder_.create<WeightOp>(location_, tensor(shape, quantised ? weights_ : plain_),
                                   label(name), shard, listed(parts), listed(widths),
                                   scalingOf(quantised));
}

Value ModelBuilder::zeros(llvm::ArrayRef<int64_t> shape) {
  return builder_.create<ViewOp>(location_, plainTensor(shape), ViewKind::zeros, mlir::ValueRange{},
                                 1);
}

Value ModelBuilder::norm(const std::string &name, Value x) {
  const NormKind kind = model_.layer_norm ? NormKind::layernorm : NormKind::rmsnorm;
  const int64_t parameters = shapeOf(x)[1] * (model_.layer_norm ? 2 : 1);
  const Value gain = weight(name, {parameters}, Shard::replicated);
  return builder_
      .create<NormOp>(location_, mlir::TypeRange{x.getType()}, kind, label(name), x, gain, Value(),
                      nullptr, nullptr, Scaling::none)
      .getResult();
}

Value ModelBuilder::addNorm(const std::string &name, Stream stream, Value *sum) {
  *sum = add(name + ".residual", stream.residual, stream.delta);
  return norm(name, *sum);
}

Value ModelBuilder::add(const std::string &name, Value a, Value b) {
  return builder_.create<ElementwiseOp>(location_, a.getType(), ElementwiseKind::add, label(name),
                                        mlir::ValueRange{a, b}, Scaling::none);
}

Value ModelBuilder::activation(const std::string &name, Value x) {
  Shape shape(shapeOf(x));
  if (model_.gated)
    shape.back() /= 2;
  return builder_.create<ElementwiseOp>(location_, plainTensor(shape),
                                        model_.gated ? ElementwiseKind::silu_mul
                                                     : ElementwiseKind::gelu,
                                        label(name), mlir::ValueRange{x}, Scaling::none);
}

Value ModelBuilder::quantise(const std::string &name, Value x) {
  if (activations_ == plain_)
    return x;
  Value &result = quantised_[x];
  if (!result)
    result = builder_.create<QuantizeOp>(location_, tensor(shapeOf(x), activations_), label(name),
                                         x, scalingOf(true));
  return result;
}

Value ModelBuilder::linear(const std::string &name, Value x, const Linear &module) {
  const std::string family = name.substr(0, name.rfind('.'));
  const Value input = module.quantised ? quantise(family + ".quantize", x) : x;
  const Value w = weight(name, {module.in, module.out}, module.shard, module.quantised,
                         module.parts, module.widths);
  const Value y = builder_.create<MatmulOp>(location_, plainTensor({shapeOf(x)[0], module.out}),
                                            label(name), input, w, Value(), Value(),
                                            Activation::none, scalingOf(module.quantised));
  if (!module.bias)
    return y;
  const bool cut = module.shard == Shard::column;
  using List = llvm::ArrayRef<int64_t>;
  const Value bias =
      weight(name + ".bias", {module.out}, cut ? Shard::column : Shard::replicated, false,
             cut ? List(module.parts) : List(), cut ? List(module.widths) : List());
  return add(name + ".bias", y, bias);
}

Value ModelBuilder::cacheOf(const std::string &name, int64_t positions, int64_t heads,
                            int64_t columns) {
  return builder_.create<KvCacheOp>(
      location_,
      tensor({sequences(), positions, columns}, typeOf(builder_.getContext(), workload_.kvCache)),
      label(name), heads);
}

Value ModelBuilder::written(const std::string &name, Value rows, Value cache) {
  if (workload_.training && workload_.parallelism.cp == 1)
    return cache;
  return builder_.create<ScatterOp>(location_, cache.getType(), label(name), rows, cache, Value());
}

Value ModelBuilder::feedForward(const std::string &name, Value x, int64_t width, bool quantised,
                                Shard up, Shard down) {
  const bool bias = model_.ffn_bias && up == Shard::column;
  const Value projected =
      linear(name + (model_.gated ? ".gate_up_proj" : ".up_proj"), x,
             {model_.hidden, model_.gated ? 2 * width : width, up, quantised, bias, {}});
  const Value active = activation(name + ".activation", projected);
  return linear(name + ".down_proj", active, {width, model_.hidden, down, quantised, bias, {}});
}

Value ModelBuilder::attention(const Layer &layer, Value x) {
  switch (shapeOfAttention(layer).kind) {
  case work::AttentionKind::latent:
    return latent(layer, x);
  case work::AttentionKind::delta_rule:
    return deltaRule(layer, x);
  case work::AttentionKind::grouped_query:
    break;
  }
  return groupedQuery(layer, x);
}

Stream ModelBuilder::layer(const Layer &layer, Stream stream) {
  Value residual;
  const Value attentionInput = addNorm("attention_norm", stream, &residual);
  const Value attended = attention(layer, attentionInput);
  Value sum;
  const Value input = addNorm("ffn_norm", {residual, attended}, &sum);
  const Value delta = layer.moe
                          ? experts(layer, input)
                          : feedForward("ffn", input, model_.inter, quantises(layer, Module::dense),
                                        Shard::column, Shard::row);
  return {sum, delta};
}

} // namespace mansard::ir
