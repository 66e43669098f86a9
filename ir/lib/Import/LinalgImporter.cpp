// The walk itself: functions, calls, loops and which op is whose business.
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

bool isShaped(Value value) { return llvm::isa<mlir::ShapedType>(value.getType()); }
bool isBuffer(Value value) { return llvm::isa<mlir::BaseMemRefType>(value.getType()); }

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

// ---- loops

FailureOr<int64_t> LinalgImporter::turns(mlir::Operation &op, mlir::OpFoldResult from,
                                         mlir::OpFoldResult to, mlir::OpFoldResult step) {
  const auto low = number(from), high = number(to), stride = number(step);
  if (!low || !high || !stride) {
    const char *which = !low ? "a lower bound" : !high ? "an upper bound" : "a step";
    return fail(op) << "has " << which
                    << " that is known only at run time; it must follow from constants, static "
                       "shapes and what --dim gives";
  }
  if (*stride <= 0)
    return fail(op) << "has a step of " << *stride << "; it must be positive";
  if (*high <= *low)
    return int64_t{0};
  const double span = static_cast<double>(*high) - static_cast<double>(*low);
  if (span > 0x1p40)
    return fail(op) << "runs from " << *low << " to " << *high << "; at most 2^40 are possible";
  return (*high - *low + *stride - 1) / *stride;
}

LogicalResult LinalgImporter::repeat(mlir::Operation &op, int64_t count, mlir::Block &body,
                                     mlir::ValueRange arguments, mlir::ValueRange inits,
                                     mlir::ValueRange yields, mlir::ValueRange results) {
  llvm::SmallVector<Tensor, 4> carried;
  llvm::SmallVector<Value, 4> values;
  llvm::SmallVector<size_t, 4> positions;
  for (auto [index, init] : llvm::enumerate(inits)) {
    if (isBuffer(init)) {
      const Sizes *shape = knownShape(init);
      if (!shape)
        return (void)tensorOf(op, init), failure();
      aliases_[arguments[index]] = {rootOf(init), *shape};
      if (index < results.size())
        aliases_[results[index]] = {rootOf(init), *shape};
    } else if (isShaped(init)) {
      FailureOr<Tensor> tensor = tensorOf(op, init);
      if (failed(tensor))
        return failure();
      tensor->content = Content::data;
      values.push_back(tensor->value);
      carried.push_back(std::move(*tensor));
      positions.push_back(index);
    }
  }
  if (count == 0) {
    for (auto [position, tensor] : llvm::zip(positions, carried))
      if (position < results.size())
        define(results[position], tensor);
    return success();
  }
  auto loop = builder_.create<RepeatOp>(op.getLoc(), mlir::ValueRange(values).getTypes(),
                                        builder_.getI64IntegerAttr(count), values);
  const mlir::OpBuilder::InsertionGuard guard(builder_);
  const llvm::SmallVector<mlir::Location, 4> places(values.size(), op.getLoc());
  mlir::Block *block =
      builder_.createBlock(&loop.getBody(), {}, mlir::ValueRange(values).getTypes(), places);
  for (size_t i = 0; i < positions.size(); ++i) {
    Tensor inside = carried[i];
    inside.value = block->getArgument(i);
    define(arguments[positions[i]], std::move(inside));
  }
  const size_t before = writes_.size();
  if (walk(body).failed())
    return failure();
  llvm::SmallVector<Value, 4> yielded;
  for (auto [position, tensor] : llvm::zip(positions, carried)) {
    FailureOr<Tensor> next = tensorOf(op, yields[position]);
    if (failed(next))
      return failure();
    if (next->shape != tensor.shape)
      return fail(op) << "carries value " << position
                      << " into its next turn in another shape; it must stay the same";
    yielded.push_back(emitter(op).reshape(next->value, tensor.shape));
  }
  builder_.create<YieldOp>(op.getLoc(), yielded);
  // The values that buffers hold inside are not seen outside; what they held before is.
  for (size_t i = writes_.size(); i > before; --i) {
    Tensor &held = tensors_[writes_[i - 1].root];
    held = writes_[i - 1].before;
    held.content = Content::data;
  }
  for (size_t i = 0; i < positions.size(); ++i)
    if (positions[i] < results.size()) {
      carried[i].value = loop.getOutputs()[i];
      define(results[positions[i]], std::move(carried[i]));
    }
  return success();
}

