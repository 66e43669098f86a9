// A chip whose numbers have ranges, as part of an experiment.
#pragma once

#include <mansard/explore/uncertain_numbers.h>
#include <mansard/host/host.h>

#include <optional>
#include <span>
#include <vector>

namespace mansard::explore {

/// `target` outlives it. Thread-safe.
class UncertainChip {
public:
  /// Appends the chip's inputs.
  UncertainChip(const host::Model &target, Results results, std::vector<UncertainInput> &inputs)
      : target_(target), results_(results) {
    const size_t before = inputs.size();
    addInputs(inputs, target.chip(), results);
    exact_ = inputs.size() == before;
  }

  /// Takes its inputs' values off the front of `values` and binds the chip that has them; nothing
  /// where the chip has no ranges and the target itself serves.
  Result<std::optional<host::Model>> at(std::span<const double> &values) const {
    if (exact_)
      return std::optional<host::Model>();
    hw::Chip chip = target_.chip();
    assign(chip, values, results_);
    auto bound = target_.rebind(std::move(chip));
    if (!bound)
      return bound.error();
    return std::optional(std::move(*bound));
  }

private:
  const host::Model &target_;
  Results results_;
  bool exact_;
};

} // namespace mansard::explore
