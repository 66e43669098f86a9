// The walk itself: functions, calls and which op is whose business.
#include "LinalgImporter.h"
#include "LinalgTiling.h"

#include <mlir/Dialect/Affine/IR/AffineOps.h>
#include <mlir/Dialect/Arith/IR/Arith.h>
#include <mlir/Dialect/Bufferization/IR/Bufferization.h>
#include <mlir/Dialect/Math/IR/Math.h>
#include <mlir/Dialect/MemRef/IR/MemRef.h>
#include <mlir/Dialect/Tensor/IR/Tensor.h>
#include <mlir/IR/IRMapping.h>

#include <llvm/ADT/TypeSwitch.h>
#include <llvm/Support/FormatVariadic.h>

namespace mansard::ir {

using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;
using mlir::Value;

namespace {

/// Calls may unfold into more work than anybody meant.
constexpr int64_t kMostOps = 2'000'000;
constexpr size_t kDeepestCall = 64; // each level is one of recursion here

/// The line of the file that `location` is of; 0 if it is of none.
unsigned lineOf(mlir::Location location) {
  if (auto place = llvm::dyn_cast<mlir::FileLineColLoc>(location))
    return place.getLine();
  if (auto call = llvm::dyn_cast<mlir::CallSiteLoc>(location))
    return lineOf(call.getCallee());
  if (auto fused = llvm::dyn_cast<mlir::FusedLoc>(location))
    for (mlir::Location part : fused.getLocations())
      if (const unsigned line = lineOf(part))
        return line;
  return 0;
}

} // namespace

LinalgImporter::LinalgImporter(mlir::ModuleOp module, const LinalgOptions &options)
    : module_(module), options_(options), builder_(module.getContext()) {}

std::string LinalgImporter::labelFor(mlir::Operation &op) const {
  if (auto name = llvm::dyn_cast<mlir::NameLoc>(op.getLoc()))
    return name.getName().str();
  std::string label = op.getName().stripDialect().str();
  if (const unsigned line = lineOf(op.getLoc()))
    label += ":" + std::to_string(line);
  return label;
}

Emitter LinalgImporter::emitter(mlir::Operation &op) { return {builder_, op.getLoc(), step_}; }

mlir::InFlightDiagnostic LinalgImporter::fail(mlir::Operation &op) const {
  return mlir::emitError(op.getLoc()) << "'" << op.getName().getStringRef() << "' ";
}

// ---- tensors

Value LinalgImporter::rootOf(Value buffer) const {
  const auto alias = aliases_.find(buffer);
  return alias == aliases_.end() ? buffer : alias->second.root;
}

const Sizes *LinalgImporter::knownShape(Value value) const {
  if (const auto alias = aliases_.find(value); alias != aliases_.end())
    return &alias->second.shape;
  const auto tensor = tensors_.find(value);
  return tensor == tensors_.end() ? nullptr : &tensor->second.shape;
}

FailureOr<Tensor> LinalgImporter::tensorOf(mlir::Operation &op, Value value) {
  const auto found = tensors_.find(rootOf(value));
  if (found == tensors_.end())
    return fail(op) << "uses a value of type " << value.getType()
                    << " that no op of the kinds known here has made";
  Tensor tensor = found->second;
  if (const auto alias = aliases_.find(value); alias != aliases_.end()) {
    tensor.shape = alias->second.shape;
    tensor.value = emitter(op).reshape(tensor.value, tensor.shape, true);
  }
  return tensor;
}

void LinalgImporter::store(Value target, Value result, Tensor made) {
  if (result) {
    define(result, std::move(made));
    return;
  }
  const Value root = rootOf(target);
  Tensor &held = tensors_[root];
  writes_.push_back({root, held});
  // A part that is written leaves the rest as it was.
  if (root == target)
    held = std::move(made);
  else
    held.content = Content::data;
}

// ---- functions

FailureOr<mlir::func::FuncOp> LinalgImporter::run(mlir::func::FuncOp entry) {
  builder_.setInsertionPointToEnd(module_.getBody());
  step_ = builder_.create<mlir::func::FuncOp>(entry.getLoc(), entry.getName(),
                                              builder_.getFunctionType({}, {}));
  for (mlir::NamedAttribute attribute : entry->getDiscardableAttrs())
    step_->setAttr(attribute.getName(), attribute.getValue());
  builder_.setInsertionPointToStart(step_.addEntryBlock());
  calls_.push_back(entry);
  if (readArguments(entry).failed() || walk(entry.getBody().front()).failed())
    return failure();
  // Buffers that came in and were written go out.
  llvm::SmallVector<Value, 4> results;
  mlir::Operation *last = entry.getBody().front().getTerminator();
  for (Value value : last->getOperands())
    if (isShaped(value)) {
      const FailureOr<Tensor> tensor = tensorOf(*last, value);
      if (failed(tensor))
        return failure();
      results.push_back(tensor->value);
    }
  for (Value argument : entry.getArguments())
    if (isBuffer(argument) &&
        llvm::any_of(writes_, [&](const Write &write) { return write.root == argument; }))
      results.push_back(tensors_[argument].value);
  builder_.create<mlir::func::ReturnOp>(last->getLoc(), results);
  step_.setFunctionType(builder_.getFunctionType(step_.getBody().front().getArgumentTypes(),
                                                 mlir::ValueRange(results).getTypes()));
  return step_;
}

LogicalResult LinalgImporter::visitCall(mlir::func::CallOp op) {
  auto callee = symbols_.lookupNearestSymbolFrom<mlir::func::FuncOp>(op, op.getCalleeAttr());
  if (!callee || callee.isExternal())
    return fail(*op) << "calls @" << op.getCallee()
                     << ", which has no body in this module; define it, or price it apart";
  if (llvm::is_contained(calls_, callee))
    return fail(*op) << "calls @" << op.getCallee()
                     << ", which is being called already; how often it would call itself is not "
                        "known, write it as an scf.for with constant bounds";
  if (calls_.size() > kDeepestCall)
    return fail(*op) << "is more than " << kDeepestCall << " calls deep; inline some of them";
  if (!callee.getBody().hasOneBlock())
    return fail(*op) << "calls @" << op.getCallee()
                     << ", which has several blocks; control flow is that of scf";
  for (auto [argument, operand] : llvm::zip(callee.getArguments(), op.getOperands())) {
    if (isBuffer(operand)) {
      const Sizes *shape = knownShape(operand);
      if (!shape)
        return (void)tensorOf(*op, operand), failure();
      aliases_[argument] = {rootOf(operand), *shape};
    } else if (isShaped(operand)) {
      const FailureOr<Tensor> tensor = tensorOf(*op, operand);
      if (failed(tensor))
        return failure();
      define(argument, *tensor);
    } else if (const auto known = number(operand)) {
      numbers_[argument] = *known;
    } else {
      numbers_.erase(argument);
    }
  }
  calls_.push_back(callee);
  const LogicalResult walked = walk(callee.getBody().front());
  calls_.pop_back();
  if (walked.failed())
    return failure();
  mlir::Operation *last = callee.getBody().front().getTerminator();
  for (auto [result, value] : llvm::zip(op.getResults(), last->getOperands())) {
    if (isBuffer(value)) {
      if (const Sizes *shape = knownShape(value))
        aliases_[result] = {rootOf(value), *shape};
    } else if (isShaped(value)) {
      const FailureOr<Tensor> tensor = tensorOf(*last, value);
      if (failed(tensor))
        return failure();
      define(result, *tensor);
    } else if (const auto known = number(value)) {
      numbers_[result] = *known;
    }
  }
  return success();
}

/// An op of the mansard dialect among the others.
LogicalResult LinalgImporter::visitOwn(mlir::Operation &op) {
  if (auto loop = llvm::dyn_cast<RepeatOp>(op)) {
    mlir::Block &body = loop.getBody().front();
    return repeat(op, static_cast<int64_t>(loop.getCount()), body, body.getArguments(),
                  loop.getInits(), body.getTerminator()->getOperands(), loop.getOutputs());
  }
  if (op.getNumRegions() > 0)
    return fail(op) << "may not be in a module that also has linalg ops; only mansard.repeat may";
  mlir::IRMapping mapping;
  for (Value operand : op.getOperands()) {
    const FailureOr<Tensor> tensor = tensorOf(op, operand);
    if (failed(tensor))
      return failure();
    mapping.map(operand, tensor->value);
  }
  mlir::Operation *copy = builder_.clone(op, mapping);
  for (auto [result, made] : llvm::zip(op.getResults(), copy->getResults())) {
    const auto type = llvm::cast<mlir::RankedTensorType>(result.getType());
    define(result, {made, Sizes(type.getShape()), type.getElementType(), Content::data});
  }
  return success();
}

// ---- ops

LogicalResult LinalgImporter::walk(mlir::Block &block) {
  for (mlir::Operation &op : block) {
    if (++visited_ > kMostOps)
      return fail(op) << "is beyond the " << kMostOps
                      << "th op that this module's calls unfold into; say repetition as scf.for";
    if (visit(op).failed())
      return failure();
  }
  return success();
}

LogicalResult LinalgImporter::visit(mlir::Operation &op) {
  if (finished_.contains(&op))
    return success();
  if (llvm::isa<MansardDialect>(op.getDialect()) && !llvm::isa<YieldOp>(op))
    return visitOwn(op);
  if (op.hasTrait<mlir::OpTrait::IsTerminator>()) {
    // What an scf.forall inserts is where its last op wrote.
    return success();
  }
  if (const auto done = visitTensorOp(op))
    return *done;
  if (const auto done = visitBufferOp(op))
    return *done;
  using Answer = LogicalResult;
  return llvm::TypeSwitch<mlir::Operation *, Answer>(&op)
      .Case<mlir::linalg::LinalgOp>([&](auto typed) { return visitStructured(typed); })
      .Case<mlir::linalg::SoftmaxOp>([&](auto typed) { return visitSoftmax(typed); })
      .Case<mlir::func::CallOp>([&](auto typed) { return visitCall(typed); })
      .Case<mlir::scf::ForOp>([&](auto typed) { return visitFor(typed); })
      .Case<mlir::scf::ForallOp>([&](auto typed) { return visitForall(typed); })
      .Case<mlir::scf::ParallelOp>([&](auto typed) { return visitParallel(typed); })
      .Case<mlir::scf::IfOp>([&](auto typed) { return visitIf(typed); })
      .Default([&](mlir::Operation *other) -> Answer {
        const llvm::StringRef dialect = other->getName().getDialectNamespace();
        const bool shaped = llvm::any_of(other->getResults(), isShaped);
        if (other->getNumRegions() == 0 &&
            (dialect == "arith" || dialect == "math" || dialect == "affine")) {
          if (shaped)
            return visitArithmetic(*other);
          evaluate(*other);
          return success();
        }
        return fail(*other) << "has no price here; known are the ops of linalg (named and "
                               "generic), tensor, memref, arith and math on tensors, func.call, "
                               "scf.for, scf.forall, scf.parallel and the mansard dialect. "
                               "Scalar code in loops is priced as LLVM IR";
      });
}

} // namespace mansard::ir
