#include "blocks.h"

#include <mansard/base/names.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

namespace mansard::report {

std::string resourceTable(const double (&part_us)[MANSARD_BOUND_COUNT], double total_us) {
  using Align = TextTable::Align;
  TextTable table({{"resource", {}}, {"time", Align::right}, {"share", Align::right}, {"", {}}});
  for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i)
    if (const double share = part_us[i] / total_us; share >= kShown)
      table.addRow({std::string(kBoundNames[i]), duration(part_us[i]), percent(share), bar(share)});
  return table.text();
}

std::string noteLines(std::span<const std::string> notes) {
  std::string text;
  for (const std::string &note : notes)
    text += (text.empty() ? "\n  note: " : "  note: ") + note + '\n';
  return text;
}

std::string durationWithInterval(const explore::Spread &spread, double us) {
  if (!(spread.high > spread.low))
    return duration(us * spread.value);
  return fmt::format("{} [{} - {}]", duration(us * spread.value), duration(us * spread.low),
                     duration(us * spread.high));
}

std::string spreadSources(const std::vector<explore::UncertainInput> &inputs,
                          const std::vector<explore::InputShare> &shares) {
  constexpr size_t kTold = 3;
  std::string text;
  for (size_t i = 0; i < shares.size() && i < kTold; ++i)
    text += fmt::format("{}{:.0f} % {}", text.empty() ? "" : ", ", 100 * shares[i].share,
                        inputs[shares[i].input].name);
  return text;
}

} // namespace mansard::report
