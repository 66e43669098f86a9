// moe, dispatch, combine, and the routing that they share.
#include "Kernels.h"
#include "Verify.h"

#include <mansard/base/counts.h>
#include <mansard/base/units.h>

#include <algorithm>
#include <cmath>

namespace mansard::ir {

using mlir::failure;
using mlir::LogicalResult;
using mlir::success;

LogicalResult ExpertsAttr::verify(llvm::function_ref<mlir::InFlightDiagnostic()> emitError,
                                  int64_t tokens, int64_t topk, int64_t experts, int64_t ep,
                                  int64_t tp) {
  if (tokens < 1 || topk < 1 || experts < 1 || ep < 1 || tp < 1)
    return emitError() << "tokens, topk, experts, ep and tp of a mixture must be positive";
  if (topk > experts)
    return emitError() << "a token cannot go to " << topk << " of " << experts << " experts";
  if (experts % ep != 0)
    return emitError() << experts << " experts cannot be spread evenly over ep = " << ep;
  return success();
}

// ---- moe

Shapes MoeOp::inferShapes() { return {{shapeOf(getIndices())[0], shapeOf(getDown())[2]}}; }

void MoeOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &kernels) {
  mansard_kernel kernel = makeKernel(MANSARD_OP_MOE, codeOf(getInput()), codeOf(getUp()),
                                     codeOf(getResult()), code(getScaling()));
  const ExpertsAttr experts = getExperts();
  mansard_moe &moe = kernel.u.moe;
  moe.tokens = experts.getTokens();
  moe.hidden = shapeOf(getDown())[2];
  moe.inter = shapeOf(getDown())[1] * experts.getTp();
  moe.topk = experts.getTopk();
  moe.experts = experts.getExperts();
  moe.tp = experts.getTp();
  moe.ep = experts.getEp();
  moe.distribution = MANSARD_DISTRIBUTION_BALANCED;
  moe.gated = getGated();
  kernels.push_back(kernel);
}

LogicalResult MoeOp::verify() {
  if (verifyRank(*this, getInput(), "an input", {2}).failed() ||
      verifyRank(*this, getIndices(), "indices", {2}).failed() ||
      verifyRank(*this, getUp(), "an up projection", {3}).failed() ||
      verifyRank(*this, getDown(), "a down projection", {3}).failed())
    return failure();
  const ExpertsAttr experts = getExperts();
  const int64_t local = experts.getExperts() / experts.getEp();
  const llvm::ArrayRef<int64_t> up = shapeOf(getUp()), down = shapeOf(getDown());
  if (up[0] != local || down[0] != local)
    return emitOpError() << "holds " << up[0] << " up and " << down[0] << " down projections; of "
                         << experts.getExperts() << " experts over ep = " << experts.getEp()
                         << " it holds " << local;
  const int64_t hidden = shapeOf(getInput())[1], width = getGated() ? 2 * down[1] : down[1];
  const Shape wantedUp{local, hidden, width}, wantedDown{local, down[1], hidden};
  if (up != llvm::ArrayRef(wantedUp) || down != llvm::ArrayRef(wantedDown))
    return emitOpError() << "goes up by " << text(up) << " and down by " << text(down) << "; with "
                         << hidden << " input columns that must be " << text(wantedUp) << " and "
                         << text(wantedDown);
  return verifyShapes(*this);
}

// ---- dispatch and combine

/// `rows`: those that this device sends, or gets back; the busiest one exchanges more where the
/// group's tokens say so.
static mansard_kernel exchange(uint32_t direction, ExchangeMode mode, ExpertsAttr experts,
                               int64_t nodeLimit, mlir::Value travelling, int64_t rows) {
  const uint32_t type = codeOf(travelling);
  mansard_kernel kernel = makeKernel(MANSARD_OP_EXPERT_PARALLEL, type, type, type);
  mansard_expert_parallel &e = kernel.u.expert_parallel;
  e.ranks = experts.getEp();
  e.hidden = shapeOf(travelling)[1];
  e.tokens = std::max(rows, static_cast<int64_t>(ceilDiv(static_cast<long>(experts.getTokens()),
                                                         static_cast<long>(experts.getEp()))));
  e.topk = experts.getTopk();
  e.experts = experts.getExperts();
  e.node_limit = nodeLimit;
  e.direction = direction;
  e.mode = static_cast<uint32_t>(mode);
  return kernel;
}

