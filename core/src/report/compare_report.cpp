#include <mansard/report/compare_report.h>

#include <mansard/base/names.h>
#include <mansard/base/units.h>
#include <mansard/economics/tco.h>
#include <mansard/explore/uncertain_numbers.h>
#include <mansard/host/interval.h>
#include <mansard/hw/system.h>
#include <mansard/report/standing.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace mansard::report {
namespace {

using system::ServingEstimate;
using system::ServingScenario;

/// How far kernels' measurements lie from their estimates, by their share of devices' time.
struct KernelBand {
  double low = 1, high = 1; // measured over predicted, 10th and 90th percentile
  std::array<double, kMeasuredNames.size()> share{}; // of the time, by what was measured
};

class BandSum {
public:
  void add(const host::Model &target, const system::StepDetail &detail, double weight) {
    double total_us = 0;
    for (const model::StepTime &step : detail.steps)
      total_us += step.exposed_us;
    if (!(total_us > 0))
      return;
    for (size_t i = 0; i < detail.steps.size(); ++i) {
      const uint32_t index = detail.program->steps[i].kernel;
      const work::Kernel &kernel = detail.program->kernels[index];
      const mansard_estimate &estimate = detail.estimates[index];
      const double share = weight * detail.steps[i].exposed_us / total_us;
      const host::Interval interval = host::interval(target, kernel, estimate);
      if (!(estimate.latency_us > 0 && interval.low_us > 0))
        continue;
      low_ += share * std::log(interval.low_us / estimate.latency_us);
      high_ += share * std::log(interval.high_us / estimate.latency_us);
      weight_ += share;
      const Standing standing = standingOf(target.chip(), kernel.op, estimate.flags);
      share_[static_cast<size_t>(standing.measured)] += share;
    }
  }
  KernelBand band() const {
    KernelBand band;
    if (!(weight_ > 0))
      return band;
    band.low = std::exp(low_ / weight_);
    band.high = std::exp(high_ / weight_);
    for (size_t i = 0; i < share_.size(); ++i)
      band.share[i] = share_[i] / weight_;
    return band;
  }

private:
  double low_ = 0, high_ = 0, weight_ = 0;
  std::array<double, kMeasuredNames.size()> share_{};
};

/// Of an iteration that decodes and of one that takes a prompt, by their part of the time.
KernelBand bandOf(system::StepCosts &costs, const ServingScenario &scenario,
                  const ServingEstimate &estimate) {
  const int64_t replicas = std::max<int64_t>(1, scenario.plan.parallelism.dp);
  const auto decoding = static_cast<int64_t>(estimate.decoding + 0.5);
  const int64_t sequences = std::max(replicas, decoding / replicas * replicas);
  const double prompts = std::clamp(estimate.prefillBusy, 0.0, 1.0);
  BandSum sum;
  if (const auto step = costs.decode(sequences, scenario.isl + scenario.osl / 2); step)
    sum.add(costs.target(), *step->detail, 1 - prompts);
  if (prompts > 0)
    if (const auto step = costs.prefill(replicas, scenario.isl, 0); step)
      sum.add(costs.target(), *step->detail, prompts);
  return sum.band();
}

std::string validationOf(const KernelBand &band) {
  constexpr std::array<std::string_view, kMeasuredNames.size()> kBy{
      "by measurements of this chip", "by those of its family", "by no measurement"};
  std::vector<std::string> parts;
  for (size_t i = 0; i < kBy.size(); ++i)
    if (band.share[i] >= kShown)
      parts.push_back(fmt::format("{} {}", percent(band.share[i]), kBy[i]));
  return parts.empty() ? "" : fmt::format("of its time {}", fmt::join(parts, ", "));
}

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

using Figures = std::array<double, kCompareFigures>;

Figures figuresOf(const hw::Chip &chip, const economics::Assumptions &economics,
                  const ServingEstimate &estimate) {
  Figures figures;
  figures.fill(kMissing);
  const auto at = [&](CompareFigure figure) -> double & {
    return figures[static_cast<size_t>(figure)];
  };
  const double rate = estimate.tokens_per_s_per_chip;
  const system::MemoryUse &memory = estimate.memory;
  at(CompareFigure::ttft) = estimate.ttft_ms;
  at(CompareFigure::tpot) = estimate.tpot_ms;
  at(CompareFigure::tokens_per_chip) = rate;
  at(CompareFigure::memory_headroom) =
      (memory.capacity - memory.weights - memory.kvCache - memory.activations) / kGiB;
  const double power_W = chip.number("power.tdp_W") * economics.number("power.load_share");
  if (power_W > 0) {
    at(CompareFigure::power) = power_W;
    at(CompareFigure::tokens_per_watt) = rate / power_W;
  }
  const auto hourly = economics::hourlyCost(chip, economics, power_W);
  if (!hourly)
    return figures;
  at(CompareFigure::tokens_per_kusd) = rate / hourly->chip_usd * 1e3;
  at(CompareFigure::tokens_per_kilowatt_per_kusd) = rate / power_W / hourly->chip_usd * 1e6;
  at(CompareFigure::usd_per_mtok) = economics::costPerMillionTokens(*hourly, rate, economics);
  return figures;
}

/// Spreads of the figures that the description suffices for; a note where nothing has a range.
Result<> addFigures(ComparedChip &row, host::Host &host, system::StepPrograms &programs,
                    const Contender &contender, const ServingScenario &scenario,
                    const Figures &nominal, const KernelBand &band, size_t samples) {
  explore::addInputs(row.inputs, contender.target.chip());
  explore::addInputs(row.inputs, contender.economics.numbers, contender.economics.id);
  row.inputs.push_back({explore::UncertainInput::Shape::lognormal,
                        fmt::format("kernel times of {}", row.target), 1, band.low, band.high});
  std::vector<size_t> known;
  for (size_t i = 0; i < nominal.size(); ++i)
    if (std::isfinite(nominal[i]))
      known.push_back(i);
  size_t failed = 0;
  std::string reason; // of the first that failed
  const auto fails = [&](const std::string &text) {
    if (failed++ == 0)
      reason = text;
    return false;
  };
  const auto experiment = [&](std::span<const double> values, std::span<double> out) {
    hw::Chip chip = contender.target.chip();
    economics::Assumptions economics = contender.economics;
    explore::assign(chip, values);
    explore::assign(economics.numbers, values);
    auto target = host.bind(std::move(chip));
    if (!target)
      return fails(target.error().text());
    system::StepCosts costs(programs, *target, scenario.software.kernels);
    const auto estimate = estimateSlower(scenario, costs, values[0]);
    if (!estimate)
      return fails(estimate.error().text());
    const Figures figures = figuresOf(target->chip(), economics, *estimate);
    for (size_t i = 0; i < known.size(); ++i)
      if (out[i] = figures[known[i]]; !std::isfinite(out[i]))
        return fails(fmt::format("no {}", kCompareFigureKeys[known[i]]));
    return true;
  };
  auto spreads = explore::spreadsOf(row.inputs, known.size(), experiment, {samples, 1});
  if (failed > 0)
    row.notes.push_back(fmt::format(
        "cannot run this in {} of the cases that its uncertain numbers leave open{}: {}",
        percent(static_cast<double>(failed) / static_cast<double>(samples)),
        spreads ? "; ranges are of the others" : "", reason));
  if (!spreads)
    return spreads.error();
  for (size_t i = 0; i < known.size(); ++i)
    row.figures[known[i]] = std::move((*spreads)[i]);
  return Ok{};
}

Result<ComparedChip> compareChip(host::Host &host, const model::Lowering &lowering,
                                 const Contender &contender, ServingScenario scenario,
                                 size_t samples) {
  const host::Model &target = contender.target;
  ComparedChip row;
  row.target = target.chip().system ? target.chip().system->id : target.chip().id;
  row.targetName = target.chip().title();
  row.pricedBy = target.id();
  row.software = contender.software.name;
  row.economics = contender.economics.id;
  scenario.software = contender.software;
  system::StepPrograms programs(lowering, model::capabilitiesOf(target), scenario.plan,
                                scenario.traffic);
  system::StepCosts costs(programs, target, scenario.software.kernels);
  auto estimate = system::estimateServing(scenario, costs);
  if (!estimate) {
    if (estimate.error().code == ErrorCode::pluginFailed)
      return estimate.error();
    row.failure = estimate.error().text();
    return row;
  }
  row.bound = estimate->hostBound ? "host" : std::string(kBoundNames[estimate->bound]);
  row.chips = estimate->chips;
  row.devices = estimate->devices;
  row.memoryCapacity = estimate->memory.capacity;
  row.notes = estimate->notes;
  const KernelBand band = bandOf(costs, scenario, *estimate);
  row.validation = validationOf(band);
  if (auto hourly = economics::hourlyCost(target.chip(), contender.economics, 0); !hourly)
    row.notes.push_back("no cost of tokens: " + hourly.error().message);
  const Figures nominal = figuresOf(target.chip(), contender.economics, *estimate);
  if (auto added = addFigures(row, host, programs, contender, scenario, nominal, band, samples);
      !added) {
    row.notes.push_back("no ranges: " + added.error().message);
    for (size_t i = 0; i < nominal.size(); ++i)
      if (std::isfinite(nominal[i]))
        row.figures[i] = explore::Spread{nominal[i], nominal[i], nominal[i], {}};
  }
  return row;
}

} // namespace

