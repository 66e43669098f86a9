#include "Memory.h"

#include <IR/Mansard.h>
#include <Lowering/Attributes.h>
#include <mansard/base/counts.h>

#include <llvm/ADT/DenseSet.h>

#include <algorithm>
#include <vector>

namespace mansard::ir {
namespace {

using mlir::Value;

/// Bytes by what they are for.
class Kept {
public:
  void add(bool cache, llvm::StringRef component, DType type, double bytes) {
    for (Part &part : parts_)
      if (part.cache == cache && part.type == type && part.component == component) {
        part.bytes += bytes;
        return;
      }
    parts_.push_back({component, type, cache, bytes});
  }
  /// Other's parameters and cache, so many times.
  void add(const Kept &other, double times = 1) { add(other, times, times); }
  void add(const Kept &other, double weights, double cache) {
    for (const Part &part : other.parts_)
      add(part.cache, part.component, part.type, part.bytes * (part.cache ? cache : weights));
  }
  double total() const {
    double sum = 0;
    for (const Part &part : parts_)
      sum += part.bytes;
    return sum;
  }
  work::MemoryNeed need() const {
    work::MemoryNeed need;
    for (const Part &part : parts_) {
      (part.cache ? need.kvCache : need.weights) += part.bytes;
      (part.cache ? need.cacheParts : need.weightParts)
          .push_back({part.component.str(), part.type, part.bytes});
    }
    return need;
  }

private:
  struct Part {
    llvm::StringRef component; // of a label, which the context keeps
    DType type;
    bool cache;
    double bytes;
  };
  llvm::SmallVector<Part, 16> parts_;
};

/// The module that `label` = "layers.attention.qkv_proj" is of: "attention".
llvm::StringRef componentOf(llvm::StringRef label, int64_t rank) {
  if (label.starts_with("draft."))
    return "draft";
  if (rank == 1)
    return "norms, biases";
  label.consume_front("layers.");
  const size_t dot = label.rfind('.');
  return dot == llvm::StringRef::npos ? label : label.take_front(dot);
}

Kept keptBy(mlir::Operation &op) {
  Kept kept;
  if (auto weight = llvm::dyn_cast<WeightOp>(op)) {
    const mlir::RankedTensorType type = weight.getResult().getType();
    double elements = 1, vectors = 1;
    for (int64_t size : type.getShape())
      elements *= static_cast<double>(size);
    // Scales by channel: one for each column of each matrix.
    for (int64_t size : type.getShape().drop_back(std::min<int64_t>(type.getRank(), 2)))
      vectors *= static_cast<double>(size);
    vectors *= static_cast<double>(type.getShape().back());
    const uint32_t code = codeOf(weight.getResult());
    kept.add(false,
             weight.getShard() == Shard::router ? "moe.router"
                                                : componentOf(weight.getLabel(), type.getRank()),
             static_cast<DType>(code),
             bytesOf(type) + scaleBytes(code, static_cast<uint32_t>(weight.getScaling()), elements,
                                        vectors, true));
  } else if (auto cache = llvm::dyn_cast<KvCacheOp>(op)) {
    llvm::StringRef label = cache.getLabel();
    label.consume_front("layers.");
    kept.add(true, label, static_cast<DType>(codeOf(cache.getResult())),
             bytesOf(cache.getResult().getType()));
  }
  return kept;
}

Kept keptIn(mlir::Block &block);

/// Of an op with its regions.
Kept keptOf(mlir::Operation &op) {
  Kept kept = keptBy(op);
  auto repeat = llvm::dyn_cast<RepeatOp>(op);
  const double times =
      repeat && !repeat->hasAttr(kSameParametersAttr) ? static_cast<double>(repeat.getCount()) : 1;
  for (mlir::Region &region : op.getRegions())
    for (mlir::Block &inner : region)
      kept.add(keptIn(inner), times);
  return kept;
}

Kept keptIn(mlir::Block &block) {
  Kept kept;
  for (mlir::Operation &op : block)
    kept.add(keptOf(op));
  return kept;
}

/// The stage that needs most.
Kept largestStage(mlir::Block &body, int64_t stages) {
  std::vector<Kept> kinds;
  std::vector<size_t> layers; // by the index of their kind
  Kept before, after;
  bool layersSeen = false;
  for (mlir::Operation &op : body) {
    auto repeat = llvm::dyn_cast<RepeatOp>(op);
    const auto attr = op.getAttrOfType<mlir::IntegerAttr>(kLayersAttr);
    if (repeat && attr && attr.getInt() > 0) {
      layersSeen = true;
      Kept &layer = kinds.emplace_back();
      layer.add(keptIn(repeat.getBody().front()), 1.0 / static_cast<double>(attr.getInt()));
      const auto count = static_cast<int64_t>(repeat.getCount()) * attr.getInt();
      layers.insert(layers.end(), static_cast<size_t>(count), kinds.size() - 1);
      continue;
    }
    Kept &outside = layersSeen ? after : before;
    outside.add(keptOf(op));
  }
  // Every micro-batch keeps its part of the cache in each stage.
  const auto inFlight = static_cast<double>(stages);
  const auto count = static_cast<int64_t>(layers.size());
  Kept largest;
  size_t next = 0;
  for (int64_t stage = 0; stage < stages; ++stage) {
    Kept kept;
    const int64_t own = count / stages + (stage < count % stages ? 1 : 0);
    for (int64_t i = 0; i < own; ++i)
      kept.add(kinds[layers[next++]], 1, inFlight);
    if (stage == 0)
      kept.add(before, 1, inFlight);
    if (stage == stages - 1)
      kept.add(after, 1, inFlight);
    if (kept.total() > largest.total())
      largest = kept;
  }
  return largest;
}

/// What low-latency exchanges register at every device so that all may write there at once: two
/// buffers to send from and two to receive in, in turn, each with room for every token of a device
/// at every expert (DeepEP's LowLatencyLayout). Bulk exchanges go through small windows.
double exchangeBuffers(mlir::func::FuncOp step) {
  double largest = 0;
  step.walk([&](CombineOp combine) {
    if (combine.getMode() == ExchangeMode::low_latency)
      largest = std::max(largest, 4 * static_cast<double>(combine.getExperts().getExperts()) *
                                      bytesOf(combine.getResult().getType()));
  });
  return largest;
}

/// What kernels need beside their operands and results: the rows of a fused mixture, what chunks
/// of linear attention hand on.
double workspaceOf(mlir::Operation &op) {
  if (auto rule = llvm::dyn_cast<DeltaRuleOp>(op))
    return rule.getWorkspace();
  auto moe = llvm::dyn_cast<MoeOp>(op);
  if (!moe)
    return 0;
  const double rows = static_cast<double>(localChoices(moe.getExperts()));
  const double hidden = static_cast<double>(shapeOf(moe.getInput())[1]);
  const double in = mansard::bytesOf(codeOf(moe.getInput())),
               out = mansard::bytesOf(codeOf(moe.getResult()));
  const double up = static_cast<double>(shapeOf(moe.getUp())[2]),
               down = static_cast<double>(shapeOf(moe.getDown())[1]);
  // Permuted rows and the up projection live together, then activation and down projection.
  return rows * std::max(hidden * in + up * out, down * in + hidden * out);
}

bool isActivation(Value value) {
  mlir::Operation *maker = value.getDefiningOp();
  if (!maker)
    return true;
  if (llvm::isa<WeightOp, KvCacheOp, ViewOp>(maker))
    return false;
  if (auto scatter = llvm::dyn_cast<ScatterOp>(maker))
    return !scatter.getInto();
  if (auto rope = llvm::dyn_cast<RopeOp>(maker))
    return rope.getCacheResult() != value;
  // Regions hand on what they made inside.
  return true;
}

/// The tensor that a view looks at, through views.
void addRoots(Value value, llvm::SmallVectorImpl<Value> &roots) {
  if (auto view = value.getDefiningOp<ViewOp>()) {
    for (Value input : view.getInputs())
      addRoots(input, roots);
    return;
  }
  roots.push_back(value);
}

double sizeOf(Value value) {
  const auto type = llvm::dyn_cast<mlir::RankedTensorType>(value.getType());
  return type && isActivation(value) ? bytesOf(type) : 0;
}

/// Bytes of the block's own values alive at once at most; what is alive around it comes on top.
double peakIn(mlir::Block &block) {
  // Where each value is used last, as the position of the op of this block that uses it.
  llvm::DenseMap<Value, mlir::Operation *> lastUse;
  for (mlir::Operation &op : block)
    op.walk([&](mlir::Operation *inner) {
      for (Value operand : inner->getOperands()) {
        llvm::SmallVector<Value, 2> roots;
        addRoots(operand, roots);
        // A view is used where it is used, not where it is made.
        for (Value root : roots)
          if (root.getParentBlock() == &block && !llvm::isa<ViewOp>(inner))
            lastUse[root] = &op;
      }
    });
  double alive = 0, peak = 0;
  for (Value argument : block.getArguments())
    alive += sizeOf(argument);
  peak = alive;
  for (mlir::Operation &op : block) {
    double inside = workspaceOf(op);
    for (mlir::Region &region : op.getRegions())
      for (mlir::Block &inner : region)
        inside = std::max(inside, peakIn(inner));
    double made = 0;
    for (Value result : op.getResults())
      made += sizeOf(result);
    // A region's arguments and results take the place of what goes in.
    double replaced = 0;
    if (op.getNumRegions() > 0)
      for (Value operand : op.getOperands())
        replaced += lastUse.lookup(operand) == &op ? sizeOf(operand) : 0;
    peak = std::max(peak, op.getNumRegions() > 0 ? alive - replaced + std::max(inside, made)
                                                 : alive + made + inside);
    alive += made;
    llvm::SmallDenseSet<Value, 4> done;
    op.walk([&](mlir::Operation *inner) {
      for (Value operand : inner->getOperands()) {
        llvm::SmallVector<Value, 2> roots;
        addRoots(operand, roots);
        for (Value root : roots)
          if (lastUse.lookup(root) == &op && done.insert(root).second)
            alive -= sizeOf(root);
      }
    });
    for (Value result : op.getResults())
      if (result.use_empty())
        alive -= sizeOf(result);
  }
  return peak;
}

} // namespace

work::MemoryNeed memoryOf(mlir::func::FuncOp step) {
  mlir::Block &body = step.getBody().front();
  const auto stages = step->getAttrOfType<mlir::IntegerAttr>(kStagesAttr);
  const Kept kept =
      stages && stages.getInt() > 1 ? largestStage(body, stages.getInt()) : keptIn(body);
  work::MemoryNeed need = kept.need();
  need.activations = peakIn(body);
  need.buffers = exchangeBuffers(step);
  return need;
}

} // namespace mansard::ir
