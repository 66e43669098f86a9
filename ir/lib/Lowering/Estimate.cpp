#include <Lowering/Estimate.h>

#include <KernelIR/CountKernels.h>

#include <IR/Mansard.h>
#include <Import/Linalg.h>
#include <Lowering/Passes.h>
#include <Lowering/ToProgram.h>
#include <mansard/model/estimate.h>
#include <mansard/model/timeline.h>

#include <mlir/Dialect/Func/IR/FuncOps.h>
#include <mlir/Pass/PassManager.h>

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/DenseSet.h>

#include <algorithm>

namespace mansard::ir {
namespace {

llvm::Error failure(const Error &error) {
  return llvm::createStringError(std::errc::invalid_argument, "%s", error.text().c_str());
}

/// Remembers through copying, importing and legalising where ops came from: each op's location is
/// wrapped with its number, and rewrites keep locations.
class Origins {
public:
  /// Numbers the ops of `module` and of its copy, which have the same order.
  Origins(mlir::ModuleOp module, mlir::ModuleOp copy) {
    module.walk<mlir::WalkOrder::PreOrder>([&](mlir::Operation *op) { ops_.push_back(op); });
    mlir::Builder builder(module.getContext());
    int64_t next = 0;
    copy.walk<mlir::WalkOrder::PreOrder>([&](mlir::Operation *op) {
      op->setLoc(
          mlir::FusedLoc::get(op->getContext(), {op->getLoc()}, builder.getI64IntegerAttr(next++)));
    });
  }

  /// The ops of the module that `op` of the copy stands for, the first one first.
  llvm::SmallVector<mlir::Operation *, 4> of(mlir::Operation *op) const {
    llvm::SmallVector<mlir::Operation *, 4> found;
    op->getLoc()->walk([&](mlir::Location location) {
      auto fused = llvm::dyn_cast<mlir::FusedLoc>(location);
      auto number =
          fused ? llvm::dyn_cast_or_null<mlir::IntegerAttr>(fused.getMetadata()) : nullptr;
      if (!number)
        return mlir::WalkResult::advance();
      mlir::Operation *origin = ops_[static_cast<size_t>(number.getInt())];
      if (!llvm::is_contained(found, origin))
        found.push_back(origin);
      return mlir::WalkResult::skip();
    });
    return found;
  }

private:
  std::vector<mlir::Operation *> ops_;
};

void add(OpCost &cost, const work::Step &step, const mansard_estimate &estimate) {
  const auto count = static_cast<double>(step.count);
  cost.kernels += step.count;
  cost.total_us += count * estimate.latency_us;
  for (uint32_t r = 0; r < MANSARD_BOUND_COUNT; ++r)
    cost.part_us[r] += count * estimate.part_us[r];
  cost.operations += count * estimate.operations;
  cost.dramBytes += count * (estimate.dram_read_bytes + estimate.dram_write_bytes);
  cost.bound = static_cast<uint32_t>(
      std::max_element(std::begin(cost.part_us), std::end(cost.part_us)) - cost.part_us);
}

} // namespace

void registerEstimateDialects(mlir::DialectRegistry &registry) {
  registry.insert<MansardDialect, mlir::func::FuncDialect>();
  registerLinalgDialects(registry);
  registerKernelDialects(registry);
}

llvm::Expected<ModuleCost> estimate(mlir::ModuleOp module, const host::Model &target) {
  const mlir::OwningOpRef<mlir::ModuleOp> copy = module.clone();
  const Origins origins(module, *copy);
  mlir::PassManager passes(module.getContext());
  addModulePasses(passes, model::capabilitiesOf(target), {});
  if (passes.run(*copy).failed())
    return llvm::createStringError(std::errc::invalid_argument,
                                   "the module cannot be priced; diagnostics say why");
  std::vector<mlir::Operation *> opOfStep;
  auto program = toProgram(*copy, &opOfStep);
  if (!program)
    return failure(program.error());
  model::Evaluator evaluator(*program);
  if (auto done = evaluator.run(target); !done)
    return failure(done.error());

  ModuleCost cost;
  cost.target = target.chip().id;
  cost.model = target.id();
  llvm::DenseMap<mlir::Operation *, size_t> indexOf;
  llvm::DenseSet<std::pair<mlir::Operation *, mlir::Operation *>> seen;
  for (size_t i = 0; i < program->steps.size(); ++i) {
    const auto from = origins.of(opOfStep[i]);
    mlir::Operation *origin = from.empty() ? module.getOperation() : from.front();
    const auto [at, isNew] = indexOf.try_emplace(origin, cost.ops.size());
    if (isNew)
      cost.ops.emplace_back().op = origin;
    add(cost.ops[at->second], program->steps[i], evaluator.estimates()[program->steps[i].kernel]);
    for (size_t other = 1; other < from.size(); ++other)
      if (seen.insert({from[other], origin}).second)
        cost.within.emplace_back(from[other], origin);
  }
  const model::Timeline &timeline = evaluator.timeline();
  cost.latency_us = timeline.total_us;
  std::copy(std::begin(timeline.part_us), std::end(timeline.part_us), cost.part_us);
  cost.bound = timeline.bound;
  cost.dramBytes = timeline.dramBytes;
  cost.notes = program->notes;
  return cost;
}

llvm::Expected<ModuleCost> estimate(mlir::ModuleOp module, llvm::StringRef target,
                                    const std::vector<hw::Override> &overrides) {
  hw::Catalog catalog;
  host::Host host(catalog);
  auto model = host.open(target.str(), overrides);
  if (!model)
    return failure(model.error());
  return estimate(module, *model);
}

} // namespace mansard::ir
