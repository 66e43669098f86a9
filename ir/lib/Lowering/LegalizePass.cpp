// --mansard-legalize: what the target's matrix unit cannot multiply is multiplied in 16 bits.
//
// Activations that were quantised for it stay as they are, parameters stay stored narrow and are
// widened on the way to the matrix unit (what weight-only kernels do), so that memory and its
// traffic are still those of the narrow type. An 8-bit integer scheme does not fall to FP8 nor the
// other way round: the checkpoint's scales and zero points would not carry over.
#include <Lowering/Attributes.h>
#include <Lowering/Passes.h>

#include <IR/Mansard.h>

#include <mlir/Dialect/Func/IR/FuncOps.h>

#include <llvm/ADT/TypeSwitch.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <set>

namespace mansard::ir {
namespace {

bool isParameter(mlir::Value value) {
  while (auto view = value.getDefiningOp<ViewOp>())
    if (view.getInputs().size() == 1)
      value = view.getInputs()[0];
    else
      return false;
  return value.getDefiningOp<WeightOp>() != nullptr;
}

bool isCache(mlir::Value value) {
  if (value.getDefiningOp<KvCacheOp>())
    return true;
  if (auto scatter = value.getDefiningOp<ScatterOp>())
    return scatter.getInto() != nullptr;
  if (auto rope = value.getDefiningOp<RopeOp>())
    return rope.getCacheResult() == value;
  return false;
}

class LegalizePass
    : public mlir::PassWrapper<LegalizePass, mlir::OperationPass<mlir::func::FuncOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LegalizePass)

  LegalizePass() = default;
  explicit LegalizePass(work::Capabilities target) : target_(std::move(target)), given_(true) {}
  LegalizePass(const LegalizePass &other)
      : PassWrapper(other), target_(other.target_), given_(other.given_) {}

  llvm::StringRef getArgument() const override { return "mansard-legalize"; }
  llvm::StringRef getDescription() const override {
    return "Widen what the target's matrix unit cannot multiply, and say so";
  }

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    if ((!given_ && readOptions().failed()) || choosePlain().failed())
      return signalPassFailure();
    if (target_.target.empty())
      target_.target = "the target";
    bool halves = false, brains = false;
    getOperation().walk([&](mlir::Operation *op) {
      for (mlir::Type type : op->getResultTypes())
        if (auto tensor = llvm::dyn_cast<mlir::RankedTensorType>(type)) {
          halves |= tensor.getElementType().isF16();
          brains |= tensor.getElementType().isBF16();
        }
    });
    moduleIsHalf_ = halves && !brains;
    getOperation().walk([&](mlir::Operation *op) {
      for (mlir::Region &region : op->getRegions())
        for (mlir::Block &block : region)
          for (mlir::Value argument : block.getArguments())
            widen(argument);
      for (mlir::Value result : op->getResults())
        widen(result);
    });
    // What is not narrowed any more has no scales either.
    const auto dropScaling = [](auto op) {
      if (mansard::bytesOf(codeOf(op->getResult(0))) >= 2)
        op.setScaling(Scaling::none);
    };
    getOperation().walk([&](mlir::Operation *op) {
      llvm::TypeSwitch<mlir::Operation *>(op).Case<NormOp, ElementwiseOp, DispatchOp>(dropScaling);
    });
    getOperation().walk([&](QuantizeOp op) {
      if (op.getInput().getType() == op.getResult().getType()) {
        op.getResult().replaceAllUsesWith(op.getInput());
        op.erase();
      }
    });
    if (narrowWide().failed())
      return signalPassFailure();
    getOperation().setFunctionType(mlir::FunctionType::get(
        &getContext(), getOperation().getBody().front().getArgumentTypes(),
        getOperation().getBody().front().getTerminator()->getOperandTypes()));
    report();
  }

