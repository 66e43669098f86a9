// Tracing operands of ops in loops to the tensors that they are cut from, and whether the tiles
// cover these.
#include "LinalgTiling.h"

#include <mlir/Dialect/MemRef/IR/MemRef.h>
#include <mlir/Dialect/Tensor/IR/Tensor.h>

namespace mansard::ir {

using mlir::Value;
namespace linalg = mlir::linalg;
namespace memref = mlir::memref;
namespace scf = mlir::scf;
namespace tensor = mlir::tensor;

// ---- where operands come from

/// From the dimensions of a slice to those of what it is cut from.
template <typename Slice> bool TiledLoops::cut(Slice slice, Source &source) {
  const Sizes *whole = shapeOf(slice.getSource());
  const llvm::SmallBitVector dropped = slice.getDroppedDims();
  const auto offsets = slice.getMixedOffsets(), sizes = slice.getMixedSizes();
  if (!whole || whole->size() != offsets.size())
    return no(*slice, "cuts what is not known");
  llvm::SmallVector<Dimension, 4> dims;
  size_t next = 0;
  for (size_t i = 0; i < offsets.size(); ++i) {
    if (importer_.number(slice.getMixedStrides()[i]) != 1)
      return no(*slice, "skips elements");
    const Variables by = variablesOf(offsets[i]);
    if (dropped.test(i)) {
      dims.push_back({-1, {}, by});
      continue;
    }
    Dimension dim = source.dims[next++];
    const auto size = importer_.number(sizes[i]);
    if (!size)
      return no(*slice, "has a size that is not known");
    if (!by.empty())
      dim.cuts.insert(dim.cuts.begin(), {by, *size});
    else if (*size != (*whole)[i])
      return no(*slice, "takes the same part in every turn");
    dims.push_back(std::move(dim));
  }
  source.dims = std::move(dims);
  return true;
}

/// What a loop's last turn hands on as `result`; null if that is not known.
Value TiledLoops::carriedTo(mlir::OpResult result) const {
  if (auto loop = llvm::dyn_cast<scf::ForOp>(result.getOwner()))
    return loop.getYieldedValues()[result.getResultNumber()];
  if (auto all = llvm::dyn_cast<scf::ForallOp>(result.getOwner()))
    for (mlir::Operation &inserted : all.getTerminator().getYieldingOps())
      if (auto parallel = llvm::dyn_cast<tensor::ParallelInsertSliceOp>(inserted))
        if (parallel.getDest() == all.getRegionIterArgs()[result.getResultNumber()])
          return parallel.getSource();
  return {};
}

/// The op inside whose result `value` is, through insertions into what the loops carry.
int TiledLoops::producerOf(Value value) const {
  while (value && isInside(value)) {
    mlir::Operation *op = value.getDefiningOp();
    if (!op)
      return -1;
    if (const auto found = indices_.find(op); found != indices_.end())
      return op->getNumResults() == 1 ? found->second : -1;
    const auto result = llvm::cast<mlir::OpResult>(value);
    if (auto insert = llvm::dyn_cast<tensor::InsertSliceOp>(op)) {
      value = insert.getSource();
    } else if (auto cast = llvm::dyn_cast<tensor::CastOp>(op)) {
      value = cast.getSource();
    } else {
      value = carriedTo(result);
    }
  }
  return -1;
}

bool TiledLoops::resolve(Tiled &tiled, mlir::OpOperand &operand, Source &source) {
  mlir::Operation &user = *tiled.op;
  Value value = operand.get();
  if (!isShaped(value))
    return true; // a scalar
  const Sizes *shape = shapeOf(value);
  if (!shape)
    return no(user, "has an operand of unknown shape");
  for (size_t i = 0; i < shape->size(); ++i)
    source.dims.push_back({static_cast<int>(i), {}, {}});
  const bool init = tiled.op.isDpsInit(&operand);
  while (isInside(value)) {
    mlir::Operation *op = value.getDefiningOp();
    if (!op) {
      auto argument = llvm::cast<mlir::BlockArgument>(value);
      if (!init)
        return no(user, "reads what an earlier turn of the loop wrote");
      mlir::Operation *loop = argument.getOwner()->getParentOp();
      if (auto one = llvm::dyn_cast<scf::ForOp>(loop)) {
        value = one.getTiedLoopInit(argument)->get();
      } else {
        value = llvm::cast<scf::ForallOp>(loop).getTiedOpOperand(argument)->get();
      }
    } else if (auto slice = llvm::dyn_cast<tensor::ExtractSliceOp>(op)) {
      if (!cut(slice, source))
        return false;
      value = slice.getSource();
    } else if (auto view = llvm::dyn_cast<memref::SubViewOp>(op)) {
      if (!cut(view, source))
        return false;
      value = view.getSource();
    } else if (llvm::isa<tensor::CastOp, memref::CastOp>(op)) {
      value = op->getOperand(0);
    } else if (llvm::isa<tensor::EmptyOp>(op)) {
      source.made = true;
      source.root = value;
      return true;
    } else {
      source.producer = producerOf(value);
      if (source.producer < 0 || source.producer >= indices_.lookup(&user))
        return no(user, "has an operand that no op in the loops makes");
      if (ops_[static_cast<size_t>(source.producer)].local) {
        source.made = source.start = true;
        source.producer = -1;
      }
      source.root = value;
      return true;
    }
  }
  if (!importer_.knownShape(value))
    return no(user, "has an operand of unknown shape");
  source.root = value;
  return true;
}

// ---- whether it covers the whole

bool TiledLoops::covers(Tiled &tiled, int64_t whole, llvm::ArrayRef<Cut> cuts) {
  double rest = static_cast<double>(whole);
  for (const Cut &cut : cuts) {
    double turns = 1;
    for (Value variable : cut.by)
      turns *= static_cast<double>(turns_.lookup(variable));
    const double size = static_cast<double>(cut.size);
    if (turns * size < rest || (turns - 1) * size >= rest)
      return no(*tiled.op, "works on parts of " + llvm::Twine(cut.size) + " of " +
                               llvm::Twine(static_cast<int64_t>(rest)) + ", and " +
                               llvm::Twine(static_cast<int64_t>(turns)) +
                               " turns do not cover them once");
    rest = size;
  }
  return true;
}

bool TiledLoops::fitTogether(Tiled &tiled) {
  constexpr int64_t kUnknown = -1;
  tiled.sizes.assign(tiled.op.getNumLoops(), kUnknown);
  tiled.cuts.resize(tiled.op.getNumLoops());
  for (mlir::OpOperand &operand : tiled.op->getOpOperands()) {
    Source &source = tiled.operands[operand.getOperandNumber()];
    if (!source.root || source.made)
      continue;
    const mlir::AffineMap map = tiled.op.getMatchingIndexingMap(&operand);
    const Sizes *whole = source.producer < 0 ? importer_.knownShape(source.root)
                                             : &ops_[static_cast<size_t>(source.producer)].out;
    if (whole->size() != source.dims.size())
      return no(*tiled.op, "reads a result in another rank than it was made in");
    for (auto [size, dim] : llvm::zip(*whole, source.dims)) {
      if (dim.place < 0) {
        addUnique(tiled.picks, dim.picked);
        if (dim.picked.size() > 1)
          return no(*tiled.op, "picks an index by several loops");
        continue;
      }
      auto loop =
          llvm::dyn_cast<mlir::AffineDimExpr>(map.getResult(static_cast<unsigned>(dim.place)));
      if (!loop)
        continue; // a window: its loops are sized by other operands
      int64_t &known = tiled.sizes[loop.getPosition()];
      if (known != kUnknown && known != size)
        return no(*tiled.op, "has slices of tensors that do not fit together");
      known = size;
      if (dim.cuts.size() > tiled.cuts[loop.getPosition()].size())
        tiled.cuts[loop.getPosition()] = dim.cuts;
    }
  }
  for (auto [size, cuts] : llvm::zip(tiled.sizes, tiled.cuts))
    if (size == kUnknown)
      return no(*tiled.op, "has a loop that no operand from outside bounds");
    else if (!covers(tiled, size, cuts))
      return false;
  mlir::OpOperand &output = *tiled.op.getDpsInitOperand(0);
  const Source &source = tiled.operands[output.getOperandNumber()];
  if (!source.made && source.producer < 0) {
    tiled.out = *importer_.knownShape(source.root);
    return true;
  }
  for (mlir::AffineExpr expr : tiled.op.getMatchingIndexingMap(&output).getResults()) {
    auto loop = llvm::dyn_cast<mlir::AffineDimExpr>(expr);
    if (!loop)
      return no(*tiled.op, "writes elsewhere than one loop each says");
    tiled.out.push_back(tiled.sizes[loop.getPosition()]);
  }
  return true;
}

/// Whether the op writes a constant for others to add to.
bool TiledLoops::isStart(const Tiled &tiled) const {
  linalg::LinalgOp op = tiled.op;
  return llvm::isa<linalg::FillOp>(op.getOperation());
}

/// Loops around the op that none of its slices depends on make it compute the same again.
bool TiledLoops::setAgain(Tiled &tiled) {
  Variables used(tiled.picks);
  for (const auto &cuts : tiled.cuts)
    for (const Cut &cut : cuts)
      addUnique(used, cut.by);
  for (const Source &source : tiled.operands) // windows
    for (const Dimension &dim : source.dims)
      for (const Cut &cut : dim.cuts)
        addUnique(used, cut.by);
  for (Value variable : tiled.around)
    if (!llvm::is_contained(used, variable))
      tiled.again *= turns_.lookup(variable);
  mlir::OpOperand *output = tiled.op.getDpsInitOperand(0);
  const Source &out = tiled.operands[output->getOperandNumber()];
  const bool adds = tiled.op.payloadUsesValueFromOperand(output);
  if (tiled.again > 1 && adds && !out.made && !isStart(tiled))
    return no(*tiled.op, "does the same in " + llvm::Twine(tiled.again) + " turns");
  return true;
}

/// A loop that cuts the inner dimension and also picks where the sum goes.
bool TiledLoops::findSplit(Tiled &tiled) {
  mlir::OpOperand &output = *tiled.op.getDpsInitOperand(0);
  const Source &source = tiled.operands[output.getOperandNumber()];
  for (auto [index, dim] : llvm::enumerate(source.dims)) {
    if (dim.place >= 0 || dim.picked.empty())
      continue;
    for (auto [loop, cuts] : llvm::enumerate(tiled.cuts))
      if (!cuts.empty() && cuts[0].by == dim.picked &&
          tiled.op.getIteratorTypesArray()[loop] == mlir::utils::IteratorType::reduction) {
        if (tiled.split != 0 || source.producer >= 0 || source.made)
          return no(*tiled.op, "splits two inner dimensions");
        tiled.split = turns_.lookup(dim.picked[0]);
        tiled.splitDim = static_cast<int>(index);
        cuts.erase(cuts.begin());
      }
  }
  return true;
}

/// The op behind the loops that adds up the parts of a split inner dimension; null if none does.
linalg::LinalgOp TiledLoops::finalSum() const {
  if (outer_->getNumResults() != 1 || !outer_->getResult(0).hasOneUse())
    return {};
  auto sum = llvm::dyn_cast<linalg::LinalgOp>(*outer_->getResult(0).getUsers().begin());
  if (!sum || sum.getNumDpsInputs() != 1 || sum.getNumDpsInits() != 1 ||
      sum.getNumReductionLoops() != 1 || sum->getNumResults() != 1 ||
      sum.getDpsInputs()[0] != outer_->getResult(0) || !importer_.knownShape(sum.getDpsInits()[0]))
    return {};
  return sum;
}

bool TiledLoops::checkResults() {
  for (mlir::OpResult result : outer_->getResults()) {
    const int producer = producerOf(carriedTo(result));
    if (producer < 0)
      return no(*outer_, "has a result that no op in the loops makes");
    const Tiled &tiled = ops_[static_cast<size_t>(producer)];
    if (tiled.out != *shapeOf(result))
      return no(*outer_, "has a result of another shape than the op that makes it");
    if (tiled.split > 0 && !finalSum())
      return no(*outer_, "splits an inner dimension, and no op behind it adds up the parts");
  }
  return true;
}

} // namespace mansard::ir
