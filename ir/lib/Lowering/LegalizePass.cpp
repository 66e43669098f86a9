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
};

} // namespace

std::unique_ptr<mlir::Pass> createLegalizePass(work::Capabilities target) {
  return std::make_unique<LegalizePass>(std::move(target));
}

std::unique_ptr<mlir::Pass> createLegalizePass() { return std::make_unique<LegalizePass>(); }

} // namespace mansard::ir
