#include "Builtins.h"

#include "../KernelIR/Launch.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringSwitch.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicsAMDGPU.h>

#include <algorithm>

using namespace llvm;

namespace mansard::ir {
namespace {

using Extents = std::array<int64_t, 3>;

/// An id or a size as `type`; null if the call is none, or of a dimension not known here.
Value *launchValueOf(IRBuilder<> &build, StringRef name, const CallBase &call,
                     const work::LaunchGeometry &launch) {
  name.consume_front("__ockl_");
  Type *type = call.getType();
  if (name == "get_work_dim")
    return ConstantInt::get(type, 3);
  if (call.arg_size() != 1 || !type->isIntegerTy())
    return nullptr;
  const auto *argument = dyn_cast<ConstantInt>(call.getArgOperand(0));
  if (!argument || argument->getZExtValue() > 2)
    return nullptr;
  const uint64_t d = argument->getZExtValue();
  const auto id = [&](const std::array<Intrinsic::ID, 3> &intrinsics) {
    return build.CreateZExtOrTrunc(build.CreateIntrinsic(intrinsics[d], {}, {}), type);
  };
  const std::array<Intrinsic::ID, 3> threads{Intrinsic::amdgcn_workitem_id_x,
                                             Intrinsic::amdgcn_workitem_id_y,
                                             Intrinsic::amdgcn_workitem_id_z};
  const std::array<Intrinsic::ID, 3> groups{Intrinsic::amdgcn_workgroup_id_x,
                                            Intrinsic::amdgcn_workgroup_id_y,
                                            Intrinsic::amdgcn_workgroup_id_z};
  const auto extent = [&](const Extents &extents) { return std::max<int64_t>(1, extents[d]); };
  const auto constant = [&](int64_t value) -> Value * { return ConstantInt::get(type, value); };
  if (name == "get_local_id")
    return id(threads);
  if (name == "get_group_id")
    return id(groups);
  if (name == "get_global_id")
    return build.CreateAdd(build.CreateMul(id(groups), constant(extent(launch.block))),
                           id(threads));
  if (name == "get_local_size" || name == "get_enqueued_local_size")
    return constant(extent(launch.block));
  if (name == "get_num_groups")
    return constant(extent(launch.grid));
  if (name == "get_global_size")
    return constant(extent(launch.grid) * extent(launch.block));
  if (name == "get_global_offset")
    return constant(0);
  return nullptr;
}

/// A fence, or a barrier between two.
bool lowerSynchronisation(IRBuilder<> &build, StringRef name) {
  const SyncScope::ID group = build.getContext().getOrInsertSyncScopeID("workgroup");
  const bool barrier =
      name == "barrier" || name == "work_group_barrier" || name == "__ockl_wg_barrier";
  if (!barrier && name != "mem_fence" && name != "read_mem_fence" && name != "write_mem_fence")
    return false;
  if (barrier) {
    build.CreateFence(AtomicOrdering::Release, group);
    build.CreateIntrinsic(Intrinsic::amdgcn_s_barrier, {}, {});
    build.CreateFence(AtomicOrdering::Acquire, group);
  } else {
    build.CreateFence(AtomicOrdering::AcquireRelease, group);
  }
  return true;
}

/// OpenCL's unsigned types in a mangled name: unsigned char, short, int, long.
bool endsUnsigned(StringRef mangled) {
  return !mangled.empty() && StringRef("htjm").contains(mangled.back());
}

Value *lowerAtomic(IRBuilder<> &build, StringRef name, StringRef mangled, const CallBase &call) {
  if (!name.consume_front("atomic_") && !name.consume_front("atom_"))
    return nullptr;
  if (call.arg_size() == 0 || !call.getArgOperand(0)->getType()->isPointerTy() ||
      !call.getType()->isIntegerTy())
    return nullptr;
  Value *pointer = call.getArgOperand(0);
  constexpr AtomicOrdering kOrder = AtomicOrdering::Monotonic;
  const SyncScope::ID agent = build.getContext().getOrInsertSyncScopeID("agent");
  if (name == "cmpxchg" && call.arg_size() == 3)
    return build.CreateExtractValue(build.CreateAtomicCmpXchg(pointer, call.getArgOperand(1),
                                                              call.getArgOperand(2), MaybeAlign(),
                                                              kOrder, kOrder, agent),
                                    0);
  const bool isUnsigned = endsUnsigned(mangled);
  const auto operation = StringSwitch<AtomicRMWInst::BinOp>(name)
                             .Cases("add", "inc", AtomicRMWInst::Add)
                             .Cases("sub", "dec", AtomicRMWInst::Sub)
                             .Case("and", AtomicRMWInst::And)
                             .Case("or", AtomicRMWInst::Or)
                             .Case("xor", AtomicRMWInst::Xor)
                             .Case("xchg", AtomicRMWInst::Xchg)
                             .Case("min", isUnsigned ? AtomicRMWInst::UMin : AtomicRMWInst::Min)
                             .Case("max", isUnsigned ? AtomicRMWInst::UMax : AtomicRMWInst::Max)
                             .Default(AtomicRMWInst::BAD_BINOP);
  if (operation == AtomicRMWInst::BAD_BINOP || call.arg_size() > 2)
    return nullptr;
  Value *value = call.arg_size() == 2 ? call.getArgOperand(1) : ConstantInt::get(call.getType(), 1);
  return build.CreateAtomicRMW(operation, pointer, value, MaybeAlign(), kOrder, agent);
}

/// Division by the reciprocal instruction.
Value *quotient(IRBuilder<> &build, Value *over, Value *under) {
  IRBuilder<>::FastMathFlagGuard guard(build);
  FastMathFlags fast;
  fast.setAllowReciprocal();
  fast.setApproxFunc();
  build.setFastMathFlags(fast);
  return build.CreateFDiv(over, under);
}

struct Known {
  StringLiteral name;
  Intrinsic::ID intrinsic;
  size_t arguments;
  bool inDouble, ofVectors;
};

Value *lowerKnown(IRBuilder<> &build, StringRef name, Type *type, ArrayRef<Value *> arguments,
                  ArrayRef<Known> functions) {
  Type *element = type->getScalarType();
  for (StringRef plain : {name, name.ends_with("f") ? name.drop_back() : StringRef()}) // expf
    for (const Known &known : functions)
      if (plain == known.name && arguments.size() == known.arguments &&
          (known.inDouble || !element->isDoubleTy()) && (known.ofVectors || type == element))
        return build.CreateIntrinsic(known.intrinsic, {type}, arguments);
  return nullptr;
}

/// Functions that gfx9 has instructions for, or short sequences of them, in single and half
/// precision; in double precision only those that need no library.
Value *lowerFunction(IRBuilder<> &build, StringRef name, StringRef mangled, const CallBase &call) {
  for (StringRef prefix : {"__ocml_native_", "__ocml_", "native_", "half_"})
    if (name.consume_front(prefix))
      break;
  for (StringRef suffix : {"_f16", "_f32", "_f64"})
    if (name.consume_back(suffix))
      break;
  Type *type = call.getType(), *element = type->getScalarType();
  SmallVector<Value *, 3> arguments(call.args());
  if (arguments.empty() || any_of(arguments, [&](Value *v) { return v->getType() != type; }))
    return nullptr;
  if (element->isIntegerTy() && arguments.size() == 2 && (name == "min" || name == "max")) {
    const bool isUnsigned = endsUnsigned(mangled), most = name == "max";
    return build.CreateBinaryIntrinsic(most ? (isUnsigned ? Intrinsic::umax : Intrinsic::smax)
                                            : (isUnsigned ? Intrinsic::umin : Intrinsic::smin),
                                       arguments[0], arguments[1]);
  }
  if (!element->isFloatTy() && !element->isHalfTy() && !element->isDoubleTy())
    return nullptr;
  static constexpr Known kKnown[] = {
      {"exp", Intrinsic::exp, 1, false, true},
      {"exp2", Intrinsic::exp2, 1, false, true},
      {"exp10", Intrinsic::exp10, 1, false, true},
      {"log", Intrinsic::log, 1, false, true},
      {"log2", Intrinsic::log2, 1, false, true},
      {"log10", Intrinsic::log10, 1, false, true},
      {"sin", Intrinsic::sin, 1, false, true},
      {"cos", Intrinsic::cos, 1, false, true},
      {"sqrt", Intrinsic::sqrt, 1, true, true},
      {"rsqrt", Intrinsic::amdgcn_rsq, 1, true, false},
      {"recip", Intrinsic::amdgcn_rcp, 1, true, false},
      {"fma", Intrinsic::fma, 3, true, true},
      {"mad", Intrinsic::fmuladd, 3, true, true},
      {"fabs", Intrinsic::fabs, 1, true, true},
      {"floor", Intrinsic::floor, 1, true, true},
      {"ceil", Intrinsic::ceil, 1, true, true},
      {"trunc", Intrinsic::trunc, 1, true, true},
      {"rint", Intrinsic::rint, 1, true, true},
      {"round", Intrinsic::round, 1, true, true},
      {"copysign", Intrinsic::copysign, 2, true, true},
      {"fmin", Intrinsic::minnum, 2, true, true},
      {"fmax", Intrinsic::maxnum, 2, true, true},
      {"min", Intrinsic::minnum, 2, true, true},
      {"max", Intrinsic::maxnum, 2, true, true},
  };
  if (name == "divide" && arguments.size() == 2)
    return quotient(build, arguments[0], arguments[1]);
  if (element->isDoubleTy())
    return lowerKnown(build, name, type, arguments, kKnown);
  // tanh(x) = 1 - 2 / (exp(2 x) + 1), pow(x, y) = exp2(y log2 x): what fast forms of them come to.
  const auto is = [&](StringRef plain) { return name == plain || name == (plain + "f").str(); };
  if (is("tanh") && arguments.size() == 1) {
    Value *one = ConstantFP::get(type, 1), *two = ConstantFP::get(type, 2);
    Value *power = build.CreateUnaryIntrinsic(Intrinsic::exp, build.CreateFMul(arguments[0], two));
    return build.CreateFSub(one, quotient(build, two, build.CreateFAdd(power, one)));
  }
  if ((is("pow") || is("powr")) && arguments.size() == 2)
    return build.CreateUnaryIntrinsic(
        Intrinsic::exp2,
        build.CreateFMul(arguments[1], build.CreateUnaryIntrinsic(Intrinsic::log2, arguments[0])));
  return lowerKnown(build, name, type, arguments, kKnown);
}

} // namespace

void lowerBuiltins(Function &kernel, const work::LaunchGeometry &launch) {
  for (Instruction &instruction : make_early_inc_range(instructions(kernel))) {
    auto *call = dyn_cast<CallInst>(&instruction);
    const Function *callee = call ? call->getCalledFunction() : nullptr;
    if (!callee || callee->isIntrinsic() || !callee->isDeclaration())
      continue;
    const StringRef mangled = callee->getName(), name = plainName(mangled);
    IRBuilder<> build(call);
    if (call->getType()->isVoidTy()) {
      if (lowerSynchronisation(build, name))
        call->eraseFromParent();
      continue;
    }
    Value *value = launchValueOf(build, name, *call, launch);
    if (!value)
      value = lowerAtomic(build, name, mangled, *call);
    if (!value)
      value = lowerFunction(build, name, mangled, *call);
    if (!value)
      continue;
    call->replaceAllUsesWith(value);
    call->eraseFromParent();
  }
}

} // namespace mansard::ir
