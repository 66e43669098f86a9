// collective.
#include "Kernels.h"
#include "Verify.h"

#include <mansard/base/units.h>

#include <cmath>

namespace mansard::ir {

using mlir::failure;
using mlir::LogicalResult;

Shapes CollectiveOp::inferShapes() {
  Shape shape(shapeOf(getInput()));
  const auto ranks = static_cast<long>(getRanks());
  int64_t &size = shape[getDim()];
  if (getKind() == CollectiveKind::all_gather) {
    // Shares may have been rounded up; what is put together then says its own size.
    const llvm::ArrayRef<int64_t> own = shapeOf(getResult());
    const bool rounded = own.size() == shape.size() && own[getDim()] <= size * ranks &&
                         own[getDim()] > (size - 1) * ranks;
    size = rounded ? own[getDim()] : size * ranks;
  }
  if (getKind() == CollectiveKind::reduce_scatter)
    size = ceilDiv(static_cast<long>(size), ranks);
  return {shape};
}

void CollectiveOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &kernels) {
  const uint32_t type = codeOf(getInput());
  mansard_kernel kernel = makeKernel(MANSARD_OP_COLLECTIVE, type, type, type);
  const mlir::Value counted =
      getKind() == CollectiveKind::all_gather ? mlir::Value(getResult()) : mlir::Value(getInput());
  const double bytes = bytesOf(llvm::cast<mlir::RankedTensorType>(counted.getType()));
  kernel.u.collective = {static_cast<int64_t>(getRanks()), static_cast<int64_t>(std::ceil(bytes)),
                         static_cast<uint32_t>(getKind()), 0};
  kernels.push_back(kernel);
}

LogicalResult CollectiveOp::verify() {
  if (static_cast<int64_t>(getRanks()) < 2)
    return emitOpError() << "is over " << static_cast<int64_t>(getRanks())
                         << " devices; it takes two or more";
  if (getDim() >= shapeOf(getInput()).size())
    return emitOpError() << "cuts dimension " << getDim() << " of " << text(shapeOf(getInput()));
  if (dtypeOf(getInput()) != dtypeOf(getResult()))
    return emitOpError() << "changes the element type";
  return verifyShapes(*this);
}

} // namespace mansard::ir
