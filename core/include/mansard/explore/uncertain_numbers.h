// The numbers of a description that have a range, as inputs of an experiment.
#pragma once

#include <mansard/explore/uncertainty.h>
#include <mansard/hw/chip.h>
#include <mansard/hw/quantity.h>

#include <map>
#include <span>
#include <string>
#include <vector>

namespace mansard::explore {

using Numbers = std::map<std::string, hw::Quantity, std::less<>>;

/// Appends an input for each number with a range that is one, named "<key> of <owner>". `without`:
/// beginnings of keys that no result of the experiment hangs on.
void addInputs(std::vector<UncertainInput> &inputs, const Numbers &numbers,
               const std::string &owner, std::span<const std::string> without = {});
/// What a chip's numbers are wanted for.
enum class Results { times, prices };

/// Of a chip and its memory technology; what its maker states is left out, as it only checks the
/// rest, and prices unless they are wanted.
void addInputs(std::vector<UncertainInput> &inputs, const hw::Chip &chip,
               Results results = Results::prices);

/// Puts the values of the inputs that addInputs() appended for `numbers` back, in the same order,
/// and takes them off the front of `values`. A number keeps its range.
void assign(Numbers &numbers, std::span<const double> &values,
            std::span<const std::string> without = {});
void assign(hw::Chip &chip, std::span<const double> &values, Results results = Results::prices);

} // namespace mansard::explore
