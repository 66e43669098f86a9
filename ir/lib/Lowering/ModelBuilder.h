// Emits the ops of a transformer's layers; one instance builds one module.
#pragma once

#include "LayerPlan.h"

#include <IR/Mansard.h>
#include <mansard/work/transformer.h>
#include <mansard/work/workload.h>

#include <mlir/IR/Builders.h>

#include <llvm/ADT/DenseMap.h>

#include <string>

namespace mansard::ir {

/// What a linear module does with its input, and how its weight lies in memory.
struct Linear {
  int64_t in = 0, out = 0;
  Shard shard = Shard::replicated;
  bool quantised = false;
  bool bias = false;
  llvm::SmallVector<int64_t, 3> parts;  // heads that the outputs consist of; empty: none
  llvm::SmallVector<int64_t, 3> widths = {}; // columns of a head of each part; empty: all alike
};

/// The residual stream, and what has yet to be added to it.
struct Stream {
  mlir::Value residual, delta;
};

class ModelBuilder {
public:
  ModelBuilder(mlir::OpBuilder &builder, const work::Transformer &model,
               const work::Workload &workload, int64_t tokensPerSequence);

  /// Labels of ops built from now on begin with this ("layers").
  void setStack(std::string stack) { stack_ = std::move(stack); }

  Stream layer(const Layer &layer, Stream stream);
  /// residual + delta, normalised; `sum` gets the sum.
  mlir::Value addNorm(const std::string &label, Stream stream, mlir::Value *sum);
  mlir::Value norm(const std::string &label, mlir::Value x);
  /// Quantises `x` (once) if the module is quantised and the scheme quantises activations.
  mlir::Value linear(const std::string &label, mlir::Value x, const Linear &module);
  mlir::Value weight(const std::string &label, llvm::ArrayRef<int64_t> shape, Shard shard,
                     bool quantised = false, llvm::ArrayRef<int64_t> parts = {},
                     llvm::ArrayRef<int64_t> widths = {});
  mlir::Value zeros(llvm::ArrayRef<int64_t> shape);

  int64_t sequences() const { return workload_.batch; }
  int64_t rows() const { return workload_.batch * tokensPerSequence_; }
  mlir::Type plain() const { return plain_; }

private:
  mlir::Value attention(const Layer &layer, mlir::Value x);
  mlir::Value groupedQuery(const Layer &layer, mlir::Value x);
  mlir::Value latent(const Layer &layer, mlir::Value x);
  mlir::Value deltaRule(const Layer &layer, mlir::Value x);
  mlir::Value attendExpanded(const Layer &layer, mlir::Value query, mlir::Value compressed,
                             mlir::Value cache);
  mlir::Value attendAbsorbed(const Layer &layer, mlir::Value query, mlir::Value cache,
                             mlir::Value selected);
  mlir::Value select(const Layer &layer, mlir::Value x, mlir::Value compressedQuery);
  mlir::Value feedForward(const std::string &label, mlir::Value x, int64_t width, bool quantised,
                          Shard up, Shard down);
  mlir::Value experts(const Layer &layer, mlir::Value x);
  mlir::Value routed(mlir::Value x, mlir::Value indices, bool quantised);

  mlir::Value activation(const std::string &label, mlir::Value x);
  mlir::Value add(const std::string &label, mlir::Value a, mlir::Value b);
  mlir::Value quantise(const std::string &label, mlir::Value x);
  mlir::Value cacheOf(const std::string &label, int64_t positions, int64_t heads, int64_t columns);
  /// `cache` with `rows` in it. Training keeps none, but where devices share the positions, it is
  /// where their keys and values meet.
  mlir::Value written(const std::string &label, mlir::Value rows, mlir::Value cache);
  mlir::RankedTensorType tensor(llvm::ArrayRef<int64_t> shape, mlir::Type element) const {
    return mlir::RankedTensorType::get(shape, element);
  }
  mlir::RankedTensorType plainTensor(llvm::ArrayRef<int64_t> shape) const {
    return tensor(shape, plain_);
  }
  mlir::StringAttr label(const std::string &name) const;
  mlir::IntegerAttr integer(int64_t value) const { return builder_.getI64IntegerAttr(value); }
  Scaling scalingOf(bool quantised) const;
  const work::AttentionShape &shapeOfAttention(const Layer &layer) const {
    return model_.attentions[layer.attention];
  }
  /// What the ops of an attention are labelled by: "sliding_attention.", with `base` "attention".
  std::string familyOf(const Layer &layer, const std::string &base) const {
    const std::string &name = shapeOfAttention(layer).name;
    return name.empty() ? base : name + "_" + base;
  }
  bool quantises(const Layer &layer, Module module) const {
    return !layer.plain[static_cast<size_t>(module)];
  }

  mlir::OpBuilder &builder_;
  mlir::Location location_;
  const work::Transformer &model_;
  const work::Workload &workload_;
  const work::QuantisationScheme scheme_;
  const int64_t tokensPerSequence_;
  const bool prefill_;
  const mlir::Type plain_, activations_, weights_;
  std::string stack_;
  llvm::DenseMap<mlir::Value, mlir::Value> quantised_;
};

} // namespace mansard::ir
