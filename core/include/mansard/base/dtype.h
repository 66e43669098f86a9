// Data types by name and width.
#pragma once

#include <mansard/sdk/abi.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mansard {

enum class DType : uint32_t {
  fp64 = MANSARD_DTYPE_FP64,
  fp32 = MANSARD_DTYPE_FP32,
  tf32 = MANSARD_DTYPE_TF32,
  bf16 = MANSARD_DTYPE_BF16,
  fp16 = MANSARD_DTYPE_FP16,
  fp8 = MANSARD_DTYPE_FP8,
  mxfp8 = MANSARD_DTYPE_MXFP8,
  int8 = MANSARD_DTYPE_INT8,
  int4 = MANSARD_DTYPE_INT4,
  nvfp4 = MANSARD_DTYPE_NVFP4,
  mxfp4 = MANSARD_DTYPE_MXFP4,
  int32 = MANSARD_DTYPE_INT32,
};

struct DTypeInfo {
  std::string_view name;
  double bits; // with the share of a format's own scales: MX 8 bits per 32 elements, NVFP4 8 per 16
};

inline constexpr std::array<DTypeInfo, MANSARD_DTYPE_COUNT> kDTypes{{{"fp64", 64},
                                                                     {"fp32", 32},
                                                                     {"tf32", 32},
                                                                     {"bf16", 16},
                                                                     {"fp16", 16},
                                                                     {"fp8", 8},
                                                                     {"mxfp8", 8.25},
                                                                     {"int8", 8},
                                                                     {"int4", 4},
                                                                     {"nvfp4", 4.5},
                                                                     {"mxfp4", 4.25},
                                                                     {"int32", 32}}};

constexpr bool isDType(uint32_t code) { return code < MANSARD_DTYPE_COUNT; }
/// Bytes an element takes in memory; fractional below eight bits. Undefined for codes out of range.
constexpr double bytesOf(uint32_t code) { return kDTypes[code].bits / 8; }
constexpr double bytesOf(DType type) { return bytesOf(static_cast<uint32_t>(type)); }
constexpr std::string_view nameOf(DType type) { return kDTypes[static_cast<uint32_t>(type)].name; }

/// Position of `name` in a table of names; the tables of every enumeration of the ABI are searched
/// so.
template <size_t N>
constexpr std::optional<uint32_t> indexOf(const std::array<std::string_view, N> &names,
                                          std::string_view name) {
  for (uint32_t i = 0; i < N; ++i)
    if (names[i] == name)
      return i;
  return std::nullopt;
}

constexpr std::optional<DType> parseDType(std::string_view name) {
  for (uint32_t i = 0; i < kDTypes.size(); ++i)
    if (kDTypes[i].name == name)
      return static_cast<DType>(i);
  return std::nullopt;
}

} // namespace mansard
