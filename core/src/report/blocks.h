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

/// The inputs that explain most of a figure: "55 % wafer_price_usd of smic-n2, ...".
std::string spreadSources(const std::vector<explore::UncertainInput> &inputs,
                          const explore::Spread &spread);

} // namespace mansard::report