/// The rows of the group on each device, with what is `beside` each row, in bytes; or back, their
/// sums.
static mansard_kernel gathering(CollectiveKind kind, ExpertsAttr experts, mlir::Value travelling,
                                double beside) {
  const uint32_t type = codeOf(travelling);
  mansard_kernel kernel = makeKernel(MANSARD_OP_COLLECTIVE, type, type, type);
  const double row = static_cast<double>(shapeOf(travelling)[1]) * mansard::bytesOf(type) + beside;
  kernel.u.collective = {
      experts.getEp() * experts.getTp(),
      static_cast<int64_t>(std::ceil(static_cast<double>(experts.getTokens()) * row)),
      static_cast<uint32_t>(kind), 0};
  return kernel;
}

static LogicalResult verifyExchange(mlir::Operation *op, mlir::Value input, mlir::Value indices,
                                    ExpertsAttr experts, int64_t nodeLimit) {
  if (verifyRank(op, input, "an input", {2}).failed() ||
      verifyRank(op, indices, "indices", {2}).failed())
    return failure();
  if (shapeOf(indices)[1] != experts.getTopk())
    return op->emitOpError() << "has indices of " << shapeOf(indices)[1]
                             << " choices; its routing takes " << experts.getTopk();
  if (nodeLimit < 0)
    return op->emitOpError() << "has node_limit " << nodeLimit << "; 0 means none";
  return success();
}

Shapes DispatchOp::inferShapes() {
  if (getMode() == ExchangeMode::all_gather) {
    const int64_t tokens = getExperts().getTokens();
    return {{tokens, shapeOf(getInput())[1]}, {tokens, getExperts().getTopk()}};
  }
  const int64_t rows = localChoices(getExperts());
  return {{rows, shapeOf(getInput())[1]}, {rows, 1}};
}

void DispatchOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &kernels) {
  if (getMode() == ExchangeMode::all_gather) {
    // One launch, as libraries group them: rows, their scales, and the number and weight of each
    // choice in 4 bytes each.
    const double columns = static_cast<double>(shapeOf(getInput())[1]);
    const double scales = scaleBytes(codeOf(getInput()), code(getScaling()), columns, 1, false);
    kernels.push_back(gathering(CollectiveKind::all_gather, getExperts(), getInput(),
                                scales + 8.0 * static_cast<double>(getExperts().getTopk())));
    return;
  }
  kernels.push_back(exchange(MANSARD_EP_DISPATCH, getMode(), getExperts(), getNodeLimit(),
                             getInput(), shapeOf(getInput())[0]));
  kernels.back().scaling = code(getScaling());
}

LogicalResult DispatchOp::verify() {
  if (verifyExchange(*this, getInput(), getIndices(), getExperts(), getNodeLimit()).failed())
    return failure();
  if (shapeOf(getIndices())[0] != shapeOf(getInput())[0])
    return emitOpError() << "sends " << shapeOf(getInput())[0] << " rows by the choices of "
                         << shapeOf(getIndices())[0];
  if (dtypeOf(getInput()) != dtypeOf(getRows()))
    return emitOpError() << "sends " << nameOf(dtypeOf(getInput())) << " and receives "
                         << nameOf(dtypeOf(getRows()));
  return verifyShapes(*this);
}

Shapes CombineOp::inferShapes() { return {{shapeOf(getIndices())[0], shapeOf(getInput())[1]}}; }

void CombineOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &kernels) {
  if (getMode() == ExchangeMode::all_gather)
    return kernels.push_back(
        gathering(CollectiveKind::reduce_scatter, getExperts(), getInput(), 0));
  kernels.push_back(exchange(MANSARD_EP_COMBINE, getMode(), getExperts(), getNodeLimit(),
                             getInput(), shapeOf(getResult())[0]));
}

LogicalResult CombineOp::verify() {
  if (verifyExchange(*this, getInput(), getIndices(), getExperts(), getNodeLimit()).failed())
    return failure();
  const int64_t rows =
      getMode() == ExchangeMode::all_gather ? getExperts().getTokens() : localChoices(getExperts());
  if (shapeOf(getInput())[0] != rows)
    return emitOpError() << "sends back " << shapeOf(getInput())[0] << " rows, but " << rows
                         << " came to this device's experts";
  return verifyShapes(*this);
}

} // namespace mansard::ir
