// What becomes of groups.
#include "LinalgGroups.h"

#include <mlir/Dialect/MemRef/IR/MemRef.h>
#include <mlir/Dialect/Tensor/IR/Tensor.h>

namespace mansard::ir {

using mlir::Value;
namespace linalg = mlir::linalg;

Value withoutViews(Value value) {
  for (auto view = value.getDefiningOp<ViewOp>(); view; view = value.getDefiningOp<ViewOp>()) {
    if (view.getKind() != ViewKind::reshape)
      break;
    value = view.getInputs()[0];
  }
  return value;
}

mlir::Operation *makerOf(Value value) { return withoutViews(value).getDefiningOp(); }

namespace {

/// Loops in the order in which `map` mentions them.
llvm::SmallVector<int64_t, 2> ordered(const LoopNest &nest, mlir::AffineMap map,
                                      llvm::ArrayRef<unsigned> loops) {
  llvm::SmallVector<int64_t, 2> sizes;
  for (mlir::AffineExpr expr : map.getResults())
    if (auto dim = llvm::dyn_cast<mlir::AffineDimExpr>(expr))
      if (llvm::is_contained(loops, dim.getPosition()))
        sizes.push_back(nest.sizes[dim.getPosition()]);
  return sizes;
}

bool endsIn(mlir::AffineMap map, llvm::ArrayRef<unsigned> loops) {
  const mlir::AffineExpr last = map.getNumResults() ? map.getResults().back() : nullptr;
  auto dim = llvm::dyn_cast_or_null<mlir::AffineDimExpr>(last);
  return dim && llvm::is_contained(loops, dim.getPosition());
}

} // namespace

// ---- keeping

void Groups::keep(const LoopNest &nest, mlir::Operation *source, Value made) {
  mlir::Operation *kernel = makerOf(made);
  if (!kernel)
    return;
  if (llvm::isa<MatmulOp, GroupedMatmulOp>(kernel)) {
    const std::optional<Contraction> c = matchContraction(nest);
    if (!c || c->accumulates || kernel->getNumOperands() != 2)
      return;
    Member member{Part::product, {}, {}};
    member.source = source;
    member.left = kernel->getOperand(0), member.right = kernel->getOperand(1);
    const mlir::AffineMap out = nest.outputs[0].map;
    member.batch = ordered(nest, out, c->batch);
    member.rows = ordered(nest, out, c->rows);
    member.columns = ordered(nest, out, c->columns);
    member.inner = ordered(nest, nest.inputs[c->left].map, c->inner);
    member.sumsLast = endsIn(nest.inputs[c->left].map, c->inner);
    member.columnsLast = endsIn(out, c->columns);
    members_[kernel] = std::move(member);
    return;
  }
  if (std::optional<Member> member = classify(nest)) {
    member->source = source;
    members_[kernel] = std::move(*member);
  }
}

void Groups::keepSoftmax(mlir::Operation *source, Value input, Value made) {
  Member member{Part::softmax, input, {}};
  member.source = source;
  members_[makerOf(made)] = std::move(member);
}

const Member *Groups::memberOf(Value value) const {
  mlir::Operation *maker = value ? makerOf(value) : nullptr;
  const auto found = members_.find(maker);
  return maker && found != members_.end() ? &found->second : nullptr;
}

const Member *Groups::take(Value value, Part part, Chain &chain) const {
  const Member *member = memberOf(value);
  if (!member || member->part != part)
    return nullptr;
  chain.kernels.insert(makerOf(value));
  return member;
}

Value Groups::softmaxInput(Value value, Chain &chain) const {
  while (const Member *member = take(value, Part::converted, chain))
    value = member->data;
  if (const Member *whole = take(value, Part::softmax, chain))
    return whole->data;
  const Member *quotient = take(value, Part::overRow, chain);
  if (!quotient)
    return {};
  const Member *sum = take(quotient->other, Part::rowSum, chain);
  if (!sum || withoutViews(sum->data) != withoutViews(quotient->data))
    return {};
  const Member *power = take(quotient->data, Part::expMinusRow, chain);
  if (!power) {
    const Member *plain = take(quotient->data, Part::exponential, chain);
    power = plain ? take(plain->data, Part::minusRow, chain) : nullptr;
  }
  const Member *maximum = power ? take(power->other, Part::rowMaximum, chain) : nullptr;
  if (!maximum || withoutViews(maximum->data) != withoutViews(power->data))
    return {};
  return power->data;
}

// ---- replacing

/// Whether nothing but `sources` and what looks at their results uses `value`.
static bool usedOnlyBy(Value value, const llvm::SmallPtrSetImpl<mlir::Operation *> &sources,
                       int depth = 0) {
  constexpr int kDeepest = 16;
  namespace tensor = mlir::tensor;
  return depth < kDeepest && llvm::all_of(value.getUsers(), [&](mlir::Operation *user) {
           if (sources.contains(user) || llvm::isa<mlir::memref::DeallocOp, tensor::DimOp>(user))
             return true;
           const bool looks =
               llvm::isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(user);
           return looks && usedOnlyBy(user->getResult(0), sources, depth + 1);
         });
}

bool Groups::isOwn(const Chain &chain) const {
  llvm::SmallPtrSet<mlir::Operation *, 16> sources;
  for (mlir::Operation *kernel : chain.kernels)
    sources.insert(members_.find(kernel)->second.source);
  for (mlir::Operation *source : sources) {
    if (!source || source->getBlock() != chain.last->source->getBlock())
      return false;
    if (source == chain.last->source)
      continue;
    for (Value result : source->getResults())
      if (!usedOnlyBy(result, sources))
        return false;
    if (source->getNumResults() > 0)
      continue;
    // A buffer made here, and used for nothing else.
    auto structured = llvm::dyn_cast<linalg::LinalgOp>(source);
    for (Value buffer : structured ? structured.getDpsInits() : mlir::ValueRange())
      if (!buffer.getDefiningOp<mlir::memref::AllocOp>() ||
          !llvm::all_of(buffer.getUsers(), [&](mlir::Operation *user) {
            return sources.contains(user) ||
                   llvm::isa<linalg::FillOp, mlir::memref::DeallocOp>(user);
          }))
        return false;
  }
  return true;
}

void Groups::erase(const Chain &chain) {
  // Users first: a kernel, and the views of what it made.
  llvm::SmallVector<mlir::Operation *, 16> left(chain.kernels.begin(), chain.kernels.end());
  const auto eraseViews = [](auto &&self, Value value) -> void {
    for (mlir::Operation *user : llvm::make_early_inc_range(value.getUsers()))
      if (auto view = llvm::dyn_cast<ViewOp>(user)) {
        self(self, view.getResult());
        if (view.getResult().use_empty())
          view.erase();
      }
  };
  for (mlir::Operation *kernel : left)
    members_.erase(kernel);
  for (bool changed = true; changed;) {
    changed = false;
    for (mlir::Operation *&kernel : left) {
      if (!kernel)
        continue;
      for (Value result : kernel->getResults())
        eraseViews(eraseViews, result);
      if (!kernel->use_empty())
        continue;
      kernel->erase();
      kernel = nullptr;
      changed = true;
    }
  }
}

} // namespace mansard::ir
