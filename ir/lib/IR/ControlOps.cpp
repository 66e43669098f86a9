// custom, repeat, overlap, yield.
#include "Kernels.h"
#include "Verify.h"

#include <IR/Stages.h>

#include <mlir/IR/OpImplementation.h>

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/DenseSet.h>

#include <cmath>

namespace mansard::ir {

using mlir::failure;
using mlir::LogicalResult;
using mlir::ParseResult;
using mlir::success;

// ---- custom

static uint32_t dtypeCode(mlir::Type element) { return static_cast<uint32_t>(*dtypeOf(element)); }

/// What says how a kernel is launched, and that there is one.
static LogicalResult verifyLaunch(CustomOp op, bool counts) {
  if (!op.getKernelAttr()) {
    for (llvm::StringRef name :
         {"file", "grid", "block", "args", "trips", "footprints", "shared_bytes", "counted"})
      if (op->hasAttr(name))
        return op.emitOpError() << "has '" << name << "' and names no kernel, as in @kernel";
    return success();
  }
  if (counts && !op.getCounted())
    return op.emitOpError() << "names a kernel and gives counts; one of the two says what is done";
  for (const auto &[name, extent] : {std::pair{"grid", op.getGrid()}, {"block", op.getBlock()}}) {
    if (!extent)
      continue;
    if (extent->empty() || extent->size() > 3)
      return op.emitOpError() << "has a " << name << " of " << extent->size()
                              << " extents; there are one to three";
    for (int64_t size : *extent)
      if (size < 1)
        return op.emitOpError() << "has a " << name << " with an extent of " << size
                                << "; it is at least 1";
  }
  for (const auto &[name, values] : {std::pair{"args", op.getArgsAttr()},
                                     {"trips", op.getTripsAttr()},
                                     {"footprints", op.getFootprintsAttr()}})
    if (values)
      for (mlir::NamedAttribute value : values)
        if (!llvm::isa<mlir::IntegerAttr>(value.getValue()))
          return op.emitOpError() << "has in '" << name << "' a " << value.getName()
                                  << " that is no whole number";
  return success();
}

Shapes CustomOp::inferShapes() {
  Shapes shapes;
  for (mlir::Value output : getOutputs())
    shapes.push_back(Shape(shapeOf(output)));
  return shapes;
}

void CustomOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &kernels) {
  const uint32_t plain = static_cast<uint32_t>(DType::bf16);
  const uint32_t in = getMultiplied()       ? dtypeCode(*getMultiplied())
                      : getInputs().empty() ? plain
                                            : codeOf(getInputs()[0]);
  const uint32_t out = getOutputs().empty() ? in : codeOf(getOutputs()[0]);
  mansard_kernel kernel = makeKernel(MANSARD_OP_CUSTOM, in, in, out);
  kernel.u.custom = {
      getMatrixOperations().convertToDouble(),  getVectorOperations().convertToDouble(),
      getSpecialOperations().convertToDouble(), getReadBytes().convertToDouble(),
      getWriteBytes().convertToDouble(),        getL2Bytes().convertToDouble(),
      getLinkBytes().convertToDouble(),         getIntegerOperations().convertToDouble(),
      getSramBytes().convertToDouble(),         getGroups().convertToDouble(),
      getGroupsPerCore().convertToDouble(),     getGroupCycles().convertToDouble()};
  kernels.push_back(kernel);
}

LogicalResult CustomOp::verify() {
  const std::pair<const char *, llvm::APFloat> counts[] = {
      {"matrix_operations", getMatrixOperations()},
      {"vector_operations", getVectorOperations()},
      {"special_operations", getSpecialOperations()},
      {"read_bytes", getReadBytes()},
      {"write_bytes", getWriteBytes()},
      {"l2_bytes", getL2Bytes()},
      {"link_bytes", getLinkBytes()},
      {"integer_operations", getIntegerOperations()},
      {"sram_bytes", getSramBytes()},
      {"groups", getGroups()},
      {"groups_per_core", getGroupsPerCore()},
      {"group_cycles", getGroupCycles()}};
  bool any = false;
  for (const auto &[name, count] : counts) {
    const double value = count.convertToDouble();
    if (!std::isfinite(value) || value < 0)
      return emitOpError() << "has " << name << " " << value << "; a count is not negative";
    any = any || value > 0;
  }
  if (getMultiplied() && !dtypeOf(*getMultiplied()))
    return emitOpError() << "multiplies " << *getMultiplied() << ", which no kernel does";
  return verifyLaunch(*this, any);
}

// ---- repeat

