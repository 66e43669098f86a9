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

struct Kept {
  double weights = 0, cache = 0;
  void add(const Kept &other, double times = 1) {
    weights += times * other.weights;
    cache += times * other.cache;
  }
  double total() const { return weights + cache; }
};

Kept keptBy(mlir::Operation &op) {
  if (auto weight = llvm::dyn_cast<WeightOp>(op)) {
    const mlir::RankedTensorType type = weight.getResult().getType();
    double elements = 1, vectors = 1;
    for (int64_t size : type.getShape())
      elements *= static_cast<double>(size);
    // Scales by channel: one for each column of each matrix.
    for (int64_t size : type.getShape().drop_back(std::min<int64_t>(type.getRank(), 2)))
      vectors *= static_cast<double>(size);
    vectors *= static_cast<double>(type.getShape().back());
    return {bytesOf(type) + scaleBytes(codeOf(weight.getResult()),
                                       static_cast<uint32_t>(weight.getScaling()), elements,
                                       vectors, true),
            0};
  }
  if (auto cache = llvm::dyn_cast<KvCacheOp>(op))
    return {0, bytesOf(cache.getResult().getType())};
  return {};
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
  std::vector<Kept> layers;
  Kept before, after;
  bool layersSeen = false;
  for (mlir::Operation &op : body) {
    auto repeat = llvm::dyn_cast<RepeatOp>(op);
    const auto attr = op.getAttrOfType<mlir::IntegerAttr>(kLayersAttr);
    if (repeat && attr && attr.getInt() > 0) {
      layersSeen = true;
      Kept layer;
      layer.add(keptIn(repeat.getBody().front()), 1.0 / static_cast<double>(attr.getInt()));
      const auto count = static_cast<int64_t>(repeat.getCount()) * attr.getInt();
      layers.insert(layers.end(), static_cast<size_t>(count), layer);
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
      kept.add(layers[next++]);
    if (stage == 0)
      kept.add(before);
    if (stage == stages - 1)
      kept.add(after);
    kept.cache *= inFlight;
    if (kept.total() > largest.total())
      largest = kept;
  }
  return largest;
}

/// What a kernel needs beside its operands and results: the rows of a fused mixture.
double workspaceOf(mlir::Operation &op) {
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
  return {kept.weights, kept.cache, peakIn(body)};
}

} // namespace mansard::ir
