// The whole step: embedding, layers, head, sampling, drafting.
#include <Lowering/Model.h>

#include "ModelBuilder.h"

#include <Lowering/Attributes.h>

#include <mlir/Dialect/Func/IR/FuncOps.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::ir {
namespace {

using mlir::Value;

class StepBuilder {
public:
  StepBuilder(mlir::MLIRContext *context, const work::Transformer &model,
              const work::Workload &workload)
      : builder_(context), location_(builder_.getUnknownLoc()), model_(model), workload_(workload),
        prefill_(workload.phase == work::Phase::prefill),
        tokensPerSequence_(workload.tokensPerSequence()),
        layers_(builder_, model, workload, tokensPerSequence_) {}

  mlir::OwningOpRef<mlir::ModuleOp> build() {
    auto module = mlir::ModuleOp::create(location_);
    builder_.setInsertionPointToEnd(module.getBody());
    const mlir::Type words = mlir::RankedTensorType::get({layers_.rows()}, builder_.getI32Type());
    const mlir::Type last = mlir::RankedTensorType::get({workload_.batch}, builder_.getI32Type());
    llvm::SmallVector<mlir::Type, 2> inputs{words};
    const bool onlyLast = prefill_ && !workload_.training;
    if (onlyLast)
      inputs.push_back(last);
    auto step = builder_.create<mlir::func::FuncOp>(location_, "step",
                                                    builder_.getFunctionType(inputs, {}));
    mlir::Block *body = step.addEntryBlock();
    builder_.setInsertionPointToEnd(body);

    table_ = layers_.weight("embed", {model_.vocab, model_.hidden}, Shard::vocab);
    Stream stream{gather("embed", table_, body->getArgument(0)),
                  layers_.zeros({layers_.rows(), model_.hidden})};
    layers_.setStack("layers");
    for (const Turn &turn : planLayers(model_))
      stream = repeat(turn, stream);
    layers_.setStack("");
    Value sum;
    Value hidden = layers_.addNorm("final_norm", stream, &sum);
    if (onlyLast)
      hidden = gather("last_token", hidden, body->getArgument(1));
    llvm::SmallVector<Value, 2> results{head("", hidden)};
    if (workload_.new_tokens > 1)
      draft(sum, results);
    builder_.create<mlir::func::ReturnOp>(location_, results);
    step.setFunctionType(builder_.getFunctionType(inputs, mlir::ValueRange(results).getTypes()));
    describe(step);
    return module;
  }

private:
  Value gather(const std::string &label, Value table, Value indices) {
    const auto type = llvm::cast<mlir::RankedTensorType>(table.getType());
    return builder_.create<GatherOp>(location_,
                                     type.clone({shapeOf(indices)[0], type.getDimSize(1)}),
                                     builder_.getStringAttr(label), table, indices, ExpertsAttr());
  }

  Stream repeat(const Turn &turn, Stream stream) {
    return repeat(turn.count, static_cast<int64_t>(turn.layers.size()), stream, [&](Stream inner) {
      for (const Layer &layer : turn.layers)
        inner = layers_.layer(layer, inner);
      return inner;
    });
  }

  template <typename Body>
  Stream repeat(int64_t count, int64_t layers, Stream stream, const Body &body) {
    const llvm::SmallVector<Value, 2> inits{stream.residual, stream.delta};
    const llvm::SmallVector<mlir::Type, 2> types{stream.residual.getType(), stream.delta.getType()};
    auto op = builder_.create<RepeatOp>(location_, types, count, inits);
    if (layers > 0)
      op->setAttr(kLayersAttr, builder_.getI64IntegerAttr(layers));
    else
      op->setAttr(kSameParametersAttr, builder_.getUnitAttr());
    mlir::OpBuilder::InsertionGuard guard(builder_);
    mlir::Block *block = builder_.createBlock(&op.getBody(), {}, types, {location_, location_});
    const Stream result = body(Stream{block->getArgument(0), block->getArgument(1)});
    builder_.create<YieldOp>(location_, mlir::ValueRange{result.residual, result.delta});
    return {op.getResult(0), op.getResult(1)};
  }

  /// Logits and the choice of a token; in training, the probabilities that the loss is made of.
  Value head(const std::string &prefix, Value hidden) {
    Value table = table_;
    if (!model_.tied_embeddings) {
      if (!head_)
        head_ = layers_.weight("lm_head", {model_.vocab, model_.hidden}, Shard::vocab);
      table = head_;
    }
    const Value words = view(ViewKind::transpose, {model_.hidden, model_.vocab}, table);
    const Value logits =
        builder_.create<MatmulOp>(location_, tensor({shapeOf(hidden)[0], model_.vocab}),
                                  builder_.getStringAttr(prefix + "lm_head"), hidden, words,
                                  Value(), Value(), Activation::none, Scaling::none);
    if (workload_.training) // in single precision
      return builder_
          .create<NormOp>(
              location_,
              mlir::TypeRange{mlir::RankedTensorType::get(shapeOf(logits), builder_.getF32Type())},
              NormKind::softmax, builder_.getStringAttr("loss"), logits, Value(), Value(), nullptr,
              nullptr, Scaling::none)
          .getResult();
    return builder_.create<TopkOp>(
        location_, mlir::RankedTensorType::get({shapeOf(hidden)[0], 1}, builder_.getI32Type()),
        builder_.getStringAttr(prefix + "sample"), logits, 1, 0, 0);
  }

