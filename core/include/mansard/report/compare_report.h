// Chips side by side on one serving workload, with ranges, collected once, and its views.
#pragma once

#include <mansard/base/result.h>
#include <mansard/economics/assumptions.h>
#include <mansard/explore/uncertainty.h>
#include <mansard/host/host.h>
#include <mansard/model/estimate.h>
#include <mansard/system/serving.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::report {

/// Dollars are of what buyers pay for a package; power is the package's under load.
enum class CompareFigure {
  ttft,
  tpot,
  tokens_per_chip,
  memory_headroom,
  power,
  tokens_per_watt,
  tokens_per_kusd,
  tokens_per_kilowatt_per_kusd,
  usd_per_mtok,
  communication // share of an iteration that links cost it
};
inline constexpr size_t kCompareFigures = 10;
inline constexpr std::array<std::string_view, kCompareFigures> kCompareFigureKeys{
    "ttft_ms",
    "tpot_ms",
    "tokens_per_s_per_chip",
    "memory_headroom_gib",
    "power_w",
    "tokens_per_s_per_w",
    "tokens_per_s_per_kusd",
    "tokens_per_s_per_kw_per_kusd",
    "usd_per_mtok",
    "communication_share"};

/// A chip (perhaps in a system) with the software and the prices it is judged by.
struct Contender {
  host::Model target;
  system::SoftwareProfile software;
  economics::Assumptions economics;
};

struct ComparedChip {
  std::string target, targetName, pricedBy, software, economics;
  std::string failure; // why it cannot run the workload; empty: it can
  std::string bound;
  std::string validation; // what measurements stand behind the times
  int64_t chips = 0, devices = 0;
  double memoryCapacity = 0; // of a device, in bytes
  /// Nothing where the chip's description lacks what it takes: a price, a power.
  std::array<std::optional<explore::Spread>, kCompareFigures> figures;
  std::vector<explore::UncertainInput> inputs; // that the figures' shares name
  std::vector<std::string> notes;

  const std::optional<explore::Spread> &operator[](CompareFigure figure) const {
    return figures[static_cast<size_t>(figure)];
  }
};

struct CompareReport {
  std::string model; // that is served
  system::ServingScenario scenario;
  std::vector<ComparedChip> chips; // in the order asked for
};

/// Each contender under `scenario`, whose software is replaced by the contender's own. Ranges are
/// the 10th and 90th percentile over what explore::UncertainServing does not know and the
/// economics' uncertain numbers; points of contenders with as many samples go together
/// (explore::spreadsOf). Power is estimated (economics/energy.h); where it is not known, the
/// economics' share of the thermal design power. Errors: the scenario makes no sense, a plugin
/// failed, or nobody can run the workload.
Result<CompareReport> collectComparison(const model::Lowering &lowering,
                                        const std::vector<Contender> &contenders,
                                        const system::ServingScenario &scenario,
                                        size_t samples = 1024);

std::string compareTable(const CompareReport &report);
std::string compareJson(const CompareReport &report);
std::string compareCsv(const CompareReport &report);

} // namespace mansard::report
