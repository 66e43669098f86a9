#include <mansard/explore/sweep.h>

#include "../base/in_parallel.h"
#include "../hw/chip_keys.h"

#include <mansard/base/counts.h>
#include <mansard/hw/system.h>
#include <mansard/model/kernel_runs.h>
#include <mansard/system/step_costs.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>

namespace mansard::explore {
namespace {

/// What decides how a model is lowered: the target, which notes name, and what it can.
using ProgramKey = std::tuple<size_t, std::array<bool, MANSARD_DTYPE_COUNT>, int64_t>;

struct Prepared {
  std::optional<host::Model> model;
  system::StepPrograms *programs = nullptr;
};

std::vector<system::StepWork> stepsOf(const Sweep &sweep) {
  const work::Workload &w = sweep.workload;
  std::vector<system::StepWork> steps;
  if (sweep.prefill)
    steps.push_back(
        {.prompts = sweep.prompts > 0 ? sweep.prompts : w.parallelism.dp * w.parallelism.pp,
         .tokens = w.context - w.cached,
         .cached = w.cached});
  if (sweep.decode)
    steps.push_back({.decoding = w.batch, .context = w.context});
  return steps;
}

Result<> checkSizes(const Sweep &sweep) {
  constexpr int64_t kMostPrompts = int64_t{1} << 30;
  if (sweep.prompts < 0 || sweep.prompts > kMostPrompts)
    return Error{ErrorCode::invalidInput,
                 fmt::format("is {}; it may be 1 to {}, or 0: one for each replica", sweep.prompts,
                             kMostPrompts),
                 "--prompts"};
  for (const bool prefill : {true, false}) {
    if (!(prefill ? sweep.prefill : sweep.decode))
      continue;
    work::Workload workload = sweep.workload;
    workload.phase = prefill ? work::Phase::prefill : work::Phase::decode;
    if (prefill) {
      workload.batch = stepsOf(sweep).front().prompts;
      workload.new_tokens = 1;
      workload.accept = 0;
    } else {
      workload.cached = 0;
    }
    if (auto sound = work::check(workload); !sound)
      return sound;
  }
  return Ok{};
}

bool sameNumbers(const hw::Chip &a, const hw::Chip &b) {
  const auto same = [](const auto &x, const auto &y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), [](const auto &one, const auto &two) {
      return one.first == two.first && one.second.value == two.second.value;
    });
  };
  const auto sameMemory = [&](const hw::MemoryField &field) {
    return (a.memory.*field.member).value == (b.memory.*field.member).value;
  };
  return a.model == b.model && a.family == b.family && a.memoryTechnology == b.memoryTechnology &&
         same(a.numbers, b.numbers) && same(a.calibration, b.calibration) &&
         std::all_of(hw::memoryFields().begin(), hw::memoryFields().end(), sameMemory);
}

/// Returns the share of the step that is in kernels which DRAM bounds.
double collectKernels(const system::StepDetail &detail, double total_us,
                      std::vector<SweptKernel> &kernels) {
  double dram_us = 0;
  for (model::KernelRuns &runs : model::kernelRuns(*detail.program, detail.steps)) {
    const work::Kernel &kernel = detail.program->kernels[runs.kernel];
    const uint32_t bound = detail.estimates[runs.kernel].bound;
    if (bound == MANSARD_BOUND_DRAM)
      dram_us += runs.exposed_us;
    kernels.push_back({std::move(runs.name), work::describe(kernel), kernel.op, runs.count,
                       runs.exposed_us, bound});
  }
  return total_us > 0 ? dram_us / total_us : 0;
}

void addRidges(const work::Program &program, const mansard_chip &chip, std::vector<Ridge> &ridges) {
  std::set<uint32_t> types;
  for (const Ridge &ridge : ridges)
    types.insert(ridge.dtype);
  for (const work::Kernel &kernel : program.kernels)
    if (chip.matrix_ops_per_s[kernel.dtype] > 0 && countWork(kernel).matrixOperations > 0)
      types.insert(kernel.dtype);
  ridges.clear();
  for (const uint32_t type : types)
    ridges.push_back({type, chip.matrix_ops_per_s[type] / chip.dram_read_bytes_per_s});
}

