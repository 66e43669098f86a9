#include "Launch.h"

#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/ADT/StringSwitch.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>
#include <llvm/TargetParser/Triple.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::ir {
namespace {

constexpr char kAxes[] = "xyz";

Error invalid(std::string message, std::string place = "") {
  return {ErrorCode::invalidInput, std::move(message), std::move(place)};
}

std::optional<int64_t> integerOf(const llvm::Metadata *node) {
  if (auto *constant = llvm::mdconst::dyn_extract_or_null<llvm::ConstantInt>(node))
    return constant->getSExtValue();
  return std::nullopt;
}

/// What a module says of the threads of a group: exactly these, or at most so many.
struct Statement {
  std::array<int64_t, 3> exact{};
  int64_t most = 0;
  std::string source;
};

void readAnnotations(const llvm::Function &function, Statement &statement) {
  std::array<int64_t, 3> most{};
  const auto note = [&](llvm::StringRef name, int64_t value) {
    for (int axis = 0; axis < 3; ++axis) {
      if (name == std::string("reqntid") + kAxes[axis])
        statement.exact[axis] = value, statement.source = "reqntid";
      if (name == std::string("maxntid") + kAxes[axis])
        most[axis] = value, statement.source = "maxntid";
    }
  };
  if (const llvm::NamedMDNode *all = function.getParent()->getNamedMetadata("nvvm.annotations"))
    for (const llvm::MDNode *node : all->operands()) {
      if (node->getNumOperands() < 3 ||
          llvm::mdconst::dyn_extract_or_null<llvm::Function>(node->getOperand(0)) != &function)
        continue;
      for (unsigned i = 1; i + 1 < node->getNumOperands(); i += 2)
        if (auto *name = llvm::dyn_cast_or_null<llvm::MDString>(node->getOperand(i)))
          if (const auto value = integerOf(node->getOperand(i + 1)))
            note(name->getString(), *value);
    }
  if (most[0] > 0)
    statement.most = most[0] * std::max<int64_t>(1, most[1]) * std::max<int64_t>(1, most[2]);
}

Statement readStatement(const llvm::Function &function) {
  Statement statement;
  readAnnotations(function, statement);
  const auto list = [&](const char *name, std::array<int64_t, 3> &into) {
    if (!function.hasFnAttribute(name))
      return false;
    llvm::SmallVector<llvm::StringRef> parts;
    function.getFnAttribute(name).getValueAsString().split(parts, ',');
    for (size_t i = 0; i < parts.size() && i < 3; ++i)
      if (parts[i].trim().getAsInteger(10, into[i]))
        return false;
    statement.source = name;
    return true;
  };
  std::array<int64_t, 3> bounds{};
  if (list("nvvm.reqntid", statement.exact))
    return statement;
  if (list("nvvm.maxntid", bounds))
    statement.most = bounds[0] * std::max<int64_t>(1, bounds[1]) * std::max<int64_t>(1, bounds[2]);
  if (list("amdgpu-flat-work-group-size", bounds))
    statement.most = bounds[1];
  if (const llvm::MDNode *node = function.getMetadata("reqd_work_group_size"))
    if (node->getNumOperands() == 3) {
      for (int axis = 0; axis < 3; ++axis)
        statement.exact[axis] = integerOf(node->getOperand(axis)).value_or(0);
      statement.source = "reqd_work_group_size";
    }
  return statement;
}

int warpOf(const llvm::Function &function, Isa isa) {
  switch (isa) {
  case Isa::host:
    return 1;
  case Isa::nvptx:
  case Isa::spir:
    return 32;
  case Isa::amdgcn:
    break;
  }
  const llvm::StringRef features = function.getFnAttribute("target-features").getValueAsString();
  if (features.contains("+wavefrontsize32"))
    return 32;
  if (features.contains("+wavefrontsize64"))
    return 64;
  const llvm::StringRef cpu = function.getFnAttribute("target-cpu").getValueAsString();
  // RDNA (gfx10 and later, which have four digits) runs waves of 32 unless told otherwise.
  return cpu.starts_with("gfx1") && cpu.size() == 7 ? 32 : 64;
}

bool isKernel(const llvm::Function &function) {
  const llvm::CallingConv::ID convention = function.getCallingConv();
  return convention == llvm::CallingConv::AMDGPU_KERNEL ||
         convention == llvm::CallingConv::SPIR_KERNEL ||
         convention == llvm::CallingConv::PTX_Kernel;
}

} // namespace

Isa isaOf(const llvm::Module &module) {
  const llvm::Triple triple(module.getTargetTriple());
  if (triple.isNVPTX())
    return Isa::nvptx;
  if (triple.isAMDGCN())
    return Isa::amdgcn;
  return triple.isSPIRV() || triple.isSPIR() ? Isa::spir : Isa::host;
}

double Launch::groups() const {
  return static_cast<double>(grid[0]) * static_cast<double>(grid[1]) * static_cast<double>(grid[2]);
}
double Launch::threadsOfGroup() const {
  return static_cast<double>(block[0]) * static_cast<double>(block[1]) *
         static_cast<double>(block[2]);
}

