// Vector work by its counts: the mix of operations of the body, the bytes of maps and types.
#include "LinalgBody.h"
#include "LinalgRecognisers.h"

#include <llvm/ADT/SetVector.h>

namespace mansard::ir {

Values emitCounted(Emitter &emitter, llvm::StringRef label, mlir::ValueRange inputs,
                   mlir::TypeRange results, const Counted &counts) {
  mlir::OpBuilder &builder = emitter.builder;
  llvm::SmallVector<mlir::NamedAttribute, 8> attributes{
      builder.getNamedAttr("label", builder.getStringAttr(label))};
  const auto add = [&](llvm::StringRef name, double count) {
    if (count > 0)
      attributes.push_back(builder.getNamedAttr(name, builder.getF64FloatAttr(count)));
  };
  add("matrix_operations", counts.matrix);
  add("vector_operations", counts.vector);
  add("special_operations", counts.special);
  add("read_bytes", counts.read);
  add("write_bytes", counts.written);
  add("integer_operations", counts.integer);
  auto op = builder.create<CustomOp>(emitter.location, results, inputs, attributes);
  return Values(op.getOutputs());
}

Values emitVector(Emitter &emitter, const LoopNest &nest) {
  const BodyCost cost = costOf(nest);
  if (cost.unknown)
    emitter.note(
        (cost.unknown->getName().getStringRef() + " counts as two special functions").str());
  Counted counts;
  counts.vector = cost.vector;
  counts.integer = cost.integer;
  counts.special = cost.special;
  counts.read = cost.gathered;
  llvm::SetVector<mlir::Value> inputs;
  llvm::SmallVector<std::pair<mlir::Value, mlir::AffineMap>, 4> seen;
  const auto read = [&](const NestOperand &operand) {
    const std::pair key(operand.value, operand.map);
    if (!operand.value || llvm::is_contained(seen, key)) // a scalar comes with the launch
      return;
    seen.push_back(key);
    inputs.insert(operand.value);
    counts.read += bytesTouched(nest, operand);
  };
  const size_t first = nest.inputs.size();
  for (auto [index, input] : llvm::enumerate(nest.inputs))
    if (!nest.body->getArgument(index).use_empty() && input.content != Content::constant)
      read(input);
  llvm::SmallVector<mlir::Type, 2> results;
  for (auto [index, output] : llvm::enumerate(nest.outputs)) {
    if (!nest.body->getArgument(first + index).use_empty() && output.content == Content::data)
      read(output);
    counts.written += bytesTouched(nest, output);
    results.push_back(emitter.type(output.shape, output.element));
  }
  return emitCounted(emitter, nest.label, inputs.getArrayRef(), results, counts);
}

} // namespace mansard::ir
