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
                           bool quantised, llvm::ArrayRef<int64_t> parts) {
  const mlir::DenseI64ArrayAttr partsAttr =
      parts.empty() ? nullptr : builder_.getDenseI64ArrayAttr(parts);
  return builder_.create<WeightOp>(location_, tensor(shape, quantised ? weights_ : plain_),
                                   label(name), shard, partsAttr, scalingOf(quantised));
}

Value ModelBuilder::zeros(llvm::ArrayRef<int64_t> shape) {
  return builder_.create<ViewOp>(location_, plainTensor(shape), ViewKind::zeros, mlir::ValueRange{},
                                 1);
}

Value ModelBuilder::norm(const std::string &name, Value x) {
  const Value gain = weight(name, {shapeOf(x)[1]}, Shard::replicated);
  return builder_
      .create<NormOp>(location_, mlir::TypeRange{x.getType()}, NormKind::rmsnorm, label(name), x,
                      gain, Value(), nullptr, nullptr, Scaling::none)
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
  const Value w =
      weight(name, {module.in, module.out}, module.shard, module.quantised, module.parts);
  const Value y = builder_.create<MatmulOp>(location_, plainTensor({shapeOf(x)[0], module.out}),
                                            label(name), input, w, Value(), Value(),
                                            Activation::none, scalingOf(module.quantised));
  if (!module.bias)
    return y;
  const bool cut = module.shard == Shard::column;
  const Value bias = weight(name + ".bias", {module.out}, cut ? Shard::column : Shard::replicated,
                            false, cut ? llvm::ArrayRef<int64_t>(module.parts) : std::nullopt);
  return add(name + ".bias", y, bias);
}

Value ModelBuilder::cacheOf(const std::string &name, int64_t positions, int64_t heads,
                            int64_t columns) {
  return builder_.create<KvCacheOp>(
      location_,
      tensor({sequences(), positions, columns}, typeOf(builder_.getContext(), workload_.kvCache)),
      label(name), heads);
}

Value ModelBuilder::feedForward(const std::string &name, Value x, int64_t width, bool quantised,
                                Shard up, Shard down) {
  const Value projected =
      linear(name + (model_.gated ? ".gate_up_proj" : ".up_proj"), x,
             {model_.hidden, model_.gated ? 2 * width : width, up, quantised, false, {}});
  const Value active = activation(name + ".activation", projected);
  return linear(name + ".down_proj", active, {width, model_.hidden, down, quantised, false, {}});
}

Stream ModelBuilder::layer(const Layer &layer, Stream stream) {
  Value residual;
  const Value attentionInput = addNorm("attention_norm", stream, &residual);
  const Value attended = model_.attention.kind == work::AttentionKind::latent
                             ? latent(layer, attentionInput)
                             : groupedQuery(layer, attentionInput);
  Value sum;
  const Value input = addNorm("ffn_norm", {residual, attended}, &sum);
  const Value delta = layer.moe
                          ? experts(layer, input)
                          : feedForward("ffn", input, model_.inter, quantises(layer, Module::dense),
                                        Shard::column, Shard::row);
  return {sum, delta};
}

} // namespace mansard::ir
