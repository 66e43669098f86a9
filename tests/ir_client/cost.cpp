// Builds a matmul and what follows it, asks for their cost on two chips, and prints it.
#include <Lowering/Estimate.h>

#include <mansard/hw/catalog.h>

#include <mlir/Dialect/Arith/IR/Arith.h>
#include <mlir/Dialect/Func/IR/FuncOps.h>
#include <mlir/Dialect/Linalg/IR/Linalg.h>
#include <mlir/Dialect/Tensor/IR/Tensor.h>
#include <mlir/IR/Builders.h>
#include <mlir/IR/MLIRContext.h>
#include <mlir/IR/Verifier.h>

#include <cmath>
#include <cstdio>

namespace {

/// A function of `m` x 4096 by 4096 x 4096 in bf16.
mlir::OwningOpRef<mlir::ModuleOp> matmul(mlir::MLIRContext &context, int64_t m) {
  mlir::OpBuilder b(&context);
  const mlir::Location here = b.getUnknownLoc();
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(here);
  const auto tensor = [&](int64_t rows, mlir::Type element) {
    return mlir::RankedTensorType::get({rows, 4096}, element);
  };
  const mlir::Type narrow = b.getBF16Type(), wide = b.getF32Type();
  b.setInsertionPointToEnd(module->getBody());
  auto function = b.create<mlir::func::FuncOp>(
      here, "step",
      b.getFunctionType({tensor(m, narrow), tensor(4096, narrow)}, {tensor(m, wide)}));
  mlir::Block *body = function.addEntryBlock();
  b.setInsertionPointToEnd(body);
  mlir::Value zero = b.create<mlir::arith::ConstantOp>(here, b.getFloatAttr(wide, 0));
  mlir::Value empty = b.create<mlir::tensor::EmptyOp>(here, tensor(m, wide), mlir::ValueRange{});
  mlir::Value start =
      b.create<mlir::linalg::FillOp>(here, mlir::ValueRange{zero}, mlir::ValueRange{empty})
          .getResult(0);
  mlir::Value product = b.create<mlir::linalg::MatmulOp>(
                             here, mlir::ValueRange{body->getArgument(0), body->getArgument(1)},
                             mlir::ValueRange{start})
                            .getResult(0);
  b.create<mlir::func::ReturnOp>(here, product);
  return module;
}

} // namespace

int main() {
  mlir::DialectRegistry registry;
  mansard::ir::registerEstimateDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();

  mansard::hw::Catalog catalog;
  mansard::host::Host host(catalog);
  for (const char *name : {"h100-sxm", "ascend-910b"}) {
    auto target = host.open(name);
    if (!target) {
      std::fprintf(stderr, "%s\n", target.error().text().c_str());
      return 1;
    }
    double last_us = 0;
    for (const int64_t m : {256, 4096}) {
      mlir::OwningOpRef<mlir::ModuleOp> module = matmul(context, m);
      if (mlir::verify(*module).failed())
        return 1;
      auto cost = mansard::ir::estimate(*module, *target);
      if (!cost) {
        std::fprintf(stderr, "%s\n", llvm::toString(cost.takeError()).c_str());
        return 1;
      }
      const mansard::ir::OpCost *product = nullptr;
      for (const mansard::ir::OpCost &one : cost->ops)
        if (llvm::isa<mlir::linalg::MatmulOp>(one.op))
          product = &one;
      // It is the caller's op, not the copy's; its operations are those of the sizes.
      if (!product || product->op->getParentOfType<mlir::ModuleOp>() != *module ||
          product->operations != 2.0 * static_cast<double>(m) * 4096 * 4096 ||
          !(product->total_us > last_us)) {
        std::fprintf(stderr, "%s: the matmul of %lld rows is not priced as it should be\n", name,
                     static_cast<long long>(m));
        return 1;
      }
      last_us = product->total_us;
      std::printf("%s: %lld x 4096 x 4096 takes %.2f us\n", name, static_cast<long long>(m),
                  product->total_us);
    }
  }
  auto unknown = mansard::ir::estimate(*matmul(context, 16), "h100-sxn");
  if (unknown) {
    std::fprintf(stderr, "an unknown target was priced\n");
    return 1;
  }
  std::printf("%s\n", llvm::toString(unknown.takeError()).c_str());
  return 0;
}
