// What stands in the dialect for the types and shapes of imported modules.
#include <IR/Mansard.h>
#include <Import/Linalg.h>
#include <Lowering/Attributes.h>

#include <llvm/ADT/STLExtras.h>

namespace mansard::ir {

std::optional<int64_t> bitsOf(mlir::Type type) {
  if (type.isIndex())
    return 64;
  if (const auto integer = llvm::dyn_cast<mlir::IntegerType>(type)) {
    const int64_t width = integer.getWidth();
    if (width == 4)
      return 4; // two to a byte
    for (int64_t stored : {8, 16, 32, 64})
      if (width <= stored)
        return stored;
    return std::nullopt;
  }
  if (auto real = llvm::dyn_cast<mlir::FloatType>(type)) {
    const int64_t width = real.isTF32() ? 32 : real.getWidth();
    return width <= 64 ? std::optional(width) : std::nullopt;
  }
  return std::nullopt;
}

/// A type of the dialect that takes as many bytes.
static mlir::Type standIn(mlir::Type element) {
  if (dtypeOf(element))
    return element;
  mlir::Builder builder(element.getContext());
  switch (bitsOf(element).value_or(32)) {
  case 8:
    if (llvm::isa<mlir::FloatType>(element))
      return builder.getFloat8E4M3FNType();
    return builder.getI8Type();
  case 16:
    return builder.getF16Type();
  case 64:
    return builder.getF64Type();
  default:
    return builder.getI32Type();
  }
}

mlir::RankedTensorType Emitter::type(llvm::ArrayRef<int64_t> shape, mlir::Type element) const {
  const int64_t scalar[] = {1};
  return mlir::RankedTensorType::get(shape.empty() ? llvm::ArrayRef<int64_t>(scalar) : shape,
                                     standIn(element));
}

mlir::Value Emitter::reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape, bool part) {
  const auto from = llvm::cast<mlir::RankedTensorType>(value.getType());
  const mlir::RankedTensorType to = type(shape, from.getElementType());
  if (from == to)
    return value;
  return builder.create<ViewOp>(location, to, part ? ViewKind::part : ViewKind::reshape,
                                mlir::ValueRange{value}, 1);
}

void Emitter::note(llvm::StringRef text) {
  if (auto notes = step->getAttrOfType<mlir::ArrayAttr>(kNotesAttr))
    if (llvm::is_contained(notes, mlir::StringAttr::get(step->getContext(), text)))
      return;
  addNote(step, text);
}

double LoopNest::iterations() const {
  double product = 1;
  for (int64_t size : sizes)
    product *= static_cast<double>(size);
  return product;
}

} // namespace mansard::ir
