// Whether loops are a tiling: what is in them, the shapes of slices and what these depend on.
#include "LinalgTiling.h"

#include <mlir/Dialect/MemRef/IR/MemRef.h>
#include <mlir/Dialect/Tensor/IR/Tensor.h>

#include <llvm/ADT/TypeSwitch.h>

namespace mansard::ir {

using mlir::OpFoldResult;
using mlir::Value;
namespace linalg = mlir::linalg;
namespace memref = mlir::memref;
namespace scf = mlir::scf;
namespace tensor = mlir::tensor;

namespace {

// In one nest; more is no kernel.
constexpr size_t kMostOps = 64;  // that compute
constexpr int kMostLines = 4096; // of any kind

} // namespace

bool TiledLoops::no(mlir::Operation &op, const llvm::Twine &why) {
  if (why_.empty())
    why_ = ("'" + op.getName().getStringRef() + "' " + why).str();
  return false;
}

// ---- what is in the loops

bool TiledLoops::isInside(Value value) const {
  mlir::Operation *parent = value.getParentBlock()->getParentOp();
  return outer_->isAncestor(parent);
}

const Sizes *TiledLoops::shapeOf(Value value) const {
  const auto own = shapes_.find(value);
  return own != shapes_.end() ? &own->second : importer_.knownShape(value);
}

TiledLoops::Variables TiledLoops::variablesOf(OpFoldResult value) const {
  if (auto known = llvm::dyn_cast<Value>(value))
    if (const auto found = depends_.find(known); found != depends_.end())
      return found->second;
  return {};
}

bool TiledLoops::addLoop(mlir::Operation &op, Value variable, OpFoldResult from, OpFoldResult to,
                         OpFoldResult step) {
  const auto low = importer_.number(from), high = importer_.number(to),
             stride = importer_.number(step);
  if (!low || !high || !stride || *stride <= 0 || *high <= *low ||
      static_cast<double>(*high) - static_cast<double>(*low) > 0x1p40)
    return no(op, "has bounds that are no constants, or no turn");
  if (!variablesOf(from).empty())
    return no(op, "starts where an outer loop says");
  importer_.numbers_[variable] = *low;
  turns_[variable] = (*high - *low + *stride - 1) / *stride;
  depends_[variable] = {variable};
  around_.push_back(variable);
  return true;
}

bool TiledLoops::collectLoop(mlir::Operation &op) {
  const size_t outside = around_.size();
  const auto carry = [&](mlir::ValueRange arguments, mlir::ValueRange inits,
                         mlir::ValueRange results) {
    for (auto [index, init] : llvm::enumerate(inits)) {
      const Sizes *shape = isShaped(init) ? shapeOf(init) : nullptr;
      if (!shape)
        return no(op, "carries what is no tensor of a known shape");
      const Sizes same = *shape;
      shapes_[arguments[index]] = same;
      shapes_[results[index]] = same;
    }
    return true;
  };
  bool fine = true;
  if (auto loop = llvm::dyn_cast<scf::ForOp>(op)) {
    fine = addLoop(op, loop.getInductionVar(), loop.getLowerBound(), loop.getUpperBound(),
                   loop.getStep()) &&
           carry(loop.getRegionIterArgs(), loop.getInitArgs(), loop.getResults());
  } else if (auto all = llvm::dyn_cast<scf::ForallOp>(op)) {
    for (auto [from, to, step, variable] :
         llvm::zip(all.getMixedLowerBound(), all.getMixedUpperBound(), all.getMixedStep(),
                   all.getInductionVars()))
      fine = fine && addLoop(op, variable, from, to, step);
    fine = fine && carry(all.getRegionIterArgs(), all.getOutputs(), all.getResults());
  } else {
    auto parallel = llvm::cast<scf::ParallelOp>(op);
    if (parallel.getNumResults() > 0)
      return no(op, "reduces scalars");
    for (auto [from, to, step, variable] :
         llvm::zip(parallel.getLowerBound(), parallel.getUpperBound(), parallel.getStep(),
                   parallel.getInductionVars()))
      fine = fine && addLoop(op, variable, from, to, step);
  }
  fine = fine && collect(op.getRegion(0).front());
  around_.truncate(outside);
  return fine;
}

bool TiledLoops::collect(mlir::Block &block) {
  for (mlir::Operation &op : block) {
    if (++lines_ > kMostLines)
      return no(op, "is one of more than " + llvm::Twine(kMostLines) + " ops in the loops");
    if (!collectOp(op))
      return false;
  }
  return true;
}

/// The result's sizes in the first turn, where the tiles are whole.
bool TiledLoops::setSliceShape(mlir::Operation &op, llvm::ArrayRef<OpFoldResult> sizes) {
  Sizes shape;
  for (OpFoldResult size : sizes) {
    const auto known = importer_.number(size);
    if (!known || *known < 1)
      return no(op, "has a size that is not known");
    shape.push_back(*known);
  }
  shapes_[op.getResult(0)] = std::move(shape);
  return true;
}

bool TiledLoops::collectOp(mlir::Operation &op) {
  const auto sameShape = [&](Value result, Value source) {
    const Sizes *shape = shapeOf(source);
    if (!shape)
      return no(op, "has an operand of unknown shape");
    const Sizes same = *shape;
    shapes_[result] = same;
    return true;
  };
  const auto slice = [&](auto typed) {
    slices_ = true;
    llvm::SmallVector<OpFoldResult, 4> kept;
    const llvm::SmallBitVector dropped = typed.getDroppedDims();
    for (auto [index, size] : llvm::enumerate(typed.getMixedSizes()))
      if (!dropped.test(index))
        kept.push_back(size);
    return setSliceShape(op, kept);
  };
  return llvm::TypeSwitch<mlir::Operation *, bool>(&op)
      .Case<scf::ForOp, scf::ForallOp, scf::ParallelOp>([&](auto) { return collectLoop(op); })
      .Case<scf::YieldOp, scf::InParallelOp, scf::ReduceOp>([](auto) { return true; })
      .Case<tensor::ExtractSliceOp, memref::SubViewOp>(slice)
      .Case(
          [&](tensor::InsertSliceOp typed) { return sameShape(op.getResult(0), typed.getDest()); })
      .Case<tensor::CastOp, memref::CastOp>(
          [&](auto typed) { return sameShape(op.getResult(0), typed.getSource()); })
      .Case([&](tensor::EmptyOp typed) { return setSliceShape(op, typed.getMixedSizes()); })
      .Case<tensor::DimOp, memref::DimOp>([&](auto typed) {
        const auto index = importer_.number(OpFoldResult(typed.getIndex()));
        const Sizes *shape = shapeOf(typed.getSource());
        if (!index || !shape || *index < 0 || static_cast<size_t>(*index) >= shape->size())
          return no(op, "asks for a dimension that is not known");
        importer_.numbers_[op.getResult(0)] = (*shape)[static_cast<size_t>(*index)];
        return true;
      })
      .Case([&](linalg::LinalgOp typed) {
        if (ops_.size() == kMostOps)
          return no(op, "is one of more than " + llvm::Twine(kMostOps) + " in the loops");
        indices_[&op] = static_cast<int>(ops_.size());
        ops_.push_back({typed, around_, {}, {}, {}, {}, {}, 1, 0, -1, false});
        for (auto [index, result] : llvm::enumerate(op.getResults()))
          if (!sameShape(result, typed.getDpsInits()[index]))
            return false;
        return true;
      })
      .Default([&](mlir::Operation *other) {
        if (other->getNumRegions() > 0 || llvm::any_of(other->getOperands(), isShaped) ||
            llvm::any_of(other->getResults(), isShaped) || !mlir::isPure(other))
          return no(op, "is no op that tiling makes");
        importer_.evaluate(op);
        for (Value result : op.getResults())
          for (Value operand : op.getOperands())
            addUnique(depends_[result], variablesOf(operand));
        return true;
      });
}

bool TiledLoops::match() {
  if (!collectLoop(*outer_))
    return false;
  if (ops_.empty() || !slices_)
    return no(*outer_, "has no op on slices");
  for (Tiled &tiled : ops_) {
    if (tiled.op.getNumDpsInits() != 1)
      return no(*tiled.op, "has several results");
    tiled.operands.resize(tiled.op->getNumOperands());
    for (mlir::OpOperand &operand : tiled.op->getOpOperands())
      if (!resolve(tiled, operand, tiled.operands[operand.getOperandNumber()]))
        return false;
    tiled.local =
        isStart(tiled) && tiled.operands[tiled.op.getDpsInitOperand(0)->getOperandNumber()].made;
    if (tiled.local)
      continue; // as large as whoever adds to it needs
    if (!fitTogether(tiled) || !findSplit(tiled) || !setAgain(tiled))
      return false;
  }
  return checkResults();
}

} // namespace mansard::ir
