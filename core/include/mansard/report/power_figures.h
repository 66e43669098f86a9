// Power and energy as reports show them.
#pragma once

#include <mansard/economics/energy.h>
#include <mansard/hw/chip.h>

#include <string>

namespace mansard::report {

/// Average power of a package, and what follows from it. Nothing is known where power_W is 0.
struct PowerFigures {
  economics::Energy watts; // by part
  double power_W = 0, cap_W = 0;
  double tokens_per_s_per_W = 0, energyPerToken_J = 0; // 0: there are no tokens
  bool measured = false; // whether measured power of the chip's family stands behind it

  /// "of 700 W: operations 310, chip 90, memory 65, links 2, static 230".
  std::string text() const;
  /// What the reader must know, or empty.
  std::string note(const hw::Chip &chip) const;
};

/// `watts` of a package, `tokens_per_s` of it as well.
PowerFigures powerFigures(const hw::Chip &chip, const economics::Energy &watts,
                          double tokens_per_s);

} // namespace mansard::report
