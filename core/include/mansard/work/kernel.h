// One unit of work on one device: the ABI's plain struct with a name, and its checked construction.
#pragma once

#include <mansard/base/dtype.h>
#include <mansard/base/result.h>
#include <mansard/sdk/abi.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::work {

/// Dimensions and dtypes are per device (after sharding). The struct is what plugins get, so
/// estimating copies nothing.
using Kernel = mansard_kernel;

/// A kernel of `op` with its struct_size set, dtype, weight_dtype and out_dtype as given, and a
/// zeroed union.
Kernel makeKernel(uint32_t op, DType dtype, DType weightDType, DType outDType,
                  uint32_t scaling = MANSARD_SCALING_NONE);

/// Why `kernel` makes no sense (negative sizes, unknown codes, heads not divisible by kv_heads
/// ...), or Ok. Sizes are limited to 2^40 and their products to what a double holds exactly enough.
Result<> check(const Kernel &kernel);

/// Same work: all fields equal.
bool equal(const Kernel &a, const Kernel &b);

/// A short description: "gemm bf16 4096x7168x2048".
std::string describe(const Kernel &kernel);

/// The columns of a measurement table, and the flags of `mansard kernel OP`, that describe `op`.
struct ColumnInfo {
  std::string_view name;       // "kv_len"
  std::string_view defaultsTo; // empty: required
  std::string_view meaning;
};
const std::vector<ColumnInfo> &columnsOf(uint32_t op);

/// Builds a kernel of `op` from the text of its columns. Errors name the column, the value and what
/// is valid; unknown names in `values` are ignored. Absent dtype columns: weight_dtype, kv_dtype
/// and out_dtype follow dtype (or bf16 for the output of narrow types).
Result<Kernel> fromColumns(uint32_t op,
                           const std::map<std::string, std::string, std::less<>> &values);

} // namespace mansard::work