Result<SweptPhase> pricePhase(system::StepCosts &costs, system::StepPrograms &programs,
                              const system::StepWork &step, SweptChip &out) {
  const auto lowered = programs.of(step);
  if (!lowered)
    return lowered.error();
  const auto cost = costs.of(step);
  if (!cost)
    return cost.error();
  const work::Program &program = *cost->detail->program;
  SweptPhase phase;
  phase.phase = step.prompts > 0 ? work::Phase::prefill : work::Phase::decode;
  phase.total_us = cost->total_us;
  phase.tokens = program.tokens;
  std::copy(std::begin(cost->part_us), std::end(cost->part_us), std::begin(phase.part_us));
  phase.bound = cost->bound;
  phase.dramBound = collectKernels(*cost->detail, cost->total_us, phase.kernels);
  phase.needBytes = (*lowered)->plain.memory.total();
  phase.fits = phase.needBytes <= costs.capacity();
  out.devices = program.devices;
  if (const economics::EnergyModel &energy = costs.energy(); energy.known())
    phase.power_W =
        energy.package_W(cost->energy, cost->total_us, static_cast<double>(program.devices));
  addRidges(program, costs.target().view(), out.ridges);
  for (const std::string &note : program.notes)
    if (std::find(out.notes.begin(), out.notes.end(), note) == out.notes.end())
      out.notes.push_back(note);
  return phase;
}

void priceChip(const Prepared &prepared, const std::vector<system::StepWork> &steps,
               SweptChip &out) {
  const mansard_chip &view = prepared.model->view();
  out.peakBytesPerSecond = view.dram_peak_bytes_per_s;
  out.readBytesPerSecond = view.dram_read_bytes_per_s;
  out.capacityBytes = view.dram_bytes;
  system::StepCosts costs(*prepared.programs, *prepared.model);
  for (const system::StepWork &step : steps) {
    auto phase = pricePhase(costs, *prepared.programs, step, out);
    if (!phase) {
      out.failure = phase.error().text();
      out.phases.clear();
      return;
    }
    out.phases.push_back(std::move(*phase));
  }
  out.chips = out.chip.packagesOf(out.devices);
}

/// The chip as shipped, else the first that has a result.
void compareWithReference(SweptChip *first, SweptChip *last) {
  const auto priced = [](const SweptChip &chip) { return chip.failure.empty(); };
  SweptChip *reference = std::find_if(
      first, last, [&](const SweptChip &chip) { return priced(chip) && chip.asShipped; });
  if (reference == last)
    reference = std::find_if(first, last, priced);
  if (reference == last)
    return;
  reference->reference = true;
  for (SweptChip *chip = first; chip != last; ++chip)
    for (size_t i = 0; i < chip->phases.size(); ++i)
      chip->phases[i].speedup =
          chip->phases[i].tokensPerSecond() / static_cast<double>(chip->chips) /
          (reference->phases[i].tokensPerSecond() / static_cast<double>(reference->chips));
}

class Run {
public:
  Run(host::Host &host, const model::Lowering &lowering, const Sweep &sweep)
      : host_(host), lowering_(lowering), steps_(stepsOf(sweep)) {
    result_.sweep = sweep;
    result_.model = lowering.name();
  }

