#include <Lowering/ToProgram.h>

#include "Memory.h"

#include <IR/Mansard.h>
#include <IR/Stages.h>
#include <Lowering/Attributes.h>

#include <mlir/Dialect/Func/IR/FuncOps.h>

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace mansard::ir {
namespace {

class Flattener {
public:
  explicit Flattener(std::vector<mlir::Operation *> *opOfStep) : opOfStep_(opOfStep) {}

  Result<work::Program> run(mlir::func::FuncOp step) {
    if (auto result = flatten(step.getBody().front(), 1, 0); !result)
      return result.error();
    program_.memory = memoryOf(step);
    if (auto tokens = step->getAttrOfType<mlir::FloatAttr>(kTokensAttr))
      program_.tokens = tokens.getValueAsDouble();
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
        int64_t turns = 0;
        if (__builtin_mul_overflow(count, static_cast<int64_t>(repeat.getCount()), &turns))
          return Error{ErrorCode::invalidInput, "what repeats in repeats runs more than 2^63 times",
                       placeOf(repeat)};
        if (auto result = flatten(repeat.getBody().front(), turns, overlap); !result)
          return result;
      } else if (auto region = llvm::dyn_cast<OverlapOp>(op)) {
        mlir::Block &body = region.getBody().front();
        if (auto result = flatten(body, count, overlaps_ + 1); !result)
          return result;
        overlaps_ += stagesOf(body);
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

  static uint32_t stageOf(mlir::Operation *op) {
    const auto stage = op->getAttrOfType<mlir::IntegerAttr>(kStageAttr);
    return stage ? static_cast<uint32_t>(stage.getInt()) : 0;
  }

  static uint32_t stagesOf(mlir::Block &overlap) {
    uint32_t last = 0;
    for (mlir::Operation &op : overlap)
      last = std::max(last, stageOf(&op));
    return last + 1;
  }

  static std::string placeOf(mlir::Operation *op) {
    const auto place = llvm::dyn_cast<mlir::FileLineColLoc>(op->getLoc());
    return place ? fmt::format("{}:{}:{}", place.getFilename().str(), place.getLine(),
                               place.getColumn())
                 : "";
  }

  Result<> addSteps(KernelOpInterface op, int64_t count, uint32_t overlap) {
    if (auto custom = llvm::dyn_cast<CustomOp>(op.getOperation());
        custom && custom.getKernelAttr() && !custom.getCounted())
      return Error{ErrorCode::invalidInput,
                   fmt::format("@{} is not counted: --mansard-count-kernels=target=T does",
                               custom.getKernel()->str()),
                   ""};
    llvm::SmallVector<mansard_kernel, 2> kernels;
    op.getKernels(kernels);
    const auto lane = op->getAttrOfType<mlir::IntegerAttr>(kLaneAttr);
    for (const mansard_kernel &kernel : kernels) {
      if (auto valid = work::check(kernel); !valid)
        return Error{valid.error().code,
                     fmt::format("{}: {}", labelOf(op).str(), valid.error().message), ""};
      program_.steps.push_back({intern(kernel), count, overlap ? overlap + stageOf(op) : 0,
                                overlap && lane ? static_cast<uint32_t>(lane.getInt()) : 0,
                                labelOf(op).str()});
      if (opOfStep_)
        opOfStep_->push_back(op);
    }
    return Ok{};
  }

  /// As `work::internKernel`, in a time that does not grow with the program.
  uint32_t intern(const mansard_kernel &kernel) {
    const auto bytes =
        std::string_view(reinterpret_cast<const char *>(&kernel), sizeof kernel); // equal()'s too
    const auto [at, isNew] =
        places_.try_emplace(std::string(bytes), static_cast<uint32_t>(program_.kernels.size()));
    if (isNew)
      program_.kernels.push_back(kernel);
    return at->second;
  }

  std::vector<mlir::Operation *> *opOfStep_;
  std::unordered_map<std::string, uint32_t> places_; // of a kernel's bytes
  work::Program program_;
  uint32_t overlaps_ = 0; // groups so far
};

} // namespace

Result<work::Program> toProgram(mlir::ModuleOp module, std::vector<mlir::Operation *> *opOfStep) {
  auto functions = module.getOps<mlir::func::FuncOp>();
  const auto count = std::distance(functions.begin(), functions.end());
  if (count != 1)
    return Error{ErrorCode::invalidInput,
                 fmt::format("the module has {} functions; a step is one", count), ""};
  mlir::func::FuncOp step = *functions.begin();
  if (step.isExternal())
    return Error{ErrorCode::invalidInput, fmt::format("@{} has no body", step.getName().str()), ""};
  return Flattener(opOfStep).run(step);
}

} // namespace mansard::ir
