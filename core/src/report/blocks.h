// Blocks of text that several tables end in.
#pragma once

#include <mansard/explore/uncertainty.h>
#include <mansard/sdk/abi.h>

#include <span>
#include <string>
#include <vector>

namespace mansard::report {

/// Each resource's part of `total_us` with a bar; those too small to show are left out.
std::string resourceTable(const double (&part_us)[MANSARD_BOUND_COUNT], double total_us);

/// A line for each note after an empty one; nothing where there are none.
std::string noteLines(std::span<const std::string> notes);

/// "1.94 ms [1.6 ms - 2.24 ms]", or the value alone where the interval is none. `us`: microseconds
/// in a unit of the spread.
std::string durationWithInterval(const explore::Spread &spread, double us);

/// The inputs that explain most of a figure: "55 % wafer_price_usd of smic-n2, ...".
std::string spreadSources(const std::vector<explore::UncertainInput> &inputs,
                          const std::vector<explore::InputShare> &shares);

} // namespace mansard::report
