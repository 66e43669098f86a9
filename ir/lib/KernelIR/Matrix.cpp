// Matrix instructions by their names: NVVM's wmma and mma, PTX assembly, AMD's mfma and wmma.
#include "Operations.h"

#include <llvm/IR/DerivedTypes.h>

#include <cctype>

namespace mansard::ir {
namespace {

struct Shape {
  double m = 0, n = 0, k = 0;
};

/// "m16n8k16" at the start of `text`.
std::optional<Shape> nvidiaShape(llvm::StringRef text) {
  unsigned m = 0, n = 0, k = 0;
  if (!text.consume_front("m") || text.consumeInteger(10, m) || !text.consume_front("n") ||
      text.consumeInteger(10, n) || !text.consume_front("k") || text.consumeInteger(10, k))
    return std::nullopt;
  return Shape{double(m), double(n), double(k)};
}

std::optional<uint32_t> typeNamed(llvm::StringRef text) {
  if (text == "bf16" || text == "bf16x2")
    return MANSARD_DTYPE_BF16;
  if (text == "f16" || text == "f16x2")
    return MANSARD_DTYPE_FP16;
  if (text == "tf32")
    return MANSARD_DTYPE_TF32;
  if (text == "f64")
    return MANSARD_DTYPE_FP64;
  if (text == "s8" || text == "u8" || text == "i8")
    return MANSARD_DTYPE_INT8;
  if (text == "s4" || text == "u4")
    return MANSARD_DTYPE_INT4;
  if (text == "e4m3" || text == "e5m2")
    return MANSARD_DTYPE_FP8;
  return std::nullopt;
}

/// The operands' type among dotted parts: the one that no accumulator has, else 16-bit.
uint32_t operandType(llvm::StringRef parts) {
  uint32_t type = MANSARD_DTYPE_FP16;
  llvm::SmallVector<llvm::StringRef> all;
  parts.split(all, '.');
  for (llvm::StringRef part : all)
    if (const auto named = typeNamed(part); named && *named != MANSARD_DTYPE_FP16)
      type = *named;
  return type;
}

std::optional<MatrixWork> nvidia(llvm::StringRef name) {
  llvm::StringRef rest = name;
  for (size_t at = rest.find("m"); at != llvm::StringRef::npos; at = rest.find("m", at + 1)) {
    if (at > 0 && std::isalnum(static_cast<unsigned char>(rest[at - 1])))
      continue;
    if (const auto shape = nvidiaShape(rest.drop_front(at)))
      return MatrixWork{2 * shape->m * shape->n * shape->k,
                        operandType(rest.drop_front(at).take_until(
                            [](char c) { return c == ' ' || c == '\t' || c == '{'; }))};
  }
  return std::nullopt;
}

/// "f32.32x32x8f16", "i32.16x16x64.i8", "f32.16x16x16.bf16.v8f32...": after the result's type.
std::optional<MatrixWork> amd(llvm::StringRef name, const llvm::Type *result, int warp, bool mfma) {
  const llvm::StringRef shape = name.split('.').second;
  llvm::StringRef rest = shape;
  unsigned m = 0, n = 0, k = 0;
  if (rest.consumeInteger(10, m) || !rest.consume_front("x") || rest.consumeInteger(10, n) ||
      !rest.consume_front("x") || rest.consumeInteger(10, k))
    return std::nullopt;
  rest.consume_front(".");
  MatrixWork work;
  const llvm::StringRef type =
      rest.take_while([](char c) { return std::isalnum((unsigned char)c); });
  if (type.starts_with("bf16"))
    work.dtype = MANSARD_DTYPE_BF16;
  else if (type.starts_with("f16"))
    work.dtype = MANSARD_DTYPE_FP16;
  else if (type.starts_with("f32"))
    work.dtype = MANSARD_DTYPE_FP32;
  else if (type.starts_with("xf32"))
    work.dtype = MANSARD_DTYPE_TF32;
  else if (type.starts_with("f64"))
    work.dtype = MANSARD_DTYPE_FP64;
  else if (type.starts_with("i8") || type.starts_with("iu8"))
    work.dtype = MANSARD_DTYPE_INT8;
  else if (type.starts_with("iu4"))
    work.dtype = MANSARD_DTYPE_INT4;
  else if (type.starts_with("fp8") || type.starts_with("bf8"))
    work.dtype = MANSARD_DTYPE_FP8;
  else if (type.starts_with("2b") || type.starts_with("4b") || type.starts_with("16b"))
    work.dtype = rest.contains("bf16")  ? MANSARD_DTYPE_BF16
                 : rest.contains("f16") ? MANSARD_DTYPE_FP16
                 : rest.contains("i8")  ? MANSARD_DTYPE_INT8
                                        : MANSARD_DTYPE_FP32;
  double outputs = double(m) * n;
  // An mfma may multiply several blocks at once; its result's width says how many.
  if (auto *vector = llvm::dyn_cast_or_null<llvm::FixedVectorType>(result); vector && mfma)
    outputs = double(vector->getNumElements()) * warp;
  work.operations = 2 * outputs * k;
  return work;
}

} // namespace

std::optional<MatrixWork> matrixWork(llvm::StringRef name, const llvm::Type *result, int warp) {
  llvm::StringRef rest = name;
  if (rest.consume_front("llvm.amdgcn.mfma.") || rest.consume_front("llvm.amdgcn.smfmac."))
    return amd(rest, result, warp, true);
  if (rest.consume_front("llvm.amdgcn.wmma."))
    return amd(rest, result, warp, false);
  if (rest.consume_front("llvm.nvvm.")) {
    if (rest.starts_with("mma.") || (rest.starts_with("wmma.") && rest.contains(".mma.")))
      return nvidia(rest);
    return std::nullopt;
  }
  if (name.starts_with("llvm."))
    return std::nullopt;
  // Assembly: "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {...}", wgmma alike.
  const size_t at = name.find("mma");
  if (at == llvm::StringRef::npos)
    return std::nullopt;
  auto work = nvidia(name.drop_front(at));
  if (work && name.contains("wgmma"))
    work->operations /= 4; // of a group of four warps
  return work;
}

std::optional<MatrixMove> matrixMove(llvm::StringRef intrinsic) {
  llvm::StringRef rest = intrinsic;
  if (!rest.consume_front("llvm.nvvm.wmma."))
    return std::nullopt;
  const auto shape = nvidiaShape(rest);
  if (!shape)
    return std::nullopt;
  const size_t load = rest.find(".load."), store = rest.find(".store.");
  if (load == llvm::StringRef::npos && store == llvm::StringRef::npos)
    return std::nullopt;
  MatrixMove move;
  move.store = store != llvm::StringRef::npos;
  const llvm::StringRef which = rest.drop_front(move.store ? store + 7 : load + 6);
  const bool columns = which.contains(".col");
  const double rows = which[0] == 'b' ? shape->k : shape->m;
  const double across = which[0] == 'a' ? shape->k : shape->n;
  move.rows = columns ? across : rows;
  move.columns = columns ? rows : across;
  move.elementBytes = 2;
  llvm::SmallVector<llvm::StringRef> parts;
  which.split(parts, '.');
  for (llvm::StringRef part : parts) {
    if (part == "f32" || part == "s32" || part == "tf32")
      move.elementBytes = 4;
    else if (part == "f64")
      move.elementBytes = 8;
    else if (part == "s8" || part == "u8")
      move.elementBytes = 1;
  }
  return move;
}

} // namespace mansard::ir
