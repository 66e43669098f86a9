// What a call of a mathematical function costs, by the names that the function goes by.
#include "Operations.h"

#include <llvm/ADT/StringMap.h>

namespace mansard::ir {
namespace {

/// Special-function units have exp2, log2, 1/x, 1/sqrt(x), sqrt, sin and cos (CUDA programming
/// guide, "arithmetic instructions"; AMD "Vega" ISA, transcendental VOP1). What is composed of them
/// counts its parts as in the usual fast form: exp(x) = exp2(x log2 e), pow(x, y) = exp2(y log2 x),
/// tanh(x) = 1 - 2 / (exp(2 x) + 1), x / y = x (1 / y).
const llvm::StringMap<FunctionCost> &table() {
  static const llvm::StringMap<FunctionCost> costs = [] {
    llvm::StringMap<FunctionCost> map;
    const auto add = [&](double special, double operations,
                         std::initializer_list<const char *> names) {
      for (const char *name : names)
        map[name] = {special, operations};
    };
    add(1, 0,
        {"exp2", "ex2", "log2", "lg2", "rcp", "recip", "rsqrt", "rsq", "sqrt", "sin.approx",
         "cos.approx", "log.clamp", "native_exp2", "native_log2", "tanh.approx"});
    add(1, 1, {"exp", "log", "log10", "exp10", "sin", "cos", "divide", "fdiv.fast", "div"});
    add(1, 2, {"expm1", "log1p"});
    add(2, 1, {"pow", "powr", "pown", "powi"});
    add(2, 2, {"sincos", "hypot"});
    add(2, 3, {"tanh", "tan", "sinh", "cosh"});
    add(2, 4, {"fmod", "frem", "remainder", "cbrt"});
    // Polynomials: degree and evaluation as in the minimax forms of Abramowitz and Stegun 7.1.26
    // and 4.4.45-49.
    add(2, 13, {"erf", "erfc"});
    add(1, 10, {"asin", "acos", "atan", "atan2"});
    add(0, 2, {"fma", "mad", "fmuladd"});
    add(0, 1, {"fmin",         "fmax",      "minnum",        "maxnum", "minimum",    "maximum",
               "fdim",         "floor",     "ceil",          "trunc",  "round",      "rint",
               "nearbyint",    "roundeven", "fract",         "ldexp",  "frexp.mant", "frexp.exp",
               "canonicalize", "fmed3",     "fptrunc.round", "add.rn", "mul.rn",     "saturate",
               "step",         "sign",      "degrees",       "radians"});
    add(0, 2, {"clamp"});
    add(0, 3, {"mix", "lerp"});
    add(0, 0, {"fabs", "copysign", "fneg"}); // modifiers of an operand
    return map;
  }();
  return costs;
}

} // namespace

std::optional<FunctionCost> functionCost(llvm::StringRef callee) {
  llvm::StringRef name = plainName(callee);
  const auto find = [&](llvm::StringRef key) -> std::optional<FunctionCost> {
    const auto found = table().find(key);
    return found == table().end() ? std::nullopt : std::optional(found->second);
  };
  if (name.consume_front("llvm.nvvm.") || name.consume_front("llvm.amdgcn.") ||
      name.consume_front("llvm.")) {
    // "ex2.approx.ftz.f32": shorter and shorter until it is known.
    for (llvm::StringRef part = name;; part = part.rsplit('.').first) {
      if (const auto found = find(part))
        return found;
      if (!part.contains('.'))
        return std::nullopt;
    }
  }
  for (llvm::StringRef prefix :
       {"__ocml_native_", "__ocml_", "__nv_fast_", "__nv_", "native_", "half_", "fast_"})
    if (name.consume_front(prefix))
      break;
  for (llvm::StringRef suffix : {"_f32", "_f64", "_f16", "_rn", "_2f16"})
    name.consume_back(suffix);
  if (const auto found = find(name))
    return found;
  if ((name.ends_with("f") || name.ends_with("l")) && name.size() > 2)
    return find(name.drop_back());
  return std::nullopt;
}

} // namespace mansard::ir
