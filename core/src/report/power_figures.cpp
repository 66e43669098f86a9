#include <mansard/report/power_figures.h>

#include <mansard/hw/chip_energy.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

namespace mansard::report {

std::string PowerFigures::text() const {
  std::string parts;
  for (const auto &[name, part_W] : {std::pair{"operations", watts.compute},
                                     {"on-chip wires", watts.sram},
                                     {"memory", watts.dram},
                                     {"links", watts.link},
                                     {"static", watts.fixed}})
    if (part_W >= 0.5)
      parts += fmt::format("{} {} {}", parts.empty() ? ":" : ",", name, number(part_W, 3));
  return fmt::format("of {} W{}{}", number(cap_W, 4), parts, measured ? "" : "; not validated");
}

std::string PowerFigures::note(const hw::Chip &chip) const {
  if (!(power_W > 0))
    return fmt::format("power is not known: the description of {} lacks {}", chip.id,
                       chip.number("power.tdp_W") > 0 ? "a process whose energies are known"
                                                      : "power.tdp_W");
  if (measured)
    return {};
  return fmt::format(
      "power is not validated: no measured power of family {} stands behind it; chips left out of "
      "the fit lie within a quarter of it on average",
      chip.family);
}

PowerFigures powerFigures(const hw::Chip &chip, const economics::Energy &watts,
                          double tokens_per_s) {
  PowerFigures figures;
  figures.watts = watts;
  figures.power_W = watts.total();
  figures.cap_W = chip.number("power.tdp_W");
  figures.measured = hw::powerMeasured(chip);
  if (tokens_per_s > 0 && figures.power_W > 0) {
    figures.tokens_per_s_per_W = tokens_per_s / figures.power_W;
    figures.energyPerToken_J = figures.power_W / tokens_per_s;
  }
  return figures;
}

} // namespace mansard::report