Result<Launch> findLaunch(const llvm::Function &function, const work::KernelQuestion &question,
                          std::vector<std::string> &notes) {
  Launch launch;
  launch.isa = isaOf(*function.getParent());
  launch.warp = warpOf(function, launch.isa);
  const std::string name = "@" + function.getName().str();
  const auto given = [](const std::array<int64_t, 3> &extent) { return extent[0] > 0; };
  const auto fill = [](std::array<int64_t, 3> extent) {
    for (int64_t &size : extent)
      size = std::max<int64_t>(1, size);
    return extent;
  };
  if (launch.isa == Isa::host) {
    if (given(question.launch.grid) || given(question.launch.block))
      return invalid("is compiled for a host (" + function.getParent()->getTargetTriple() +
                         "), which has no launch geometry: leave --grid and --block out",
                     name);
    notes.push_back("host code: one call's work, taken as spread evenly over the chip's cores");
    return launch;
  }
  const Statement statement = readStatement(function);
  if (!given(question.launch.block) && !given(statement.exact))
    return invalid(fmt::format("the threads of a group are not known{}: give --block X[,Y[,Z]]",
                               statement.most > 0 ? fmt::format(" (at most {} by {})",
                                                                statement.most, statement.source)
                                                  : ""),
                   name);
  if (!given(question.launch.grid))
    return invalid("how many groups are launched is not in the module: give --grid X[,Y[,Z]]",
                   name);
  launch.grid = fill(question.launch.grid);
  launch.block = fill(given(question.launch.block) ? question.launch.block : statement.exact);
  if (!given(question.launch.block))
    notes.push_back(fmt::format("groups of {}x{}x{} threads, by the module's {}", launch.block[0],
                                launch.block[1], launch.block[2], statement.source));
  if (given(statement.exact) && fill(statement.exact) != launch.block)
    return invalid(fmt::format("--block {},{},{} contradicts the module's {} of {},{},{}",
                               launch.block[0], launch.block[1], launch.block[2], statement.source,
                               statement.exact[0], statement.exact[1], statement.exact[2]),
                   name);
  constexpr double mostThreads = 1024; // of CUDA, HIP and OpenCL on these machines alike
  if (launch.threadsOfGroup() > mostThreads)
    return invalid(fmt::format("--block {},{},{} is {} threads; a group has at most {}",
                               launch.block[0], launch.block[1], launch.block[2],
                               launch.threadsOfGroup(), mostThreads),
                   name);
  if (statement.most > 0 && launch.threadsOfGroup() > static_cast<double>(statement.most))
    return invalid(fmt::format("--block {},{},{} is {} threads; the module's {} allows {}",
                               launch.block[0], launch.block[1], launch.block[2],
                               launch.threadsOfGroup(), statement.source, statement.most),
                   name);
  if (!isKernel(function) && launch.isa != Isa::nvptx)
    notes.push_back(name + " is no kernel by its calling convention; counted as if launched");
  return launch;
}

Result<SharedMemory> findSharedMemory(const llvm::Function &function,
                                      const work::KernelQuestion &question) {
  constexpr unsigned sharedSpace = 3;
  SharedMemory memory;
  const llvm::DataLayout &layout = function.getParent()->getDataLayout();
  for (const llvm::GlobalVariable &variable : function.getParent()->globals()) {
    if (variable.getAddressSpace() != sharedSpace)
      continue;
    // Used by the kernel, if only through constant expressions.
    llvm::SmallVector<const llvm::User *> pending(variable.users());
    llvm::SmallPtrSet<const llvm::User *, 16> seen;
    bool used = false;
    while (!pending.empty() && !used) {
      const llvm::User *user = pending.pop_back_val();
      if (!seen.insert(user).second)
        continue;
      if (auto *instruction = llvm::dyn_cast<llvm::Instruction>(user))
        used = instruction->getFunction() == &function;
      else
        pending.append(user->user_begin(), user->user_end());
    }
    if (!used)
      continue;
    const double bytes = static_cast<double>(layout.getTypeAllocSize(variable.getValueType()));
    memory.fixed += bytes;
    if (bytes > 0)
      continue;
    if (question.dynamicShared < 0)
      return invalid(fmt::format("the size of the shared array @{} is set at the launch: give "
                                 "--shared BYTES",
                                 variable.getName().str()),
                     "@" + function.getName().str());
  }
  for (const llvm::Argument &argument : function.args())
    if (argument.getType()->isPointerTy() && !argument.use_empty() &&
        argument.getType()->getPointerAddressSpace() == sharedSpace && question.dynamicShared < 0)
      return invalid(fmt::format("the size of the local array {} is set at the launch: give "
                                 "--shared BYTES (of all such arrays together)",
                                 argument.hasName() ? argument.getName().str()
                                                    : "#" + std::to_string(argument.getArgNo())),
                     "@" + function.getName().str());
  memory.dynamic = std::max(0.0, question.dynamicShared);
  return memory;
}

