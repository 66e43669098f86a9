#include <Lowering/ToProgram.h>

#include "Memory.h"

#include <IR/Mansard.h>
#include <Lowering/Attributes.h>

#include <mlir/Dialect/Func/IR/FuncOps.h>

#include <fmt/format.h>

namespace mansard::ir {
namespace {

class Flattener {
public:
  Result<work::Program> run(mlir::func::FuncOp step) {
    if (auto result = flatten(step.getBody().front(), 1, 0); !result)
      return result.error();
    program_.memory = memoryOf(step);
    if (auto tokens = step->getAttrOfType<mlir::FloatAttr>(kTokensAttr))
      program_.tokens = tokens.getValueAsDouble();
    else
      program_.notes.push_back("the module does not say how many tokens its step yields");
    if (auto devices = step->getAttrOfType<mlir::IntegerAttr>(kDevicesAttr))
      program_.devices = devices.getInt();
    if (auto notes = step->getAttrOfType<mlir::ArrayAttr>(kNotesAttr))
      for (auto note : notes.getAsRange<mlir::StringAttr>())
        program_.notes.push_back(note.str());
    return std::move(program_);
  }

private:
  Result<> flatten(mlir::Block &block, int64_t count, uint32_t overlap) {
    for (mlir::Operation &op : block) {
      if (auto repeat = llvm::dyn_cast<RepeatOp>(op)) {
        if (auto result = flatten(repeat.getBody().front(),
                                  count * static_cast<int64_t>(repeat.getCount()), overlap);
            !result)
          return result;
      } else if (auto region = llvm::dyn_cast<OverlapOp>(op)) {
        if (auto result = flatten(region.getBody().front(), count, ++overlaps_); !result)
          return result;
      } else if (auto kernelOp = llvm::dyn_cast<KernelOpInterface>(op)) {
        if (auto result = addSteps(kernelOp, count, overlap); !result)
          return result;
      } else if (!llvm::isa<YieldOp, mlir::func::ReturnOp>(op)) {
        return Error{ErrorCode::unsupported,
                     fmt::format("'{}' has no kernels; only ops of the mansard dialect do",
                                 op.getName().getStringRef().str()),
                     ""};
      }
    }
    return Ok{};
  }

  Result<> addSteps(KernelOpInterface op, int64_t count, uint32_t overlap) {
    llvm::SmallVector<mansard_kernel, 2> kernels;
    op.getKernels(kernels);
    const auto lane = op->getAttrOfType<mlir::IntegerAttr>(kLaneAttr);
    for (const mansard_kernel &kernel : kernels) {
      if (auto valid = work::check(kernel); !valid)
        return Error{valid.error().code,
                     fmt::format("{}: {}", labelOf(op).str(), valid.error().message), ""};
      program_.steps.push_back({work::internKernel(program_, kernel), count, overlap,
                                overlap && lane ? static_cast<uint32_t>(lane.getInt()) : 0,
                                labelOf(op).str()});
    }
    return Ok{};
  }

  work::Program program_;
  uint32_t overlaps_ = 0;
};

} // namespace

Result<work::Program> toProgram(mlir::ModuleOp module) {
  auto functions = module.getOps<mlir::func::FuncOp>();
  const auto count = std::distance(functions.begin(), functions.end());
  if (count != 1)
    return Error{ErrorCode::invalidInput,
                 fmt::format("the module has {} functions; a step is one", count), ""};
  mlir::func::FuncOp step = *functions.begin();
  if (step.isExternal())
    return Error{ErrorCode::invalidInput, fmt::format("@{} has no body", step.getName().str()), ""};
  return Flattener().run(step);
}

} // namespace mansard::ir