Result<ServingEstimate> estimateSlower(const ServingScenario &scenario, system::StepCosts &costs,
                                       double factor) {
  // Kernels as they are under a clock that ticks every `factor`: only the host's times change.
  ServingScenario ticks = scenario;
  system::SoftwareProfile &host = ticks.software;
  for (double *time : {&host.request_us, &host.iteration_us, &host.sequence_us, &host.launch_us})
    *time /= factor;
  auto estimate = system::estimateServing(ticks, costs);
  if (!estimate)
    return estimate;
  ServingEstimate &e = *estimate;
  for (double *time : {&e.ttft_ms, &e.tpot_ms, &e.slot_ms, &e.queue_ms, &e.prompt_ms,
                       &e.transfer_ms, &e.request_ms, &e.decode_ms, &e.prompts_ms, &e.host_ms})
    *time *= factor;
  for (double &part : e.part_us)
    part *= factor;
  for (double *rate : {&e.requests_per_s, &e.tokens_per_s, &e.tokens_per_s_per_chip,
                       &e.tokens_per_s_per_user, &e.input_tokens_per_s})
    *rate /= factor;
  return estimate;
}

Result<CompareReport> collectComparison(host::Host &host, const model::Lowering &lowering,
                                        const std::vector<Contender> &contenders,
                                        const system::ServingScenario &scenario, size_t samples) {
  if (lowering.isModule())
    return Error{ErrorCode::invalidInput,
                 "a .mlir module is one step of fixed sizes; serving needs a model", "--model"};
  if (auto sound = system::check(scenario); !sound)
    return sound.error();
  if (scenario.disaggregated)
    return Error{ErrorCode::invalidInput, "prefill workers of their own are not compared", ""};
  CompareReport report;
  report.model = lowering.name();
  report.scenario = scenario;
  for (const Contender &contender : contenders) {
    auto row = compareChip(host, lowering, contender, scenario, samples);
    if (!row)
      return row.error();
    report.chips.push_back(std::move(*row));
  }
  const auto fails = [](const ComparedChip &row) { return !row.failure.empty(); };
  if (!report.chips.empty() && std::all_of(report.chips.begin(), report.chips.end(), fails)) {
    std::string reasons;
    for (const ComparedChip &row : report.chips)
      reasons += fmt::format("\n  {}: {}", row.target, row.failure);
    return Error{ErrorCode::invalidInput, "none of the chips can run this:" + reasons, ""};
  }
  return report;
}

} // namespace mansard::report