llvm::StringRef plainName(llvm::StringRef mangled) {
  llvm::StringRef rest = mangled;
  size_t length = 0;
  if (!rest.consume_front("_Z") || rest.consumeInteger(10, length) || length > rest.size())
    return mangled;
  return rest.take_front(length);
}

int64_t threadNumber(const Launch &launch, const ThreadId &thread) {
  return thread.thread[0] +
         launch.block[0] * (thread.thread[1] + launch.block[1] * thread.thread[2]);
}

namespace {

enum class Asked {
  none,
  threadId,
  groupId,
  blockSize,
  gridSize,
  globalId,
  globalSize,
  zero,
  lane,
  warp
};

struct Question {
  Asked asked = Asked::none;
  int axis = -1; // -1: the function's argument
};

Question parse(llvm::StringRef name) {
  Question question;
  const auto axis = [&](llvm::StringRef rest) {
    return rest.size() == 1 && rest[0] >= 'x' && rest[0] <= 'z' ? rest[0] - 'x' : -2;
  };
  if (name.consume_front("llvm.nvvm.read.ptx.sreg.")) {
    if (name == "laneid")
      return {Asked::lane, 0};
    if (name == "warpsize")
      return {Asked::warp, 0};
    const auto [what, which] = name.split('.');
    question.axis = axis(which);
    question.asked = llvm::StringSwitch<Asked>(what)
                         .Case("tid", Asked::threadId)
                         .Case("ctaid", Asked::groupId)
                         .Case("ntid", Asked::blockSize)
                         .Case("nctaid", Asked::gridSize)
                         .Default(Asked::none);
  } else if (name.consume_front("llvm.amdgcn.")) {
    if (name == "wavefrontsize")
      return {Asked::warp, 0};
    question.asked = name.consume_front("workitem.id.")    ? Asked::threadId
                     : name.consume_front("workgroup.id.") ? Asked::groupId
                                                           : Asked::none;
    question.axis = axis(name);
  } else {
    name = plainName(name);
    name.consume_front("__ockl_");
    question.asked = llvm::StringSwitch<Asked>(name)
                         .Case("get_local_id", Asked::threadId)
                         .Case("get_group_id", Asked::groupId)
                         .Cases("get_local_size", "get_enqueued_local_size", Asked::blockSize)
                         .Case("get_num_groups", Asked::gridSize)
                         .Case("get_global_id", Asked::globalId)
                         .Case("get_global_size", Asked::globalSize)
                         .Case("get_global_offset", Asked::zero)
                         .Default(Asked::none);
  }
  if (question.axis == -2)
    question.asked = Asked::none;
  return question;
}

} // namespace

bool asksLaunch(llvm::StringRef callee) { return parse(callee).asked != Asked::none; }

std::optional<int64_t> launchValue(llvm::StringRef callee, std::optional<int64_t> dimension,
                                   const Launch &launch, const ThreadId &thread) {
  const Question question = parse(callee);
  if (question.asked == Asked::none)
    return std::nullopt;
  if (question.axis < 0 && (!dimension || *dimension < 0 || *dimension > 2))
    return std::nullopt;
  const auto axis = static_cast<size_t>(question.axis < 0 ? *dimension : question.axis);
  switch (question.asked) {
  case Asked::threadId:
    return thread.thread[axis];
  case Asked::groupId:
    return thread.group[axis];
  case Asked::blockSize:
    return launch.block[axis];
  case Asked::gridSize:
    return launch.grid[axis];
  case Asked::globalId:
    return thread.group[axis] * launch.block[axis] + thread.thread[axis];
  case Asked::globalSize:
    return launch.grid[axis] * launch.block[axis];
  case Asked::lane:
    return threadNumber(launch, thread) % launch.warp;
  case Asked::warp:
    return launch.warp;
  case Asked::zero:
  case Asked::none:
    break;
  }
  return 0;
}

// Offsets: the HSA kernel dispatch packet, and LLVM's AMDGPU usage guide ("implicit arguments",
// code object version 5).
std::optional<int64_t> launchField(llvm::StringRef pointer, int64_t offset, const Launch &launch) {
  if (pointer == "llvm.amdgcn.dispatch.ptr") {
    if (offset >= 4 && offset <= 8 && offset % 2 == 0)
      return launch.block[static_cast<size_t>(offset - 4) / 2];
    if (offset >= 12 && offset <= 20 && offset % 4 == 0) {
      const auto axis = static_cast<size_t>(offset - 12) / 4;
      return launch.grid[axis] * launch.block[axis];
    }
  } else if (pointer == "llvm.amdgcn.implicitarg.ptr") {
    if (offset >= 0 && offset <= 8 && offset % 4 == 0)
      return launch.grid[static_cast<size_t>(offset) / 4];
    if (offset >= 12 && offset <= 16 && offset % 2 == 0)
      return launch.block[static_cast<size_t>(offset - 12) / 2];
    if (offset >= 18 && offset <= 22 && offset % 2 == 0) // what is left of the last group
      return 0;
    if (offset >= 40 && offset <= 56 && offset % 8 == 0) // global offsets
      return 0;
  }
  return std::nullopt;
}

} // namespace mansard::ir
