// --mansard-estimate: what each op of a module costs on a target, said in the module, as JSON or as
// remarks.
#include <Lowering/Estimate.h>

#include <mansard/base/names.h>
#include <mansard/hw/chip.h>

#include <mlir/IR/Builders.h>
#include <mlir/IR/Diagnostics.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace mansard::ir {
namespace {

constexpr llvm::StringLiteral kCostAttr = "mansard.cost";
std::string &defaultEmit() {
  static std::string emit = "attributes";
  return emit;
}

std::string_view name(uint32_t bound) { return kBoundNames[bound]; }

mlir::DictionaryAttr costAttr(mlir::MLIRContext *context, double latency_us, uint32_t bound,
                              double dramBytes, int64_t kernels) {
  mlir::Builder b(context);
  return b.getDictionaryAttr(
      {b.getNamedAttr("bound", b.getStringAttr(name(bound))),
       b.getNamedAttr("dram_bytes", b.getI64IntegerAttr(std::llround(dramBytes))),
       b.getNamedAttr("kernels", b.getI64IntegerAttr(kernels)),
       b.getNamedAttr("latency_us", b.getF64FloatAttr(latency_us))});
}

/// The place in a file that a location leads to, "file:line:column", or empty.
std::string placeOf(mlir::Location location) {
  std::string place;
  location->walk([&](mlir::Location inner) {
    auto file = llvm::dyn_cast<mlir::FileLineColLoc>(inner);
    if (!file)
      return mlir::WalkResult::advance();
    place = fmt::format("{}:{}:{}", file.getFilename().str(), file.getLine(), file.getColumn());
    return mlir::WalkResult::interrupt();
  });
  return place;
}

std::string sentence(const OpCost &cost) {
  return fmt::format("takes {:.4g} us, bound by {}; {} {}, {:.4g} MB of memory traffic",
                     cost.total_us, name(cost.bound), cost.kernels,
                     cost.kernels == 1 ? "kernel" : "kernels", cost.dramBytes * 1e-6);
}

class EstimatePass : public mlir::PassWrapper<EstimatePass, mlir::OperationPass<mlir::ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(EstimatePass)

  EstimatePass() = default;
  EstimatePass(const EstimatePass &other) : PassWrapper(other) {}

  llvm::StringRef getArgument() const override { return "mansard-estimate"; }
  llvm::StringRef getDescription() const override {
    return "What each op costs on a target: time, bound, bytes";
  }
  void getDependentDialects(mlir::DialectRegistry &registry) const override {
    registerEstimateDialects(registry);
  }

  void runOnOperation() override {
    mlir::ModuleOp module = getOperation();
    const std::string how = emit.empty() ? defaultEmit() : emit.getValue();
    if (how != "attributes" && how != "json" && how != "remarks") {
      mlir::emitError(module.getLoc())
          << "emit: '" << how << "' is not known; it may be attributes, json, remarks";
      return signalPassFailure();
    }
    auto cost = price(module);
    if (!cost) {
      mlir::emitError(module.getLoc()) << llvm::toString(cost.takeError());
      return signalPassFailure();
    }
    if (how == "json")
      llvm::outs() << costJson(*cost);
    else if (how == "remarks")
      remark(module, *cost);
    else
      annotate(module, *cost);
  }

private:
  llvm::Expected<ModuleCost> price(mlir::ModuleOp module) {
    const auto fail = [](const std::string &text) {
      return llvm::createStringError(std::errc::invalid_argument, "%s", text.c_str());
    };
    if (target.empty())
      return fail("--mansard-estimate needs a target, e.g. target=h100-sxm");
    const auto overrides = hw::parseOverrides({set.begin(), set.end()});
    if (!overrides)
      return fail(overrides.error().text());
    return estimate(module, target.getValue(), *overrides);
  }

  static void annotate(mlir::ModuleOp module, const ModuleCost &cost) {
    mlir::MLIRContext *context = module.getContext();
    int64_t kernels = 0;
    for (const OpCost &one : cost.ops) {
      kernels += one.kernels;
      one.op->setAttr(kCostAttr,
                      costAttr(context, one.total_us, one.bound, one.dramBytes, one.kernels));
    }
    module->setAttr(kCostAttr,
                    costAttr(context, cost.latency_us, cost.bound, cost.dramBytes, kernels));
    module->setAttr("mansard.target", mlir::StringAttr::get(context, cost.target));
  }

  static void remark(mlir::ModuleOp module, const ModuleCost &cost) {
    for (const OpCost &one : cost.ops)
      mlir::emitRemark(one.op->getLoc())
          << one.op->getName().getStringRef() << " " << sentence(one);
    for (const auto &[op, into] : cost.within)
      mlir::emitRemark(op->getLoc()) << op->getName().getStringRef() << " is done in the kernel of "
                                     << into->getName().getStringRef();
    for (const std::string &note : cost.notes)
      mlir::emitRemark(module.getLoc()) << note;
    mlir::emitRemark(module.getLoc())
        << fmt::format("a step takes {:.4g} us on {} (model {}), bound by {}", cost.latency_us,
                       cost.target, cost.model, name(cost.bound));
  }

  Option<std::string> target{*this, "target", llvm::cl::desc("A target's name or file")};
  Option<std::string> emit{*this, "emit", llvm::cl::desc("attributes (default), json or remarks")};
  ListOption<std::string> set{*this, "set", llvm::cl::desc("KEY=VALUE of the target, overridden")};
};

} // namespace

void setDefaultEmit(llvm::StringRef emit) { defaultEmit() = emit.str(); }

std::string costJson(const ModuleCost &cost) {
  using Json = nlohmann::ordered_json;
  const auto breakdown = [](const double(&parts)[MANSARD_BOUND_COUNT]) {
    Json json;
    for (uint32_t r = 0; r < MANSARD_BOUND_COUNT; ++r)
      json[std::string(name(r))] = parts[r];
    return json;
  };
  Json json{{"target", cost.target},
            {"model", cost.model},
            {"latency_us", cost.latency_us},
            {"bound", name(cost.bound)},
            {"breakdown_us", breakdown(cost.part_us)},
            {"dram_bytes", cost.dramBytes}};
  Json ops = Json::array();
  for (const OpCost &one : cost.ops)
    ops.push_back(Json{{"op", one.op->getName().getStringRef().str()},
                       {"location", placeOf(one.op->getLoc())},
                       {"kernels", one.kernels},
                       {"latency_us", one.total_us},
                       {"bound", name(one.bound)},
                       {"breakdown_us", breakdown(one.part_us)},
                       {"operations", one.operations},
                       {"dram_bytes", one.dramBytes}});
  json["ops"] = std::move(ops);
  Json within = Json::array();
  for (const auto &[op, into] : cost.within)
    within.push_back(Json{{"op", op->getName().getStringRef().str()},
                          {"location", placeOf(op->getLoc())},
                          {"in", placeOf(into->getLoc())}});
  json["within"] = std::move(within);
  json["notes"] = cost.notes;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::unique_ptr<mlir::Pass> createEstimatePass() { return std::make_unique<EstimatePass>(); }

} // namespace mansard::ir