  /// Each further token is proposed by one pass of the model's next-token layer over one token of
  /// each sequence (DeepSeek-V3, arXiv 2412.19437, section 2.2): the embedding of the token before
  /// and the hidden state are normalised, joined, projected, and pass a layer and the model's own
  /// head.
  void draft(Value states, llvm::SmallVectorImpl<Value> &results) {
    if (model_.next_token.count == 0) {
      notes_.push_back(fmt::format("the cost of drafting the {} speculated tokens is not included: "
                                   "the model has no next-token layer",
                                   workload_.new_tokens - 1));
      return;
    }
    ModelBuilder layers(builder_, model_, workload_, 1);
    layers.setStack("draft");
    const Layer last = describeLayer(model_, model_.next_token, model_.layerCount());
    const int64_t hidden = model_.hidden, batch = workload_.batch, parts = tokensPerSequence_;
    // The last accepted token of each sequence, and its state.
    const Stream start{view(ViewKind::rows, {batch, hidden}, states, parts),
                       view(ViewKind::rows, {batch, 1}, results.front(), parts)};
    const Stream drafted = repeat(workload_.new_tokens - 1, 0, start, [&](Stream inner) -> Stream {
      const Value embedded = layers.norm("embed_norm", gather("draft.embed", table_, inner.delta));
      const Value state = layers.norm("hidden_norm", inner.residual);
      const Value joined =
          builder_.create<ViewOp>(location_, tensor({batch, 2 * hidden}), ViewKind::join,
                                  mlir::ValueRange{embedded, state}, 1);
      const Value projected = layers.linear(
          "join_proj", joined, {2 * hidden, hidden, Shard::replicated, false, false, {}});
      const Stream out = layers.layer(last, {projected, layers.zeros({batch, hidden})});
      Value sum;
      const Value normed = layers.addNorm("final_norm", out, &sum);
      return {sum, head("draft.", normed)};
    });
    results.push_back(drafted.delta);
  }

  mlir::RankedTensorType tensor(llvm::ArrayRef<int64_t> shape) const {
    return mlir::RankedTensorType::get(shape, layers_.plain());
  }

  Value view(ViewKind kind, llvm::ArrayRef<int64_t> shape, Value input, int64_t parts = 1) {
    const auto type = llvm::cast<mlir::RankedTensorType>(input.getType()).clone(shape);
    return builder_.create<ViewOp>(location_, type, kind, mlir::ValueRange{input}, parts);
  }

  void describe(mlir::func::FuncOp step) {
    step->setAttr(kSequencesAttr, builder_.getI64IntegerAttr(workload_.batch));
    step->setAttr(kTokensAttr, builder_.getF64FloatAttr(workload_.tokensPerStep()));
    step->setAttr(kPhaseAttr, builder_.getStringAttr(workload_.training ? "training"
                                                     : prefill_         ? "prefill"
                                                                        : "decode"));
    if (model_.moe.experts > 0)
      notes_.push_back("tokens are spread evenly over the experts");
    const bool latent =
        std::any_of(model_.attentions.begin(), model_.attentions.end(),
                    [](const auto &each) { return each.kind == work::AttentionKind::latent; });
    if (latent && !prefill_ && workload_.quantisation != work::Quantisation::bf16 &&
        workload_.quantisation != work::Quantisation::fp16)
      notes_.push_back(
          "the key-value up projections, absorbed into queries and outputs, stay in 16 "
          "bits");
    for (const work::AttentionShape &each : model_.attentions)
      if (each.window > 0 && workload_.context > each.window && !workload_.training)
        notes_.push_back(fmt::format("layers with a sliding window keep only its {} positions in "
                                     "the cache",
                                     each.window));
    for (const work::AttentionShape &each : model_.attentions)
      if (each.chunk > 0 && workload_.context > each.chunk)
        notes_.push_back(fmt::format("layers that attend in chunks of {} positions see their own "
                                     "chunk only{}",
                                     each.chunk, prefill_ ? "" : ", of which half on average"));
    for (const work::AttentionShape &each : model_.attentions)
      if (each.index_topk > 0 && workload_.context > each.index_topk)
        notes_.push_back(fmt::format("a query sees the {} positions that the indexer picks; every "
                                     "device scores them all",
                                     each.index_topk));
    if (workload_.context > model_.max_positions && model_.max_positions > 0)
      notes_.push_back(fmt::format("the context of {} is longer than the model's {} positions",
                                   workload_.context, model_.max_positions));
    llvm::SmallVector<mlir::Attribute, 4> notes;
    for (const std::string &note : notes_)
      notes.push_back(builder_.getStringAttr(note));
    if (!notes.empty())
      step->setAttr(kNotesAttr, builder_.getArrayAttr(notes));
  }

  mlir::OpBuilder builder_;
  mlir::Location location_;
  const work::Transformer &model_;
  const work::Workload &workload_;
  const bool prefill_;
  const int64_t tokensPerSequence_;
  ModelBuilder layers_;
  Value table_, head_;
  std::vector<std::string> notes_;
};

} // namespace

Result<mlir::OwningOpRef<mlir::ModuleOp>> modelToModule(mlir::MLIRContext *context,
                                                        const work::Transformer &model,
                                                        const work::Workload &workload) {
  if (auto result = work::check(model); !result)
    return result.error();
  if (auto result = work::check(workload); !result)
    return result.error();
  return StepBuilder(context, model, workload).build();
}

} // namespace mansard::ir
