#include <Lowering/Attributes.h>

#include <mlir/IR/Builders.h>
#include <mlir/IR/Diagnostics.h>

namespace mansard::ir {

void addNote(mlir::Operation *step, llvm::StringRef text) {
  mlir::Builder builder(step->getContext());
  llvm::SmallVector<mlir::Attribute, 4> notes;
  if (auto old = step->getAttrOfType<mlir::ArrayAttr>(kNotesAttr))
    notes.append(old.begin(), old.end());
  notes.push_back(builder.getStringAttr(text));
  step->setAttr(kNotesAttr, builder.getArrayAttr(notes));
  mlir::emitRemark(step->getLoc()) << text;
}

} // namespace mansard::ir
