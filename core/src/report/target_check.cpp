#include "json.h"

#include <mansard/base/dtype.h>
#include <mansard/base/units.h>
#include <mansard/report/target_report.h>
#include <mansard/report/text_table.h>

#include "numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace mansard::report {
namespace {

/// What makers round off.
constexpr double kRounding = 0.02;

bool within(double value, const hw::Quantity &stated) {
  return value >= (1 - kRounding) * stated.low.value_or(stated.value) &&
         value <= (1 + kRounding) * stated.high.value_or(stated.value);
}

/// One lower-case word: a name for [sources] to explain rather than a source.
bool isName(std::string_view source) {
  return std::all_of(source.begin(), source.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

/// Collects findings about one chip and the file itself, which may inherit.
class Checker {
public:
  Checker(const hw::Chip &chip, const hw::Document &document, TargetCheck &check)
      : chip_(chip), document_(document), check_(check) {}

  void all() {
    identity();
    wholeNumbers();
    clocks();
    peaks();
    memory();
    statedPeaks();
    statedMemory();
    missing();
    sources();
    ranges();
  }

private:
  void error(std::string message) {
    check_.findings.push_back({true, std::move(message), chip_.file});
  }
  void warning(std::string message) {
    check_.findings.push_back({false, std::move(message), chip_.file});
  }

  void identity() {
    const std::string stem = std::filesystem::path(chip_.file).stem().string();
    if (chip_.file.ends_with(".toml") && stem != chip_.id)
      warning(fmt::format("id '{}' is not the file's name, which is what the target is found by",
                          chip_.id));
    // The first accelerator with a matrix unit is of 2015 (TPU v1); announcements reach a decade
    // ahead at most.
    if (chip_.year && (chip_.year < 2015 || chip_.year > 2040))
      error(fmt::format("year {} is out of range", chip_.year));
    static const std::vector<std::string> statuses{"shipping", "announced", "rumoured"};
    if (!chip_.status.empty() &&
        std::find(statuses.begin(), statuses.end(), chip_.status) == statuses.end())
      error(fmt::format("status '{}' is not one of {}{}", chip_.status, fmt::join(statuses, ", "),
                        hw::suggestion(chip_.status, statuses)));
  }

  void wholeNumbers() {
    for (const char *key :
         {"devices_per_chip", "compute.cores", "memory.stacks", "physical.dies_per_chip",
          "physical.cores_per_die", "physical.io_dies_per_chip", "vector.units_per_core"})
      if (const double value = chip_.number(key); value != std::floor(value))
        error(fmt::format("{} is {}, not a whole number", key, value));
  }

  void clocks() {
    const double clock = chip_.number("compute.clock_GHz"),
                 boost = chip_.number("compute.boost_GHz");
    if (boost > 0 && boost < clock)
      error(fmt::format("compute.boost_GHz {} is below compute.clock_GHz {}", boost, clock));
  }

  void peaks() {
    const mansard_chip view = hw::ChipView(chip_).chip();
    const double peak = std::max(view.matrix_ops_per_s[MANSARD_DTYPE_BF16],
                                 view.matrix_ops_per_s[MANSARD_DTYPE_FP16]);
    if (!(peak > 0))
      return warning("no 16-bit matrix rate: models without quantisation cannot run");
    // Outside, a factor of a thousand is wrong more likely than the chip is odd.
    if (peak < 1e12 || peak > 2e16)
      error(fmt::format("cores x rate x clock is {} at 16 bits: a unit must be wrong",
                        rate(peak, "FLOPS")));
    const double ridge = peak / view.dram_peak_bytes_per_s;
    if (ridge < 5 || ridge > 5000)
      warning(fmt::format("the ridge point is {} operations a byte; accelerators have 50 to 600",
                          number(ridge)));
    if (view.l2_read_bytes_per_s > 0 && view.l2_read_bytes_per_s < view.dram_peak_bytes_per_s)
      warning(fmt::format("l2.read_GBps {} is below the DRAM's peak {}",
                          number(view.l2_read_bytes_per_s / kGiga),
                          number(view.dram_peak_bytes_per_s / kGiga)));
    for (const auto &[narrow, wide] : {std::pair{MANSARD_DTYPE_FP8, MANSARD_DTYPE_BF16},
                                       {MANSARD_DTYPE_NVFP4, MANSARD_DTYPE_FP8},
                                       {MANSARD_DTYPE_MXFP4, MANSARD_DTYPE_FP8},
                                       {MANSARD_DTYPE_BF16, MANSARD_DTYPE_TF32}})
      if (view.matrix_ops_per_s[narrow] > 0 &&
          view.matrix_ops_per_s[narrow] < view.matrix_ops_per_s[wide])
        warning(fmt::format("{} is slower than {}", kDTypes[narrow].name, kDTypes[wide].name));
  }

  void memory() {
    const hw::MemoryTechnology &technology = chip_.memory;
    if (const double rate = chip_.pinRate_Gbps(); rate > 1.5 * technology.pin_rate_Gbps.value)
      warning(fmt::format("memory.pin_rate_Gbps {} is far above the {} of {}", rate,
                          technology.pin_rate_Gbps.value, technology.id));
    for (const char *level : {"scale_up", "scale_out", "die"}) {
      const std::string prefix = fmt::format("links.{}.", level);
      const bool any = std::any_of(chip_.numbers.begin(), chip_.numbers.end(),
                                   [&](const auto &n) { return n.first.starts_with(prefix); });
      if (!any)
        continue;
      for (const char *field : {"bandwidth_GBps", "latency_us", "domain"})
        if (!chip_.has(prefix + field))
          warning(fmt::format("{}{} is missing", prefix, field));
    }
  }

  /// Cores x rate x clock against what the maker states, at the clock or at the highest one.
  void statedPeaks() {
    const double clock = chip_.number("compute.clock_GHz"),
                 boost = chip_.number("compute.boost_GHz", clock);
    bool any = false;
    for (uint32_t type = 0; type < MANSARD_DTYPE_COUNT; ++type) {
      const std::string key = fmt::format("stated.peak_tflops.{}", kDTypes[type].name);
      const auto stated = chip_.numbers.find(key);
      if (stated == chip_.numbers.end())
        continue;
      any = true;
      const double computed = chip_.peakOpsPerSecond(type) / kTera;
      if (!within(computed, stated->second) && !within(computed * boost / clock, stated->second))
        error(fmt::format("cores x rate x clock is {} TFLOPS of {}; {} is {}", number(computed),
                          kDTypes[type].name, key, stated->second.value));
    }
    if (!any)
      warning("no stated.peak_tflops.<dtype> to hold cores x rate x clock against");
  }

  void statedMemory() {
    const double bandwidth_GBps = chip_.dramPeakBytesPerSecond() / kGiga;
    if (const auto stated = chip_.numbers.find("stated.memory_GBps");
        stated != chip_.numbers.end() && !within(bandwidth_GBps, stated->second))
      error(fmt::format("pin rate x width x stacks is {} GB/s; stated.memory_GBps is {}",
                        number(bandwidth_GBps), stated->second.value));
    // Makers write GB for what holds GiB, and may leave out what is reserved.
    const double stated = chip_.number("stated.memory_GB"), usable = chip_.dramCapacityBytes(),
                 whole = usable + chip_.number("memory.reserved_GiB") * kGiB;
    if (stated > 0 &&
        (stated * kGiB < usable * (1 - kRounding) || stated * kGiga > whole * (1 + kRounding)))
      error(fmt::format("stacks x capacity is {}, {} less what is reserved; stated.memory_GB is {}",
                        size(whole), size(usable), stated));
  }

  /// What estimates do without, but power, cost and comparisons need.
  void missing() {
    std::vector<std::string> keys;
    for (const char *key : {"power.tdp_W", "power.idle_W", "physical.dies_per_chip",
                            "links.scale_up.bandwidth_GBps", "links.scale_out.bandwidth_GBps"})
      if (!chip_.has(key))
        keys.emplace_back(key);
    if (chip_.process.empty())
      keys.emplace_back("physical.process");
    if (!chip_.year)
      keys.emplace_back("year");
    if (chip_.status.empty())
      keys.emplace_back("status");
    if (!keys.empty())
      warning(fmt::format("missing: {}", fmt::join(keys, ", ")));
  }

  /// Each source is either in words or a name that [sources] explains, and each of those is used.
  void sources() {
    for (const auto &[key, entry] : document_.entries)
      if (entry.sourced && isName(entry.number.source))
        check_.findings.push_back(
            {true,
             fmt::format("the source '{}' of '{}' is not in [sources]", entry.number.source, key),
             entry.place});
    for (const auto &[name, used] : document_.sources)
      if (!used)
        warning(fmt::format("no number names the source '{}'", name));
  }

  /// Numbers that nobody official gives should say how far off they may be.
  void ranges() {
    if (std::string without = withoutRange(chip_.numbers); !without.empty())
      warning(std::move(without));
  }

  const hw::Chip &chip_;
  const hw::Document &document_;
  TargetCheck &check_;
};

} // namespace

bool TargetCheck::sound() const {
  return std::none_of(findings.begin(), findings.end(), [](const Finding &f) { return f.error; });
}

Result<TargetCheck> checkTarget(host::Host &host, const hw::Catalog &catalog,
                                const std::string &nameOrPath) {
  TargetCheck check;
  check.id = check.file = nameOrPath;
  auto document = catalog.targetDocument(nameOrPath);
  auto chip = document ? hw::buildChip(*document, catalog, {}) : document.error();
  if (!chip) {
    check.findings.push_back({true, chip.error().message, chip.error().place});
    return check;
  }
  check.id = chip->id;
  check.file = chip->file;
  check.numbers = chip->numbers.size();
  Checker(*chip, *document, check).all();
  // The plugin's own keys, and whether its model takes the chip.
  if (auto model = host.bind(*chip); !model) {
    if (model.error().code == ErrorCode::pluginFailed)
      return model.error();
    check.findings.push_back({true, model.error().message, model.error().place});
  }
  return check;
}

std::string checkTable(const TargetCheck &check) {
  std::string out;
  for (const Finding &f : check.findings)
    out += fmt::format("{}: {}{}\n", f.error ? "error" : "warning",
                       f.place.empty() ? "" : f.place + ": ", f.message);
  const auto errors = static_cast<size_t>(std::count_if(
      check.findings.begin(), check.findings.end(), [](const Finding &f) { return f.error; }));
  return out + fmt::format("{}: {} numbers, {} errors, {} warnings\n", check.id, check.numbers,
                           errors, check.findings.size() - errors);
}

std::string checksJson(const std::vector<TargetCheck> &checks) {
  Json json = Json::array();
  for (const TargetCheck &check : checks) {
    Json findings = Json::array();
    for (const Finding &f : check.findings)
      findings.push_back(Json{
          {"severity", f.error ? "error" : "warning"}, {"message", f.message}, {"place", f.place}});
    json.push_back(Json{{"id", check.id},
                        {"file", check.file},
                        {"sound", check.sound()},
                        {"numbers", check.numbers},
                        {"findings", findings}});
  }
  return dump(json);
}

} // namespace mansard::report
