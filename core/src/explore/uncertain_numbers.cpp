#include <mansard/explore/uncertain_numbers.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace mansard::explore {
namespace {

bool hasRange(const hw::Quantity &quantity) {
  return quantity.low.value_or(quantity.value) < quantity.high.value_or(quantity.value);
}

bool isLeftOut(std::string_view key, std::span<const std::string> without) {
  return std::any_of(without.begin(), without.end(),
                     [&](const std::string &start) { return key.starts_with(start); });
}

UncertainInput inputOf(const hw::Quantity &quantity, std::string name) {
  UncertainInput input;
  input.name = std::move(name);
  input.value = quantity.value;
  input.low = std::min(quantity.low.value_or(quantity.value), quantity.value);
  input.high = std::max(quantity.high.value_or(quantity.value), quantity.value);
  return input;
}

double take(std::span<const double> &values) {
  const double value = values.front();
  values = values.subspan(1);
  return value;
}

/// Keys that no result hangs on; those of prices come last.
std::span<const std::string> idleKeys(Results results) {
  static const std::array<std::string, 2> keys{"stated.", "price."};
  return std::span(keys).first(results == Results::times ? 2 : 1);
}

} // namespace

void addInputs(std::vector<UncertainInput> &inputs, const Numbers &numbers,
               const std::string &owner, std::span<const std::string> without) {
  for (const auto &[key, quantity] : numbers)
    if (hasRange(quantity) && !isLeftOut(key, without))
      inputs.push_back(inputOf(quantity, fmt::format("{} of {}", key, owner)));
}

void addInputs(std::vector<UncertainInput> &inputs, const hw::Chip &chip, Results results) {
  addInputs(inputs, chip.numbers, chip.id, idleKeys(results));
  for (const hw::MemoryField &field : hw::memoryFields())
    if (const hw::Quantity &quantity = chip.memory.*field.member; hasRange(quantity))
      inputs.push_back(
          inputOf(quantity, fmt::format("{} of {}", field.key, chip.memoryTechnology)));
}

void assign(Numbers &numbers, std::span<const double> &values,
            std::span<const std::string> without) {
  for (auto &[key, quantity] : numbers)
    if (hasRange(quantity) && !isLeftOut(key, without))
      quantity.value = take(values);
}

void assign(hw::Chip &chip, std::span<const double> &values, Results results) {
  assign(chip.numbers, values, idleKeys(results));
  for (const hw::MemoryField &field : hw::memoryFields())
    if (hw::Quantity &quantity = chip.memory.*field.member; hasRange(quantity))
      quantity.value = take(values);
}

} // namespace mansard::explore
