#include "Values.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/GetElementPtrTypeIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/IntrinsicsAMDGPU.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/MathExtras.h>

#include <algorithm>

namespace mansard::ir {
namespace {

constexpr int kDeepest = 2000; // nested operands that are followed

unsigned widthOf(const llvm::Type *type, const llvm::DataLayout &layout) {
  if (type->isPointerTy())
    return 64;
  return type->isIntegerTy()
             ? type->getIntegerBitWidth()
             : static_cast<unsigned>(layout.getTypeSizeInBits(const_cast<llvm::Type *>(type)));
}

int64_t wrapped(int64_t value, unsigned width) {
  return width >= 64 ? value : llvm::SignExtend64(static_cast<uint64_t>(value), width);
}
uint64_t bits(int64_t value, unsigned width) {
  return width >= 64 ? static_cast<uint64_t>(value)
                     : static_cast<uint64_t>(value) & llvm::maskTrailingOnes<uint64_t>(width);
}

/// Two's complement, without the undefined overflow of C++.
int64_t add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t multiply(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

std::optional<Number> plain(int64_t value) { return Number{nullptr, value}; }

} // namespace

std::string nameOf(const llvm::Argument &argument) {
  return argument.hasName() ? argument.getName().str() : "#" + std::to_string(argument.getArgNo());
}

std::string nameOfObject(const llvm::Value &object) {
  if (auto *argument = llvm::dyn_cast<llvm::Argument>(&object))
    return nameOf(*argument);
  if (llvm::isa<llvm::GlobalValue>(object))
    return "@" + object.getName().str();
  if (llvm::isa<llvm::AllocaInst>(object))
    return object.hasName() ? "%" + object.getName().str() : "a local array";
  if (auto *instruction = llvm::dyn_cast<llvm::Instruction>(&object))
    return (object.hasName() ? "%" + object.getName().str() : std::string("a pointer")) + " of %" +
           instruction->getParent()->getName().str();
  return "a constant address";
}

Values::Values(const llvm::Function &function, const Launch &launch,
               const work::KernelQuestion &question, const llvm::LoopInfo &loops,
               llvm::ScalarEvolution &evolution, const llvm::DominatorTree &dominators)
    : function_(function), layout_(function.getParent()->getDataLayout()), launch_(launch),
      question_(question), loops_(loops), evolution_(evolution), dominators_(dominators) {}

void Values::setThread(const ThreadId &thread) {
  thread_ = thread;
  ++epoch_;
}

void Values::setTurn(const llvm::Loop *loop, int64_t turn) {
  int64_t &now = turns_[loop];
  if (now == turn)
    return;
  now = turn;
  ++epoch_;
}

std::optional<Number> Values::number(const llvm::Value *value) {
  if (auto *constant = llvm::dyn_cast<llvm::ConstantInt>(value))
    return constant->getBitWidth() <= 64 ? plain(constant->getSExtValue()) : std::nullopt;
  {
    Memo &memo = memo_[value];
    if (memo.epoch == epoch_)
      return memo.number;
    if (memo.busy || depth_ >= kDeepest)
      return std::nullopt;
    memo.busy = true;
  }
  const uint64_t epoch = epoch_;
  ++depth_;
  std::optional<Number> number = compute(value);
  --depth_;
  Memo &memo = memo_[value];
  memo.busy = false;
  if (epoch == epoch_) {
    memo.epoch = epoch;
    memo.number = number;
  }
  return number;
}

std::optional<int64_t> Values::integer(const llvm::Value *value) {
  const auto found = number(value);
  return found && !found->base ? std::optional(found->value) : std::nullopt;
}

std::optional<int64_t> Values::integer(const llvm::SCEV *value) {
  const auto found = expression(value);
  return found && !found->base ? std::optional(found->value) : std::nullopt;
}

const llvm::Value *Values::object(const llvm::Value *address) {
  if (const auto found = number(address); found && found->base)
    return found->base;
  for (int steps = 0; steps < kDeepest; ++steps) {
    if (auto *gep = llvm::dyn_cast<llvm::GEPOperator>(address)) {
      address = gep->getPointerOperand();
    } else if (auto *cast = llvm::dyn_cast<llvm::CastInst>(address)) {
      address = cast->getOperand(0);
    } else if (auto *phi = llvm::dyn_cast<llvm::PHINode>(address)) {
      address = phi->getIncomingValue(0);
    } else if (auto *select = llvm::dyn_cast<llvm::SelectInst>(address)) {
      address = select->getTrueValue();
    } else if (auto *constant = llvm::dyn_cast<llvm::ConstantExpr>(address)) {
      address = constant->getOperand(0);
    } else {
      return address;
    }
  }
  return address;
}

std::optional<Number> Values::compute(const llvm::Value *value) {
  llvm::Type *type = value->getType();
  if (!type->isIntegerTy() && !type->isPointerTy())
    return std::nullopt;
  if (type->isIntegerTy() && type->getIntegerBitWidth() > 64)
    return std::nullopt;
  if (auto *argument = llvm::dyn_cast<llvm::Argument>(value)) {
    if (type->isPointerTy())
      return Number{argument, 0};
    auto given = question_.arguments.find("#" + std::to_string(argument->getArgNo()));
    if (given == question_.arguments.end())
      given = question_.arguments.find(argument->getName().str());
    if (given != question_.arguments.end())
      return plain(wrapped(given->second, type->getIntegerBitWidth()));
    missing_.insert(argument);
    return std::nullopt;
  }
  if (llvm::isa<llvm::GlobalVariable>(value))
    return Number{value, 0};
  if (llvm::isa<llvm::ConstantPointerNull>(value))
    return plain(0);
  if (auto *gep = llvm::dyn_cast<llvm::GEPOperator>(value))
    return address(*gep);
  if (auto *constant = llvm::dyn_cast<llvm::ConstantExpr>(value))
    return constant->isCast() ? number(constant->getOperand(0)) : std::nullopt;
  if (auto *instr = llvm::dyn_cast<llvm::Instruction>(value))
    return instruction(*instr);
  return std::nullopt;
}

std::optional<Number> Values::instruction(const llvm::Instruction &instruction) {
  if (auto *operation = llvm::dyn_cast<llvm::BinaryOperator>(&instruction))
    return binary(*operation);
  if (auto *conversion = llvm::dyn_cast<llvm::CastInst>(&instruction))
    return cast(*conversion);
  if (auto *comparison = llvm::dyn_cast<llvm::ICmpInst>(&instruction))
    return compare(*comparison);
  if (auto *phi = llvm::dyn_cast<llvm::PHINode>(&instruction)) {
    const llvm::Loop *loop = loops_.getLoopFor(phi->getParent());
    return loop && loop->getHeader() == phi->getParent() ? loopVariable(*phi, loop) : merge(*phi);
  }
  if (auto *choice = llvm::dyn_cast<llvm::SelectInst>(&instruction)) {
    const auto condition = integer(choice->getCondition());
    if (condition)
      return number(*condition & 1 ? choice->getTrueValue() : choice->getFalseValue());
    const auto one = number(choice->getTrueValue()), other = number(choice->getFalseValue());
    return one && other && one->base == other->base && one->value == other->value ? one
                                                                                  : std::nullopt;
  }
  if (auto *invocation = llvm::dyn_cast<llvm::CallBase>(&instruction))
    return call(*invocation);
  if (auto *loading = llvm::dyn_cast<llvm::LoadInst>(&instruction))
    return load(*loading);
  if (auto *freeze = llvm::dyn_cast<llvm::FreezeInst>(&instruction))
    return number(freeze->getOperand(0));
  if (llvm::isa<llvm::AllocaInst>(instruction))
    return Number{&instruction, 0};
  return std::nullopt;
}

std::optional<Number> Values::binary(const llvm::BinaryOperator &operation) {
  const unsigned width = widthOf(operation.getType(), layout_);
  const auto left = number(operation.getOperand(0));
  const auto right = number(operation.getOperand(1));
  using Op = llvm::Instruction;
  // Some operands decide alone.
  const auto decides = [&](const std::optional<Number> &one) -> std::optional<Number> {
    if (!one || one->base)
      return std::nullopt;
    if (one->value == 0 && (operation.getOpcode() == Op::And || operation.getOpcode() == Op::Mul))
      return plain(0);
    if (one->value == -1 && operation.getOpcode() == Op::Or)
      return plain(-1);
    return std::nullopt;
  };
  if (!left || !right) {
    const auto decided = decides(left);
    return decided ? decided : decides(right);
  }
  const int64_t a = left->value, b = right->value;
  if (left->base || right->base) {
    if (operation.getOpcode() == Op::Add && !(left->base && right->base))
      return Number{left->base ? left->base : right->base, add(a, b)};
    if (operation.getOpcode() == Op::Sub && left->base && !right->base)
      return Number{left->base, add(a, multiply(b, -1))};
    if (operation.getOpcode() == Op::Sub && left->base == right->base)
      return plain(wrapped(add(a, multiply(b, -1)), width));
    return std::nullopt;
  }
  const uint64_t ua = bits(a, width), ub = bits(b, width);
  const auto result = [&](int64_t value) { return plain(wrapped(value, width)); };
  const auto unsignedResult = [&](uint64_t value) { return result(static_cast<int64_t>(value)); };
  switch (operation.getOpcode()) {
  case Op::Add:
    return result(add(a, b));
  case Op::Sub:
    return result(add(a, multiply(b, -1)));
  case Op::Mul:
    return result(multiply(a, b));
  case Op::UDiv:
    return ub ? unsignedResult(ua / ub) : std::nullopt;
  case Op::URem:
    return ub ? unsignedResult(ua % ub) : std::nullopt;
  case Op::SDiv:
    return b && !(b == -1) ? result(a / b) : b ? result(multiply(a, -1)) : std::nullopt;
  case Op::SRem:
    return b == -1 ? result(0) : b ? result(a % b) : std::nullopt;
  case Op::Shl:
    return ub < width ? unsignedResult(ua << ub) : std::nullopt;
  case Op::LShr:
    return ub < width ? unsignedResult(ua >> ub) : std::nullopt;
  case Op::AShr:
    return ub < width ? result(a >> ub) : std::nullopt;
  case Op::And:
    return result(a & b);
  case Op::Or:
    return result(a | b);
  case Op::Xor:
    return result(a ^ b);
  default:
    return std::nullopt;
  }
}

std::optional<Number> Values::cast(const llvm::CastInst &cast) {
  const auto from = number(cast.getOperand(0));
  if (!from)
    return std::nullopt;
  const unsigned width = widthOf(cast.getType(), layout_);
  switch (cast.getOpcode()) {
  case llvm::Instruction::ZExt:
    return plain(
        static_cast<int64_t>(bits(from->value, widthOf(cast.getOperand(0)->getType(), layout_))));
  case llvm::Instruction::SExt:
    return plain(from->value);
  case llvm::Instruction::Trunc:
    return from->base ? std::nullopt : plain(wrapped(from->value, width));
  case llvm::Instruction::PtrToInt:
  case llvm::Instruction::IntToPtr:
  case llvm::Instruction::AddrSpaceCast:
  case llvm::Instruction::BitCast:
    return from;
  default:
    return std::nullopt;
  }
}

std::optional<Number> Values::compare(const llvm::ICmpInst &compare) {
  const auto left = number(compare.getOperand(0)), right = number(compare.getOperand(1));
  if (!left || !right || left->base != right->base)
    return std::nullopt;
  const unsigned width = widthOf(compare.getOperand(0)->getType(), layout_);
  const llvm::APInt a(64, compare.isUnsigned() ? bits(left->value, width)
                                               : static_cast<uint64_t>(left->value));
  const llvm::APInt b(64, compare.isUnsigned() ? bits(right->value, width)
                                               : static_cast<uint64_t>(right->value));
  return plain(llvm::ICmpInst::compare(a, b, compare.getPredicate()) ? -1 : 0);
}

std::optional<Number> Values::call(const llvm::CallBase &call) {
  const llvm::Function *callee = call.getCalledFunction();
  if (!callee)
    return std::nullopt;
  if (auto *intrinsic = llvm::dyn_cast<llvm::IntrinsicInst>(&call)) {
    const unsigned width = widthOf(call.getType(), layout_);
    const auto both = [&](auto function) -> std::optional<Number> {
      const auto a = integer(call.getArgOperand(0)), b = integer(call.getArgOperand(1));
      return a && b ? plain(function(*a, *b)) : std::nullopt;
    };
    switch (intrinsic->getIntrinsicID()) {
    case llvm::Intrinsic::smin:
      return both([](int64_t a, int64_t b) { return std::min(a, b); });
    case llvm::Intrinsic::smax:
      return both([](int64_t a, int64_t b) { return std::max(a, b); });
    case llvm::Intrinsic::umin:
      return both([&](int64_t a, int64_t b) { return bits(a, width) < bits(b, width) ? a : b; });
    case llvm::Intrinsic::umax:
      return both([&](int64_t a, int64_t b) { return bits(a, width) > bits(b, width) ? a : b; });
    case llvm::Intrinsic::abs: {
      const auto a = integer(call.getArgOperand(0));
      return a ? plain(*a < 0 ? multiply(*a, -1) : *a) : std::nullopt;
    }
    case llvm::Intrinsic::amdgcn_mbcnt_lo:
    case llvm::Intrinsic::amdgcn_mbcnt_hi: { // with a full mask: lanes below this one
      const auto mask = integer(call.getArgOperand(0)), from = integer(call.getArgOperand(1));
      if (!mask || *mask != -1 || !from)
        return std::nullopt;
      const int64_t lane = threadNumber(launch_, thread_) % launch_.warp;
      const bool low = intrinsic->getIntrinsicID() == llvm::Intrinsic::amdgcn_mbcnt_lo;
      return plain(*from + (low ? std::min<int64_t>(lane, 32) : std::max<int64_t>(lane - 32, 0)));
    }
    case llvm::Intrinsic::amdgcn_dispatch_ptr:
    case llvm::Intrinsic::amdgcn_implicitarg_ptr:
      return Number{callee, 0};
    case llvm::Intrinsic::amdgcn_readfirstlane:
      return number(call.getArgOperand(0));
    default:
      break;
    }
  }
  if (!asksLaunch(callee->getName()))
    return std::nullopt;
  std::optional<int64_t> dimension;
  if (call.arg_size() > 0)
    dimension = integer(call.getArgOperand(0));
  const auto value = launchValue(callee->getName(), dimension, launch_, thread_);
  return value ? plain(*value) : std::nullopt;
}

std::optional<Number> Values::address(const llvm::GEPOperator &gep) {
  if (gep.getType()->isVectorTy())
    return std::nullopt;
  auto at = number(gep.getPointerOperand());
  if (!at)
    return std::nullopt;
  for (auto type = llvm::gep_type_begin(gep), end = llvm::gep_type_end(gep); type != end; ++type) {
    const auto index = integer(type.getOperand());
    if (!index)
      return std::nullopt;
    if (llvm::StructType *structure = type.getStructTypeOrNull())
      at->value += static_cast<int64_t>(
          layout_.getStructLayout(structure)->getElementOffset(static_cast<unsigned>(*index)));
    else
      at->value =
          add(at->value,
              multiply(*index, static_cast<int64_t>(type.getSequentialElementStride(layout_))));
  }
  return at;
}

/// Sizes of the launch are loaded; a constant table could be, but is data all the same.
std::optional<Number> Values::load(const llvm::LoadInst &load) {
  const auto from = number(load.getPointerOperand());
  if (from && from->base)
    if (auto *pointer = llvm::dyn_cast<llvm::Function>(from->base))
      if (const auto value = launchField(pointer->getName(), from->value, launch_))
        return plain(*value);
  // A pointer from memory is an object of its own.
  return load.getType()->isPointerTy() ? std::optional(Number{&load, 0}) : std::nullopt;
}

} // namespace mansard::ir
