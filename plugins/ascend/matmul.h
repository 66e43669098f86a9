// What the matrix kinds share: whether the cube can multiply the types, and how weights stored
// narrower reach it.
#pragma once

#include "cube.h"

namespace mansard::ascend {

inline constexpr std::string_view kNoDType =
    "the cube cores of this chip do not multiply this data type";

/// Fills dtype and element sizes of `gemm` from the kernel. False: the cube has no such type.
bool setTypes(const Device &device, const mansard_kernel &kernel, Gemm &gemm);
/// Fills in the schedule that a matmul states, if any.
void setStated(const mansard_kernel &kernel, Gemm &gemm);
/// Vector operations on a result of `k` scaled products: once at the end, or, where both operands
/// have scales for every 128 of them, on each partial sum.
double dequantOps(const mansard_kernel &kernel, double k);
/// Vector microseconds of widening `elements` weights of the kernel's weight_dtype, through the L2.
double widen_us(const Device &device, const mansard_kernel &kernel, double elements);
/// True where weights are widened on the vector cores before the cube sees them.
bool widens(const mansard_kernel &kernel);
/// True for integer inputs whose accumulators want scales.
bool dequantises(const mansard_kernel &kernel);
/// Microseconds of finding a scale for each row of `rows` x `cols` and converting it.
double dynamicQuantize_us(const Device &device, double rows, double cols, Parts &parts);

} // namespace mansard::ascend