LogicalResult RepeatOp::verify() {
  if (verifyPositive(*this, "count", getCount()).failed())
    return failure();
  mlir::Block &block = getBody().front();
  auto yield = llvm::cast<YieldOp>(block.getTerminator());
  const size_t values = getInits().size();
  if (block.getNumArguments() != values || yield.getValues().size() != values ||
      getOutputs().size() != values)
    return emitOpError() << "takes " << values << " values, its region " << block.getNumArguments()
                         << ", yields " << yield.getValues().size() << " and returns "
                         << getOutputs().size() << "; these must be the same";
  for (size_t i = 0; i < values; ++i) {
    const mlir::Type type = getInits()[i].getType();
    if (block.getArgument(i).getType() != type || yield.getValues()[i].getType() != type ||
        getOutputs()[i].getType() != type)
      return emitOpError() << "carries " << type << " as value " << i << " into its region as "
                           << block.getArgument(i).getType() << ", yields "
                           << yield.getValues()[i].getType() << " and returns "
                           << getOutputs()[i].getType();
  }
  return success();
}

// %r:2 = mansard.repeat 58 (%x = %a, %y = %b) : tensor<...>, tensor<...> { ... }
ParseResult RepeatOp::parse(mlir::OpAsmParser &parser, mlir::OperationState &result) {
  mlir::Builder &builder = parser.getBuilder();
  mlir::IntegerAttr count;
  llvm::SmallVector<mlir::OpAsmParser::Argument> arguments;
  llvm::SmallVector<mlir::OpAsmParser::UnresolvedOperand> inits;
  llvm::SmallVector<mlir::Type> types;
  if (parser.parseAttribute(count, builder.getIntegerType(64), "count", result.attributes) ||
      parser.parseAssignmentList(arguments, inits))
    return failure();
  const llvm::SMLoc place = parser.getCurrentLocation();
  if (!inits.empty() && parser.parseColonTypeList(types))
    return failure();
  if (types.size() != inits.size())
    return parser.emitError(place)
           << "has " << inits.size() << " values and " << types.size() << " types";
  for (auto [argument, type] : llvm::zip(arguments, types))
    argument.type = type;
  mlir::Region *body = result.addRegion();
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
      parser.parseRegion(*body, arguments) ||
      parser.resolveOperands(inits, types, place, result.operands))
    return failure();
  RepeatOp::ensureTerminator(*body, builder, result.location);
  result.addTypes(types);
  return success();
}

void RepeatOp::print(mlir::OpAsmPrinter &printer) {
  printer << ' ' << getCount() << " (";
  llvm::interleaveComma(llvm::zip(getBody().getArguments(), getInits()), printer, [&](auto pair) {
    printer << std::get<0>(pair) << " = " << std::get<1>(pair);
  });
  printer << ')';
  if (!getInits().empty())
    printer << " : " << getInits().getTypes();
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {"count"});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

// ---- overlap

LogicalResult OverlapOp::verify() {
  mlir::Block &block = getBody().front();
  auto yield = llvm::cast<YieldOp>(block.getTerminator());
  if (block.getNumArguments() != 0)
    return emitOpError() << "has a region with arguments";
  if (yield.getValues().getTypes() != getOutputs().getTypes())
    return emitOpError() << "does not return what its region yields";
  llvm::DenseMap<mlir::Operation *, int64_t> laneOf;
  llvm::DenseSet<int64_t> lanes;
  for (mlir::Operation &op : block.without_terminator()) {
    if (llvm::isa<RepeatOp, OverlapOp>(op))
      return op.emitOpError() << "may not be inside of an overlap";
    llvm::SmallVector<mansard_kernel, 2> kernels;
    auto lane = op.getAttrOfType<mlir::IntegerAttr>(kLaneAttr);
    if (auto kernelOp = llvm::dyn_cast<KernelOpInterface>(op); kernelOp && !lane)
      if (llvm::isa<WeightOp, KvCacheOp, ViewOp>(op))
        continue;
    if (!lane || lane.getInt() < 0)
      return op.emitOpError() << "is inside of an overlap and must say its lane: " << kLaneAttr
                              << " = 0 : i64";
    if (mlir::Attribute stage = op.getAttr(kStageAttr)) {
      auto number = llvm::dyn_cast<mlir::IntegerAttr>(stage);
      if (!getStaggered() || !number || number.getInt() < 0 || number.getInt() >= kMaxStages)
        return op.emitOpError() << "has the stage " << stage << "; a staggered overlap has 0 to "
                                << kMaxStages - 1 << ", any other has none";
    }
    laneOf[&op] = lane.getInt();
    lanes.insert(lane.getInt());
  }
  if (lanes.size() < 2)
    return emitOpError() << "has " << lanes.size()
                         << " lanes; what runs side by side is two or more";
  if (getStaggered())
    return success();
  for (mlir::Operation &op : block.without_terminator()) {
    const auto lane = laneOf.find(&op);
    if (lane == laneOf.end())
      continue;
    for (mlir::Value operand : op.getOperands())
      if (auto maker = laneOf.find(operand.getDefiningOp());
          maker != laneOf.end() && maker->second != lane->second)
        return op.emitOpError() << "is in lane " << lane->second << " and uses what lane "
                                << maker->second
                                << " makes at the same time; only a staggered overlap allows that";
  }
  return success();
}

} // namespace mansard::ir