std::optional<LogicalResult> LinalgImporter::visitTiled(mlir::Operation &loop) {
  TiledLoops tiled(*this, loop);
  if (tiled.match())
    return tiled.emit();
  if (tiled.looksTiled())
    mlir::emitRemark(loop.getLoc())
        << "'" << loop.getName()
        << "' is priced turn by turn, not as one tiled kernel: " << tiled.why();
  return std::nullopt;
}

LogicalResult LinalgImporter::visitFor(mlir::scf::ForOp op) {
  if (const auto tiled = visitTiled(*op))
    return *tiled;
  const FailureOr<int64_t> count = turns(*op, op.getLowerBound(), op.getUpperBound(), op.getStep());
  if (failed(count))
    return failure();
  // Sizes that change from turn to turn are those of the first, which is the whole tile.
  numbers_[op.getInductionVar()] = *number(mlir::OpFoldResult(op.getLowerBound()));
  return repeat(*op, *count, *op.getBody(), op.getRegionIterArgs(), op.getInitArgs(),
                op.getYieldedValues(), op.getResults());
}

LogicalResult LinalgImporter::visitForall(mlir::scf::ForallOp op) {
  if (const auto tiled = visitTiled(*op))
    return *tiled;
  int64_t count = 1;
  for (auto [from, to, step, variable] : llvm::zip(op.getMixedLowerBound(), op.getMixedUpperBound(),
                                                   op.getMixedStep(), op.getInductionVars())) {
    const FailureOr<int64_t> own = turns(*op, from, to, step);
    if (failed(own))
      return failure();
    numbers_[variable] = *number(from);
    if (count > 0 && *own > (int64_t{1} << 40) / count)
      return fail(*op) << "has more than 2^40 turns";
    count *= *own;
  }
  return repeat(*op, count, *op.getBody(), op.getRegionIterArgs(), op.getOutputs(),
                op.getRegionIterArgs(), op.getResults());
}

LogicalResult LinalgImporter::visitParallel(mlir::scf::ParallelOp op) {
  if (const auto tiled = visitTiled(*op))
    return *tiled;
  int64_t count = 1;
  for (auto [from, to, step, variable] :
       llvm::zip(op.getLowerBound(), op.getUpperBound(), op.getStep(), op.getInductionVars())) {
    const FailureOr<int64_t> own = turns(*op, from, to, step);
    if (failed(own))
      return failure();
    numbers_[variable] = *number(mlir::OpFoldResult(from));
    if (count > 0 && *own > (int64_t{1} << 40) / count)
      return fail(*op) << "has more than 2^40 turns";
    count *= *own;
  }
  return repeat(*op, count, *op.getBody(), {}, {}, {}, {});
}

LogicalResult LinalgImporter::visitIf(mlir::scf::IfOp op) {
  const auto condition = number(mlir::OpFoldResult(op.getCondition()));
  if (!condition)
    return fail(*op) << "branches on what is known only at run time; price the branches as "
                        "functions of their own, or give the condition as a constant";
  mlir::Region &taken = *condition != 0 ? op.getThenRegion() : op.getElseRegion();
  if (taken.empty())
    return success();
  if (walk(taken.front()).failed())
    return failure();
  for (auto [result, value] :
       llvm::zip(op.getResults(), taken.front().getTerminator()->getOperands()))
    if (isBuffer(value)) {
      if (const Sizes *shape = knownShape(value))
        aliases_[result] = {rootOf(value), *shape};
    } else if (isShaped(value)) {
      FailureOr<Tensor> tensor = tensorOf(*op, value);
      if (failed(tensor))
        return failure();
      define(result, std::move(*tensor));
    } else if (const auto known = number(value)) {
      numbers_[result] = *known;
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