private:
  static std::vector<std::string_view> names() {
    std::vector<std::string_view> result;
    for (const DTypeInfo &type : kDTypes)
      result.push_back(type.name);
    return result;
  }

  mlir::LogicalResult readOptions() {
    for (const std::string &name : native) {
      const std::optional<DType> type = parseDType(name);
      if (!type)
        return mlir::emitError(getOperation().getLoc())
               << fmt::format("native={} is no data type; {} are", name, fmt::join(names(), " "));
      target_.matrix[static_cast<uint32_t>(*type)] = true;
    }
    return mlir::success();
  }

  mlir::LogicalResult choosePlain() {
    for (DType type : {DType::bf16, DType::fp16, DType::fp32})
      if (target_.has(type)) {
        plain_ = type;
        return mlir::success();
      }
    return getOperation().emitError()
           << "the matrix unit multiplies none of bf16, fp16 and fp32, which everything else could "
              "be widened to";
  }

  /// What `type` becomes as an activation.
  DType legal(DType type) const {
    switch (type) {
    case DType::bf16:
    case DType::fp16:
    case DType::fp8:
    case DType::mxfp8:
    case DType::int8:
    case DType::int4:
    case DType::nvfp4:
    case DType::mxfp4:
      return target_.has(type) ? type : sixteen(type);
    default:
      return type;
    }
  }

  /// The 16-bit type that stands in: the module's own if the target has it.
  DType sixteen(DType type) const {
    if (type != DType::fp16 && moduleIsHalf_ && target_.has(DType::fp16))
      return DType::fp16;
    return plain_;
  }

  void widen(mlir::Value value) {
    auto type = llvm::dyn_cast<mlir::RankedTensorType>(value.getType());
    if (!type)
      return;
    const std::optional<DType> from = dtypeOf(type.getElementType());
    if (!from)
      return;
    const bool stored = isParameter(value) || isCache(value);
    // Parameters in the 16-bit type that the target lacks are converted once, when they are loaded.
    if (stored && mansard::bytesOf(*from) < 2)
      return;
    const DType to = legal(*from);
    if (to == *from)
      return;
    value.setType(type.clone(typeOf(&getContext(), to)));
    if (!stored || mansard::bytesOf(*from) >= 2)
      ++changed_[{*from, to}];
  }

  /// Single precision is multiplied as TF32, which reads the same bits, or converted to 16 bits by
  /// a kernel of its own. Nothing stands in for double precision.
  mlir::LogicalResult narrowWide() {
    llvm::SmallVector<mlir::Operation *, 16> multiplying;
    getOperation().walk([&](mlir::Operation *op) {
      if (llvm::isa<MatmulOp, GroupedMatmulOp, AttentionOp, MlaOp, MoeOp>(op))
        multiplying.push_back(op);
    });
    for (mlir::Operation *op : multiplying) {
      const DType type = dtypeOf(op->getOperand(0));
      if (target_.has(type) || (type != DType::fp32 && type != DType::fp64))
        continue;
      if (type == DType::fp64)
        return op->emitError() << fmt::format("'{}' multiplies fp64, and {} has no such matrix "
                                              "unit nor one that stands in for "
                                              "it",
                                              labelOf(op).str(), target_.target);
      const DType to = target_.has(DType::tf32) ? DType::tf32 : plain_;
      // The left and the right operand, or the query and the cache.
      for (unsigned i = 0; i < std::min(2u, op->getNumOperands()); ++i)
        if (dtypeOf(op->getOperand(i)) == type)
          op->setOperand(i, narrowed(op, op->getOperand(i), to));
      wide_.insert(to);
    }
    for (DType to : wide_)
      addNote(getOperation(),
              to == DType::tf32
                  ? fmt::format("{} has no fp32 matrix unit: fp32 is multiplied as tf32",
                                target_.target)
                  : fmt::format("{} has no fp32 matrix unit: fp32 is converted to {} by kernels of "
                                "their own and multiplied so",
                                target_.target, nameOf(to)));
    return mlir::success();
  }

  mlir::Value narrowed(mlir::Operation *op, mlir::Value value, DType to) {
    mlir::OpBuilder builder(op);
    auto from = llvm::cast<mlir::RankedTensorType>(value.getType());
    const mlir::RankedTensorType type = from.clone(typeOf(&getContext(), to));
    if (to == DType::tf32)
      return builder.create<ViewOp>(op->getLoc(), type, ViewKind::bits, mlir::ValueRange{value}, 1);
    mlir::Value &made = converted_[value];
    if (made && made.getParentBlock() == op->getBlock() && made.getType() == type)
      return made;
    return made = builder.create<ElementwiseOp>(op->getLoc(), type, ElementwiseKind::copy,
                                                builder.getStringAttr(labelOf(op) + ".convert"),
                                                mlir::ValueRange{value}, Scaling::none);
  }

  void report() {
    for (const auto &[types, values] : changed_) {
      const auto [from, to] = types;
      const std::string note =
          mansard::bytesOf(from) < 2
              ? fmt::format(
                    "{} has no {} matrix unit: activations stay {}, {} parameters are widened "
                    "to it as they are multiplied",
                    target_.target, nameOf(from), nameOf(to), nameOf(from))
              : fmt::format("{} has no {} matrix unit: {} is used in its place", target_.target,
                            nameOf(from), nameOf(to));
      addNote(getOperation(), note);
    }
  }

  ListOption<std::string> native{*this, "native",
                                 llvm::cl::desc("Types that the matrix unit multiplies")};
  work::Capabilities target_;
  bool given_ = false;
  bool moduleIsHalf_ = false;
  DType plain_ = DType::bf16;
  std::map<std::pair<DType, DType>, int64_t> changed_;
  std::set<DType> wide_;
  llvm::DenseMap<mlir::Value, mlir::Value> converted_;
};

} // namespace

std::unique_ptr<mlir::Pass> createLegalizePass(work::Capabilities target) {
  return std::make_unique<LegalizePass>(std::move(target));
}

std::unique_ptr<mlir::Pass> createLegalizePass() { return std::make_unique<LegalizePass>(); }

} // namespace mansard::ir
