// Softmax and norms by the root mean square that several ops spell out: one kernel each.
#include "LinalgGroups.h"

namespace mansard::ir {

using mlir::Value;

Value Groups::fuseRows(Emitter &emitter, llvm::StringRef label, Value made) {
  const Member *last = memberOf(made);
  if (!last || last->part == Part::softmax || last->part == Part::converted)
    return {};
  Chain chain;
  chain.last = last;
  NormKind kind = NormKind::softmax;
  Value weight, input = softmaxInput(made, chain);
  if (!input) {
    kind = NormKind::rmsnorm;
    chain.kernels.clear();
    Value flow = made;
    if (const Member *scaled = take(flow, Part::timesColumns, chain)) {
      weight = scaled->other;
      flow = scaled->data;
    }
    const Member *norm = take(flow, Part::timesRoot, chain);
    Value squares = norm ? norm->other : Value();
    if (!norm && (norm = take(flow, Part::timesRow, chain))) {
      const Member *root = take(norm->other, Part::root, chain);
      squares = root ? root->data : Value();
    }
    const Member *sum = squares ? take(squares, Part::rowSquares, chain) : nullptr;
    Value from = norm ? norm->data : Value();
    // The sum is often taken in a wider type than the product.
    const auto source = [&](Value value) {
      const Member *member = memberOf(value);
      return withoutViews(member && member->part == Part::converted ? member->data : value);
    };
    if (!sum || source(sum->data) != source(from))
      return {};
    input = source(from);
  }
  if (!isOwn(chain))
    return {};
  const auto shape = llvm::cast<mlir::RankedTensorType>(made.getType()).getShape();
  const int64_t columns = shape.back();
  int64_t rows = 1;
  for (int64_t size : shape.drop_back())
    rows *= size;
  mlir::OpBuilder &builder = emitter.builder;
  const mlir::Type element = llvm::cast<mlir::RankedTensorType>(made.getType()).getElementType();
  auto norm = builder.create<NormOp>(emitter.location, emitter.type({rows, columns}, element),
                                     mlir::Type(), kind, builder.getStringAttr(label),
                                     emitter.reshape(input, {rows, columns}),
                                     weight ? emitter.reshape(weight, {columns}) : Value(), Value(),
                                     nullptr, nullptr, Scaling::none);
  const Value result = emitter.reshape(norm.getResult(), shape);
  made.replaceAllUsesWith(result);
  mlir::Operation *source = last->source;
  erase(chain);
  if (kind == NormKind::softmax)
    keepSoftmax(source, norm.getInput(), norm.getResult());
  emitter.note("softmax and norms that several ops spell out are priced as one kernel each");
  return result;
}

} // namespace mansard::ir
