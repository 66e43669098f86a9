// The kernels of tiled loops: each op once on whole tensors, with the schedule that the cuts state;
// what one loop body does around a product goes into the product's kernel.
#include "LinalgRecognisers.h"
#include "LinalgTiling.h"

#include "../Lowering/Fuse.h"

#include <llvm/ADT/STLExtras.h>

namespace mansard::ir {

using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;
using mlir::Value;
using mlir::utils::IteratorType;

namespace {

int64_t elementsOf(Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getNumElements();
}

/// Keeps values that a rewrite replaces up to date.
struct Tracker : mlir::RewriterBase::Listener {
  explicit Tracker(std::vector<Tensor> &values) : tracked(values) {}
  void notifyOperationReplaced(mlir::Operation *op, mlir::ValueRange by) override {
    for (auto [was, is] : llvm::zip(op->getResults(), by))
      for (Tensor &tensor : tracked)
        if (tensor.value == was)
          tensor.value = is;
  }
  std::vector<Tensor> &tracked;
};

/// A product that reads `op`'s input in place of what `op` makes of it, element by element, as it
/// loads it; false where that would change what is multiplied.
bool readThrough(mlir::Operation *op, MatmulOp product) {
  if (op->getNumResults() != 1 || !op->getResult(0).hasOneUse())
    return false;
  const Value made = op->getResult(0);
  const auto type = llvm::cast<mlir::RankedTensorType>(made.getType());
  Value source;
  int64_t scales = 0;
  for (Value input : op->getOperands()) {
    const auto shape = llvm::cast<mlir::RankedTensorType>(input.getType()).getShape();
    if (shape == type.getShape() && !source)
      source = input;
    else if (elementsOf(input) * 8 <= type.getNumElements())
      scales = std::max(scales, elementsOf(input));
    else
      return false;
  }
  if (!source)
    return false;
  if (product.getLhs() == made && source.getType() == made.getType()) {
    product.getLhsMutable().set(source);
  } else if (product.getRhs() == made) {
    product.getRhsMutable().set(source);
    if (scales > 0)
      product.setScaling(scales == 1                    ? Scaling::tensor
                         : scales <= type.getDimSize(1) ? Scaling::channel
                                                        : Scaling::group);
  } else {
    return false;
  }
  op->erase();
  return true;
}

/// What `op`, work on each element of a product, asks of the product's epilogue.
struct Epilogue {
  Value bias, residual;
  Activation activation = Activation::none;
};

/// Nothing, and why, where an epilogue cannot do it.
std::optional<Epilogue> epilogueOf(CustomOp op, MatmulOp matmul, std::string &why) {
  const Value product = matmul.getResult();
  const auto type = llvm::cast<mlir::RankedTensorType>(product.getType());
  Epilogue e{matmul.getBias(), matmul.getResidual(), matmul.getActivation()};
  const Value made = op.getOutputs()[0];
  if (llvm::cast<mlir::RankedTensorType>(made.getType()).getShape() != type.getShape())
    return why = "its result has another shape than the product", std::nullopt;
  if (!product.hasOneUse())
    return why = "the product is needed by another op, too", std::nullopt;
  for (Value input : op.getInputs()) {
    if (input == product)
      continue;
    if (llvm::cast<mlir::RankedTensorType>(input.getType()).getShape() == type.getShape() &&
        !e.residual)
      e.residual = input;
    else if (elementsOf(input) == type.getDimSize(1) && !e.bias)
      e.bias = input;
    else if (elementsOf(input) > type.getDimSize(0) + type.getDimSize(1))
      return why = "it reads more tensors than an epilogue", std::nullopt;
  }
  if (const auto special = op->getAttrOfType<mlir::FloatAttr>("special_operations");
      special && special.getValueAsDouble() > 0)
    e.activation = Activation::gelu;
  return e;
}

} // namespace

FailureOr<NestOperand> TiledLoops::operandOf(const Tiled &tiled, unsigned index) {
  mlir::linalg::LinalgOp op = tiled.op;
  mlir::OpOperand &operand = op->getOpOperand(index);
  const mlir::AffineMap map = op.getMatchingIndexingMap(&operand);
  const auto loops = static_cast<unsigned>(tiled.sizes.size());
  const Source &source = tiled.operands[index];
  mlir::MLIRContext *context = op.getContext();
  if (!source.root) // a scalar
    return NestOperand{Value(),
                       {},
                       operand.get().getType(),
                       mlir::AffineMap::get(loops, 0, map.getResults(), context),
                       Content::data};
  const bool isOutput = op.isDpsInit(&operand);
  const mlir::Type element = llvm::cast<mlir::ShapedType>(operand.get().getType()).getElementType();
  Tensor held;
  if (source.made) {
    Emitter out = importer_.emitter(*op);
    held = {importer_.builder_.create<ViewOp>(op.getLoc(), out.type(tiled.out, element),
                                              ViewKind::zeros, mlir::ValueRange(), 1),
            tiled.out, element, source.start ? Content::constant : Content::undefined};
  } else if (source.producer >= 0) {
    held = values_[static_cast<size_t>(source.producer)];
  } else if (isOutput && tiled.split > 0) {
    // Where the parts are added up in the end.
    const FailureOr<Tensor> sum = importer_.tensorOf(*outer_, finalSum().getDpsInits()[0]);
    if (failed(sum))
      return failure();
    held = *sum;
  } else {
    const FailureOr<Tensor> outside = importer_.tensorOf(*op, source.root);
    if (failed(outside))
      return failure();
    held = *outside;
  }
  llvm::SmallVector<mlir::AffineExpr, 4> picked;
  for (auto [position, dim] : llvm::enumerate(source.dims)) {
    if (dim.place >= 0) {
      picked.push_back(map.getResult(static_cast<unsigned>(dim.place)));
    } else if (isOutput && tiled.split > 0 && static_cast<int>(position) == tiled.splitDim) {
      continue;
    } else if (dim.picked.empty()) {
      picked.push_back(mlir::getAffineConstantExpr(0, context));
    } else {
      const auto place = llvm::find(tiled.picks, dim.picked[0]) - tiled.picks.begin();
      picked.push_back(
          mlir::getAffineDimExpr(op.getNumLoops() + static_cast<unsigned>(place), context));
    }
  }
  return NestOperand{held.value,
                     {held.shape.begin(), held.shape.end()},
                     element,
                     mlir::AffineMap::get(loops, 0, picked, context),
                     held.content};
}

/// Of the result the outermost cuts, where the loops cut it; of the inner dimension the first that
/// is no split. A dimension of the result that is not cut is a core's as a whole.
void TiledLoops::setTile(const Tiled &tiled, LoopNest &nest) {
  bool cutsResult = false;
  for (auto [loop, cuts] : llvm::enumerate(tiled.cuts))
    cutsResult |= nest.iterators[loop] == IteratorType::parallel && !cuts.empty();
  if (!cutsResult && tiled.split == 0)
    return;
  std::string further;
  nest.tile.assign(nest.sizes.size(), 1); // loops that pick: one at a time
  for (auto [loop, cuts] : llvm::enumerate(tiled.cuts)) {
    const bool inner = nest.iterators[loop] == IteratorType::reduction;
    nest.tile[loop] = !cuts.empty() ? cuts[0].size : inner ? 0 : nest.sizes[loop];
    for (const Cut &cut : llvm::ArrayRef(cuts).drop_front(cuts.empty() ? 0 : 1))
      further += " d" + std::to_string(loop) + " by " + std::to_string(cut.size);
  }
  nest.split = std::max<int64_t>(tiled.split, 1);
  mlir::linalg::LinalgOp op = tiled.op;
  if (!further.empty() && op.getNumReductionLoops() > 0)
    mlir::emitRemark(op->getLoc())
        << "cuts inside of a core's tile are its registers' business and not priced:" << further;
}

/// What is seen behind the loops: their results, and what buffers hold in the end.
std::vector<bool> TiledLoops::keptValues() const {
  std::vector<bool> kept(ops_.size());
  for (mlir::OpResult result : outer_->getResults())
    kept[static_cast<size_t>(producerOf(carriedTo(result)))] = true;
  llvm::DenseSet<Value> written;
  for (size_t i = ops_.size(); i-- > 0;) {
    mlir::linalg::LinalgOp op = ops_[i].op;
    const Source &into = ops_[i].operands[op.getDpsInitOperand(0)->getOperandNumber()];
    if (!op->getNumResults() && into.root && !into.made)
      kept[i] = written.insert(importer_.rootOf(into.root)).second;
  }
  return kept;
}

/// Work of the same loop body on the product's operands and result is no kernel of its own.
void TiledLoops::fold(mlir::Block &block, mlir::Operation *before) {
  const std::vector<bool> kept = keptValues();
  const auto isKept = [&](Value value) {
    for (size_t i = 0; i < values_.size(); ++i)
      if (kept[i] && values_[i].value == value)
        return true;
    return false;
  };
  const auto stays = [](mlir::Operation *op, llvm::StringRef why) {
    mlir::emitRemark(op->getLoc()) << "stays a kernel of its own beside the tiled product: " << why;
  };
  MatmulOp product;
  int products = 0;
  llvm::SmallVector<mlir::Operation *, 8> earlier, others;
  for (mlir::Operation &op :
       llvm::make_range(before ? std::next(before->getIterator()) : block.begin(), block.end())) {
    if (auto matmul = llvm::dyn_cast<MatmulOp>(op)) {
      product = matmul;
      ++products;
    } else if (!llvm::isa<ViewOp>(op)) {
      (product ? others : earlier).push_back(&op);
    }
  }
  if (!product)
    return;
  if (products > 1)
    mlir::emitRemark(outer_->getLoc())
        << "'" << outer_->getName() << "' holds " << products
        << " products; each is priced as a kernel of its own, with what lies between in memory";
  for (mlir::Operation *op : llvm::reverse(earlier))
    if (isKept(op->getResult(0)) || !readThrough(op, product))
      stays(op, "the product cannot read through it");
  Tracker tracker(values_);
  mlir::IRRewriter rewriter(importer_.builder_.getContext(), &tracker);
  for (mlir::Operation *op : others) {
    MatmulOp own;
    for (Value input : op->getOperands())
      if (auto maker = input.getDefiningOp<MatmulOp>())
        own = maker;
    std::string why = "an epilogue cannot do it";
    if (own && isKept(own.getResult())) {
      why = "the product is seen behind the loops, too";
    } else if (auto known = llvm::dyn_cast<ElementwiseOp>(op)) {
      const Fusion fusion = fuseIntoMatmul(known, rewriter, false, false);
      if (fusion.kind == Fusion::Kind::fused)
        continue;
      if (fusion.kind == Fusion::Kind::refused)
        why = fusion.why;
    } else if (auto custom = llvm::dyn_cast<CustomOp>(op);
               own && custom && custom.getOutputs().size() == 1) {
      if (const auto e = epilogueOf(custom, own, why)) {
        rewriter.setInsertionPoint(op);
        auto fused = rewriter.create<MatmulOp>(
            own.getLoc(), custom.getOutputs()[0].getType(), own.getLabelAttr(), own.getLhs(),
            own.getRhs(), e->bias, e->residual, e->activation, own.getScaling(), own.getTileAttr());
        rewriter.replaceOp(op, fused.getResult());
        rewriter.eraseOp(own);
        continue;
      }
    }
    stays(op, why);
  }
}

LogicalResult TiledLoops::emit() {
  mlir::Block &block = *importer_.builder_.getInsertionBlock();
  mlir::Operation *before = block.empty() ? nullptr : &block.back();
  for (Tiled &tiled : ops_) {
    if (tiled.local) {
      values_.emplace_back();
      continue;
    }
    mlir::linalg::LinalgOp op = tiled.op;
    LoopNest nest;
    nest.label = importer_.labelFor(*op);
    nest.iterators = llvm::SmallVector<IteratorType, 6>(op.getIteratorTypesArray());
    for (Value pick : tiled.picks) {
      if (tiled.split > 0)
        break; // that loop is in the inner dimension already
      nest.iterators.push_back(IteratorType::parallel);
      tiled.sizes.push_back(turns_.lookup(pick));
    }
    nest.sizes.assign(tiled.sizes.begin(), tiled.sizes.end());
    nest.body = op.getBlock();
    for (mlir::OpOperand &operand : op->getOpOperands()) {
      FailureOr<NestOperand> made = operandOf(tiled, operand.getOperandNumber());
      if (failed(made))
        return failure();
      (op.isDpsInit(&operand) ? nest.outputs : nest.inputs).push_back(std::move(*made));
    }
    const NestOperand &output = nest.outputs[0];
    Emitter out = importer_.emitter(*op);
    Tensor made{output.value, Sizes(output.shape), output.element, Content::constant};
    if (!isStart(tiled)) {
      setTile(tiled, nest);
      made.value = emitNest(out, nest)[0];
      made.content = Content::data;
      if (tiled.again > 1)
        out.note(nest.label + " is computed once for each of " + std::to_string(tiled.again) +
                 " tiles that need it, and priced once");
    }
    const Source &into = tiled.operands[op.getDpsInitOperand(0)->getOperandNumber()];
    if (!op->getNumResults() && into.root && !into.made) // a buffer
      importer_.store(into.root, Value(), made);
    values_.push_back(std::move(made));
  }
  fold(block, before);
  for (mlir::OpResult result : outer_->getResults()) {
    const auto producer = static_cast<size_t>(producerOf(carriedTo(result)));
    const Tensor &made = values_[producer];
    const Tiled &tiled = ops_[producer];
    importer_.define(result, made);
    if (tiled.split > 0) {
      mlir::linalg::LinalgOp sum = finalSum();
      importer_.define(sum->getResult(0), made);
      importer_.finished_.insert(sum);
    }
  }
  // A buffer's last value may have been replaced by a fusion.
  for (auto [tiled, made] : llvm::zip(ops_, values_)) {
    const Source &into = tiled.operands[tiled.op.getDpsInitOperand(0)->getOperandNumber()];
    if (!tiled.op->getNumResults() && into.root && !into.made)
      importer_.tensors_[importer_.rootOf(into.root)].value = made.value;
  }
  return success();
}

} // namespace mansard::ir
