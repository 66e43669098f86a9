#include "Operations.h"

#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::ir {
namespace {

double elementsOf(const llvm::Type *type) {
  auto *vector = llvm::dyn_cast<llvm::FixedVectorType>(type);
  return vector ? vector->getNumElements() : 1;
}

void addFloat(BlockWork &work, const llvm::Type *type, double operations) {
  work.floating[floatDType(type)] += operations * elementsOf(type);
}

double storeSize(const llvm::Module &module, llvm::Type *type) {
  return static_cast<double>(module.getDataLayout().getTypeStoreSize(type).getKnownMinValue());
}

void addAccess(FunctionWork &all, BlockWork &work, Access access) {
  ++work.memory;
  work.atomics += access.atomic;
  all.accesses.push_back(access);
}

bool isBarrier(llvm::StringRef name) {
  return name.starts_with("llvm.nvvm.barrier") || name.starts_with("llvm.nvvm.bar.sync") ||
         name.starts_with("llvm.amdgcn.s.barrier") || name == "__syncthreads" ||
         plainName(name) == "barrier" || plainName(name) == "work_group_barrier" ||
         name == "__ockl_wg_barrier";
}

/// Exchanges inside of a warp, votes and the like: an instruction each.
bool isExchange(llvm::StringRef name) {
  for (llvm::StringRef prefix : {"llvm.nvvm.shfl",
                                 "llvm.nvvm.vote",
                                 "llvm.nvvm.match",
                                 "llvm.nvvm.activemask",
                                 "llvm.nvvm.redux",
                                 "llvm.nvvm.bar.warp",
                                 "llvm.amdgcn.ds.bpermute",
                                 "llvm.amdgcn.ds.permute",
                                 "llvm.amdgcn.ds.swizzle",
                                 "llvm.amdgcn.readlane",
                                 "llvm.amdgcn.readfirstlane",
                                 "llvm.amdgcn.writelane",
                                 "llvm.amdgcn.update.dpp",
                                 "llvm.amdgcn.mov.dpp",
                                 "llvm.amdgcn.ballot",
                                 "llvm.amdgcn.mbcnt",
                                 "llvm.amdgcn.permlane",
                                 "llvm.amdgcn.wqm",
                                 "llvm.amdgcn.perm",
                                 "llvm.amdgcn.sad",
                                 "llvm.amdgcn.ubfe",
                                 "llvm.amdgcn.sbfe",
                                 "llvm.amdgcn.mul.u24",
                                 "llvm.amdgcn.mul.i24",
                                 "llvm.nvvm.prmt",
                                 "llvm.nvvm.mulhi"})
    if (name.starts_with(prefix))
      return true;
  return false;
}

/// Neither work nor traffic: hints, fences, debug information, and what the launch answers.
bool isFree(llvm::StringRef name) {
  if (asksLaunch(name))
    return true;
  for (llvm::StringRef prefix : {"llvm.dbg",
                                 "llvm.lifetime",
                                 "llvm.assume",
                                 "llvm.expect",
                                 "llvm.invariant",
                                 "llvm.experimental.noalias",
                                 "llvm.nvvm.membar",
                                 "llvm.nvvm.fence",
                                 "llvm.amdgcn.s.waitcnt",
                                 "llvm.amdgcn.sched",
                                 "llvm.amdgcn.iglp",
                                 "llvm.amdgcn.wave.barrier",
                                 "llvm.amdgcn.dispatch.ptr",
                                 "llvm.amdgcn.implicitarg",
                                 "llvm.amdgcn.kernarg",
                                 "llvm.amdgcn.s.setprio",
                                 "llvm.amdgcn.s.sleep",
                                 "llvm.nvvm.cp.async.commit",
                                 "llvm.nvvm.cp.async.wait",
                                 "llvm.nvvm.ptr",
                                 "llvm.trap",
                                 "llvm.prefetch",
                                 "llvm.stacksave",
                                 "llvm.stackrestore",
                                 "llvm.sideeffect",
                                 "llvm.annotation",
                                 "llvm.var.annotation",
                                 "llvm.ptr.annotation",
                                 "llvm.amdgcn.is.shared",
                                 "llvm.amdgcn.is.private",
                                 "llvm.amdgcn.endpgm",
                                 "llvm.is.constant",
                                 "llvm.objectsize",
                                 "llvm.launder",
                                 "llvm.strip",
                                 "llvm.va_",
                                 "llvm.vscale",
                                 "llvm.get.active.lane",
                                 "llvm.fake.use",
                                 "llvm.nvvm.read.ptx.sreg"})
    if (name.starts_with(prefix))
      return true;
  return plainName(name) == "mem_fence" || plainName(name) == "atomic_work_item_fence";
}

/// OpenCL and CUDA atomics that are calls: "_Z10atomic_addPU3AS1Vjj".
bool isAtomic(llvm::StringRef name) {
  name = plainName(name);
  return name.starts_with("atomic_") || name.starts_with("atom_") ||
         name.starts_with("llvm.nvvm.atomic");
}

/// Sizes of the launch that AMD kernels load: in scalar registers before long.
bool readsLaunch(const llvm::LoadInst &load) {
  auto *call = llvm::dyn_cast<llvm::CallBase>(llvm::getUnderlyingObject(load.getPointerOperand()));
  const llvm::Function *callee = call ? call->getCalledFunction() : nullptr;
  return callee && (callee->getName() == "llvm.amdgcn.dispatch.ptr" ||
                    callee->getName() == "llvm.amdgcn.implicitarg.ptr");
}

Result<> countIntrinsic(const llvm::IntrinsicInst &call, BlockWork &work, FunctionWork &all,
                        bool &counted) {
  counted = true;
  llvm::Type *type = call.getType();
  const llvm::Module &module = *call.getModule();
  switch (call.getIntrinsicID()) {
  case llvm::Intrinsic::memcpy:
  case llvm::Intrinsic::memmove:
  case llvm::Intrinsic::memcpy_inline: {
    auto &copy = llvm::cast<llvm::MemTransferInst>(call);
    addAccess(all, work, {&call, copy.getSource(), 0, copy.getLength(), true, false});
    addAccess(all, work, {&call, copy.getDest(), 0, copy.getLength(), false, true});
    return Ok{};
  }
  case llvm::Intrinsic::memset:
  case llvm::Intrinsic::memset_inline: {
    auto &fill = llvm::cast<llvm::MemSetInst>(call);
    addAccess(all, work, {&call, fill.getDest(), 0, fill.getLength(), false, true});
    return Ok{};
  }
  case llvm::Intrinsic::masked_load:
    addAccess(all, work, {&call, call.getArgOperand(0), storeSize(module, type), nullptr, true});
    return Ok{};
  case llvm::Intrinsic::masked_store:
    addAccess(all, work,
              {&call, call.getArgOperand(1), storeSize(module, call.getArgOperand(0)->getType()),
               nullptr, false, true});
    return Ok{};
  case llvm::Intrinsic::masked_gather:
    addAccess(all, work, {&call, call.getArgOperand(0), storeSize(module, type), nullptr, true});
    return Ok{};
  case llvm::Intrinsic::masked_scatter:
    addAccess(all, work,
              {&call, call.getArgOperand(1), storeSize(module, call.getArgOperand(0)->getType()),
               nullptr, false, true});
    return Ok{};
  case llvm::Intrinsic::vector_reduce_fadd:
  case llvm::Intrinsic::vector_reduce_fmul:
    addFloat(work, call.getArgOperand(1)->getType(), 1);
    return Ok{};
  case llvm::Intrinsic::vector_reduce_fmax:
  case llvm::Intrinsic::vector_reduce_fmin:
    addFloat(work, call.getArgOperand(0)->getType(), 1);
    return Ok{};
  default:
    break;
  }
  if (call.getCalledFunction()->getName().starts_with("llvm.nvvm.ldg.") ||
      call.getCalledFunction()->getName().starts_with("llvm.nvvm.ldu.")) {
    addAccess(all, work, {&call, call.getArgOperand(0), storeSize(module, type), nullptr, true});
    return Ok{};
  }
  const llvm::StringRef name = call.getCalledFunction()->getName();
  if (name.starts_with("llvm.nvvm.cp.async.") && name.contains(".shared.global.")) {
    unsigned bytes = 0;
    const size_t at = name.rfind('.');
    llvm::StringRef last = name.drop_front(at + 1);
    if (last == "s")
      last = name.take_front(at).rsplit('.').second;
    if (last.getAsInteger(10, bytes))
      bytes = 16;
    addAccess(all, work, {&call, call.getArgOperand(1), double(bytes), nullptr, true, false});
    addAccess(all, work, {&call, call.getArgOperand(0), double(bytes), nullptr, false, true});
    return Ok{};
  }
  if (name.starts_with("llvm.amdgcn.") && name.contains("buffer.")) {
    const bool store = name.contains(".store");
    Access access{&call, call.getArgOperand(store ? 1 : 0),
                  storeSize(module, store ? call.getArgOperand(0)->getType() : type)};
    access.reads = !store;
    access.writes = store || name.contains("atomic");
    access.atomic = name.contains("atomic");
    addAccess(all, work, access);
    return Ok{};
  }
  counted = false;
  return Ok{};
}

Result<> countCall(const llvm::CallBase &call, const Launch &launch, BlockWork &work,
                   FunctionWork &all) {
  const llvm::Module &module = *call.getModule();
  llvm::Type *type = call.getType();
  const auto addMatrix = [&](const MatrixWork &matrix) {
    work.matrix[matrix.dtype] += matrix.operations / launch.warp;
  };
  if (call.isInlineAsm()) {
    const llvm::StringRef text =
        llvm::cast<llvm::InlineAsm>(call.getCalledOperand())->getAsmString();
    if (const auto matrix = matrixWork(text, nullptr, launch.warp)) {
      addMatrix(*matrix);
    } else if (!text.empty()) {
      ++work.integer;
      all.notes.push_back(
          fmt::format("inline assembly in block %{} (\"{}\") counted as one integer "
                      "operation",
                      call.getParent()->getName().str(), text.substr(0, 40).str()));
    }
    return Ok{};
  }
  const llvm::StringRef name = call.getCalledFunction()->getName();
  if (auto *intrinsic = llvm::dyn_cast<llvm::IntrinsicInst>(&call)) {
    bool counted = false;
    if (auto done = countIntrinsic(*intrinsic, work, all, counted); !done || counted)
      return done;
  }
  if (const auto move = matrixMove(name)) {
    Access access{&call, call.getArgOperand(0), move->columns * move->elementBytes};
    access.reads = !move->store;
    access.writes = move->store;
    access.rows = move->rows;
    access.elementBytes = move->elementBytes;
    access.byWarp = true;
    const llvm::Value *last = call.getArgOperand(call.arg_size() - 1);
    access.rowStride = name.contains(".stride") ? last : nullptr;
    addAccess(all, work, access);
    return Ok{};
  }
  if (const auto matrix = matrixWork(name, type, launch.warp)) {
    addMatrix(*matrix);
    return Ok{};
  }
  if (isBarrier(name)) {
    ++work.barriers;
    return Ok{};
  }
  if (isFree(name))
    return Ok{};
  if (isExchange(name)) {
    ++work.integer;
    return Ok{};
  }
  if (isAtomic(name)) {
    Access access{&call, call.getArgOperand(0),
                  storeSize(module, type->isVoidTy() ? call.getArgOperand(1)->getType() : type)};
    access.reads = access.writes = access.atomic = true;
    addAccess(all, work, access);
    return Ok{};
  }
  const llvm::Type *element =
      type->isVoidTy() && call.arg_size() ? call.getArgOperand(0)->getType() : type;
  if (const auto cost = functionCost(name); cost && element->isFPOrFPVectorTy()) {
    work.special += cost->special * elementsOf(element);
    addFloat(work, element, cost->operations);
    return Ok{};
  }
  if (name.starts_with("llvm.")) { // integer intrinsics: min, max, abs, bit counts, saturation
    if (element->isIntOrIntVectorTy())
      work.integer += elementsOf(element);
    else if (element->isFPOrFPVectorTy())
      addFloat(work, element, 1);
    else if (element->isStructTy())
      ++work.integer;
    return Ok{};
  }
  const llvm::StringRef plain = plainName(name);
  if (name != plain || name.starts_with("__ocml_") || name.starts_with("__nv_")) {
    // A built-in of a device library that is no known function: min, max, mul24, conversions ...
    if (element->isFPOrFPVectorTy())
      addFloat(work, element, 1);
    else
      work.integer += elementsOf(element);
    if (!plain.starts_with("convert_") && !plain.starts_with("as_"))
      all.notes.push_back(fmt::format("@{} counted as one operation", name.str()));
    return Ok{};
  }
  return Error{ErrorCode::invalidInput,
               fmt::format("block %{} calls @{}, which the module does not define and which is no "
                           "known mathematical function: link its definition in (llvm-link)",
                           call.getParent()->getName().str(), name.str()),
               "@" + call.getFunction()->getName().str()};
}

} // namespace