  Result<SweepResult> run(const SweepOptions &options) {
    const Sweep &sweep = result_.sweep;
    auto points = pointsOf(sweep);
    if (!points)
      return points.error();
    if (points->size() * sweep.targets.size() > kMostPoints)
      return Error{ErrorCode::invalidInput,
                   fmt::format("more than {} points: {} for each of {} targets", kMostPoints,
                               points->size(), sweep.targets.size()),
                   "--over"};
    result_.points = std::move(*points);
    for (const SweepTarget &target : sweep.targets) // all keys of all targets before any number
      if (auto known = openShipped(target); !known)
        return known.error();
    for (size_t target = 0; target < sweep.targets.size(); ++target)
      for (size_t point = 0; point < result_.points.size(); ++point)
        if (auto prepared = prepare(target, point); !prepared)
          return prepared.error();
    inParallel(
        static_cast<int64_t>(prepared_.size()), options.threads,
        [&](int64_t i) {
          const auto index = static_cast<size_t>(i);
          if (prepared_[index].model)
            priceChip(prepared_[index], steps_, result_.chips[index]);
        },
        [&](int64_t done) {
          if (options.progress)
            options.progress(done, static_cast<int64_t>(prepared_.size()));
        });
    const size_t across = result_.points.size();
    for (size_t target = 0; target < sweep.targets.size(); ++target) {
      SweptChip *first = result_.chips.data() + target * across;
      compareWithReference(first, first + across);
    }
    return std::move(result_);
  }

private:
  Result<host::Model> open(const SweepTarget &target, const std::vector<hw::Override> &overrides) {
    return target.isSystem ? host_.openSystem(target.name, overrides)
                           : host_.open(target.name, overrides);
  }

  Result<> openShipped(const SweepTarget &target) {
    auto model = open(target, {});
    if (!model)
      return model.error();
    for (const SweepPoint &point : result_.points)
      for (const hw::Override &change : point.overrides)
        if (auto known = hw::checkOverrideKey(model->chip(), change.key); !known)
          return Error{known.error().code, known.error().message,
                       fmt::format("{}, {}", target.name, point.name)};
    result_.shipped.push_back(model->chip());
    return Ok{};
  }

  /// Binds the chip and finds the programs it shares; a chip that cannot be is a failure of the
  /// point, a plugin that fails is one of all.
  Result<> prepare(size_t target, size_t point) {
    SweptChip &out = result_.chips.emplace_back();
    Prepared &prepared = prepared_.emplace_back();
    out.target = target;
    out.point = point;
    auto model = open(result_.sweep.targets[target], result_.points[point].overrides);
    if (!model) {
      if (model.error().code == ErrorCode::pluginFailed)
        return model.error();
      out.failure = model.error().text();
      return Ok{};
    }
    out.chip = model->chip();
    out.pricedBy = model->id();
    out.asShipped = sameNumbers(out.chip, result_.shipped[target]);
    const std::vector<std::string> &known = result_.shipped[target].notes;
    for (const std::string &note : out.chip.notes) // what the overrides implied
      if (std::find(known.begin(), known.end(), note) == known.end())
        out.notes.push_back(note);
    prepared.model = std::move(*model);
    const work::Capabilities capabilities = model::capabilitiesOf(*prepared.model);
    std::unique_ptr<system::StepPrograms> &programs =
        programs_[{target, capabilities.matrix, capabilities.scaleUpDomain}];
    if (!programs) {
      work::Capabilities kept = capabilities;
      kept.chip = &result_.shipped[target]; // outlives the point's
      programs = std::make_unique<system::StepPrograms>(lowering_, kept, result_.sweep.workload,
                                                        system::ExpertTraffic{.routing = 0});
    }
    prepared.programs = programs.get();
    return Ok{};
  }

  host::Host &host_;
  const model::Lowering &lowering_;
  const std::vector<system::StepWork> steps_;
  SweepResult result_;
  std::vector<Prepared> prepared_; // as result_.chips
  std::map<ProgramKey, std::unique_ptr<system::StepPrograms>> programs_;
};

} // namespace

Result<SweepResult> runSweep(host::Host &host, const model::Lowering &lowering, const Sweep &sweep,
                             const SweepOptions &options) {
  if (lowering.isModule())
    return Error{ErrorCode::invalidInput,
                 "a .mlir module is one step of fixed sizes; a sweep needs a model", "--model"};
  if (sweep.targets.empty())
    return Error{ErrorCode::invalidInput, "no target to sweep", sweep.file};
  if (!sweep.prefill && !sweep.decode)
    return Error{ErrorCode::invalidInput, "neither phase is wanted", "--phase"};
  if (auto sound = checkSizes(sweep); !sound)
    return sound.error();
  return Run(host, lowering, sweep).run(options);
}

} // namespace mansard::explore