uint32_t floatDType(const llvm::Type *type) {
  const llvm::Type *scalar = type->getScalarType();
  if (scalar->isDoubleTy())
    return MANSARD_DTYPE_FP64;
  if (scalar->isHalfTy())
    return MANSARD_DTYPE_FP16;
  if (scalar->isBFloatTy())
    return MANSARD_DTYPE_BF16;
  return MANSARD_DTYPE_FP32;
}

Result<> countInstruction(const llvm::Instruction &instruction, const Launch &launch,
                          BlockWork &work, FunctionWork &all) {
  using Op = llvm::Instruction;
  llvm::Type *type = instruction.getType();
  const llvm::Module &module = *instruction.getModule();
  switch (instruction.getOpcode()) {
  case Op::FAdd:
  case Op::FSub:
  case Op::FMul:
    addFloat(work, type, 1);
    break;
  case Op::FDiv: // a reciprocal and a multiplication
    work.special += elementsOf(type);
    addFloat(work, type, 1);
    break;
  case Op::FRem:
    work.special += 2 * elementsOf(type);
    addFloat(work, type, 4);
    break;
  case Op::FCmp:
    addFloat(work, instruction.getOperand(0)->getType(), 1);
    break;
  case Op::FPToSI:
  case Op::FPToUI:
  case Op::FPTrunc:
    addFloat(work, instruction.getOperand(0)->getType(), 1);
    break;
  case Op::SIToFP:
  case Op::UIToFP:
  case Op::FPExt:
    addFloat(work, type, 1);
    break;
  case Op::Add:
  case Op::Sub:
  case Op::Mul:
  case Op::UDiv:
  case Op::SDiv:
  case Op::URem:
  case Op::SRem:
  case Op::Shl:
  case Op::LShr:
  case Op::AShr:
  case Op::And:
  case Op::Or:
  case Op::Xor:
  case Op::Select:
    work.integer += elementsOf(type);
    break;
  case Op::ICmp:
    work.integer += elementsOf(instruction.getOperand(0)->getType());
    break;
  case Op::GetElementPtr: // a multiply-add for each index that is not constant
    for (const llvm::Use &index : llvm::cast<llvm::GetElementPtrInst>(instruction).indices())
      work.integer += !llvm::isa<llvm::Constant>(index);
    break;
  case Op::Br:
  case Op::Switch:
    work.branches += instruction.getNumSuccessors() > 1;
    break;
  case Op::Load:
    if (readsLaunch(llvm::cast<llvm::LoadInst>(instruction)))
      break;
    addAccess(all, work,
              {&instruction, llvm::cast<llvm::LoadInst>(instruction).getPointerOperand(),
               storeSize(module, type), nullptr, true});
    break;
  case Op::Store: {
    auto &store = llvm::cast<llvm::StoreInst>(instruction);
    addAccess(all, work,
              {&instruction, store.getPointerOperand(),
               storeSize(module, store.getValueOperand()->getType()), nullptr, false, true});
    break;
  }
  case Op::AtomicRMW:
  case Op::AtomicCmpXchg: {
    llvm::Type *value =
        instruction.getOpcode() == Op::AtomicRMW
            ? type
            : llvm::cast<llvm::AtomicCmpXchgInst>(instruction).getCompareOperand()->getType();
    Access access{&instruction, instruction.getOperand(0), storeSize(module, value)};
    access.reads = access.writes = access.atomic = true;
    addAccess(all, work, access);
    break;
  }
  case Op::Call:
  case Op::Invoke:
    return countCall(llvm::cast<llvm::CallBase>(instruction), launch, work, all);
  default: // phis, casts of width, moves, sign changes: free
    break;
  }
  return Ok{};
}

} // namespace mansard::ir
