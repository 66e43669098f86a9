#include <mansard/base/stated_tile.h>
#include <mansard/hw/system.h>
#include <mansard/model/estimate.h>
#include <mansard/model/floors.h>
#include <mansard/model/stated_tile.h>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace mansard::model {
namespace {

struct Priced {
  work::Workload workload;
  work::Program program;
  std::vector<mansard_estimate> estimates;
  std::vector<StepTime> steps;
  Timeline timeline;
  double communication_us = 0;
};

Result<Priced> price(const Lowering &lowering, const work::Workload &workload,
                     const host::Model &target) {
  auto program = lowering.lower(workload, capabilitiesOf(target));
  if (!program)
    return program.error();
  Priced priced;
  priced.workload = workload;
  priced.program = std::move(*program);
  Evaluator evaluator(priced.program);
  if (auto done = evaluator.run(target); !done)
    return done.error();
  priced.estimates = evaluator.estimates();
  priced.steps = evaluator.steps();
  priced.timeline = evaluator.timeline();
  priced.communication_us = lostToCommunication_us(priced.program, priced.estimates);
  return priced;
}

/// Prices without overlap and, where experts are exchanged, with two half-batches in turn; keeps
/// the faster and says so. A workload that cannot be split in two keeps the plain one.
Result<Priced> priceFastest(const Lowering &lowering, work::Workload workload,
                            const host::Model &target, std::vector<std::string> &notes) {
  workload.overlap = work::Overlap::none;
  auto plain = price(lowering, workload, target);
  if (!plain || lowering.isModule() || !exchangesExperts(plain->program))
    return plain;
  workload.overlap = work::Overlap::two_batch;
  auto halves = price(lowering, workload, target);
  if (!halves) {
    notes.push_back(fmt::format("overlap: none; two half-batches in turn are not possible ({})",
                                halves.error().message));
    return plain;
  }
  const double none_us = plain->timeline.total_us, two_us = halves->timeline.total_us;
  const bool faster = two_us < none_us;
  notes.push_back(
      fmt::format("overlap: {}; without {:.2f} ms, with two half-batches in turn {:.2f} ms",
                  faster ? "two-batch" : "none", none_us / 1e3, two_us / 1e3));
  if (!faster)
    return plain;
  // Were communication free, nothing would be halved: what halving costs is lost to it as well.
  halves->communication_us =
      std::max(halves->communication_us, two_us - (none_us - plain->communication_us));
  return halves;
}

Result<> checkAllFloors(const Priced &priced, const host::Model &target) {
  for (size_t i = 0; i < priced.estimates.size(); ++i)
    if (auto broken = brokenFloors(target.view(), priced.program.kernels[i], priced.estimates[i]);
        !broken.empty())
      return Error{ErrorCode::pluginFailed, broken.front(),
                   fmt::format("--check: model {}", target.id())};
  return Ok{};
}

/// What flags and notes of the kernels say, each said once.
void noteKernels(const Priced &priced, const host::Model &target, std::vector<std::string> &notes) {
  size_t fallbacks = 0, uncalibrated = 0, untiled = 0;
  std::vector<std::string> own;
  for (size_t i = 0; i < priced.estimates.size(); ++i) {
    const mansard_estimate &e = priced.estimates[i];
    fallbacks += (e.flags & MANSARD_ESTIMATE_FALLBACK) != 0;
    uncalibrated += (e.flags & MANSARD_ESTIMATE_UNCALIBRATED) != 0;
    untiled += (e.flags & MANSARD_ESTIMATE_DOES_NOT_TILE) != 0 &&
               !statesTile(priced.program.kernels[i]); // those have notes of their own
    if (e.note.data && e.note.size > 0)
      own.emplace_back(e.note.data, e.note.size);
  }
  const size_t all = priced.estimates.size();
  if (fallbacks)
    notes.push_back(
        fmt::format("fallback: {} of {} kernels are priced by something simpler than model "
                    "{}'s own",
                    fallbacks, all, target.id()));
  if (uncalibrated)
    notes.push_back(fmt::format("uncalibrated: no measurement of family {} stands behind {} of {} "
                                "kernels",
                                target.chip().family, uncalibrated, all));
  if (untiled)
    notes.push_back(fmt::format("no tiling of {} of {} kernels fits the on-chip memories; they are "
                                "priced as if streamed",
                                untiled, all));
  for (std::string &note : own)
    if (std::find(notes.begin(), notes.end(), note) == notes.end())
      notes.push_back(std::move(note));
}

/// Of every kernel that states a tile, by the name of the first step that runs it.
Result<> noteStatedTiles(const Priced &priced, const host::Model &target,
                         std::vector<std::string> &notes) {
  std::vector<bool> told(priced.program.kernels.size());
  for (const work::Step &step : priced.program.steps) {
    if (told[step.kernel])
      continue;
    told[step.kernel] = true;
    auto said =
        statedTileNotes(target, priced.program.kernels[step.kernel], priced.estimates[step.kernel]);
    if (!said)
      return said.error();
    for (const std::string &note : *said)
      notes.push_back(fmt::format("{}: {}", step.name, note));
  }
  return Ok{};
}

Result<> checkDevices(const work::Parallelism &p, const hw::Chip &chip) {
  const hw::System &system = *chip.system;
  const int64_t devices = system.chips() * chip.devicesPerChip();
  if (p.devices() <= devices)
    return Ok{};
  return Error{ErrorCode::invalidInput,
               fmt::format("tp {} x pp {} x dp {} x cp {} is {} devices; {} has {} ({} {} of {})",
                           p.tp, p.pp, p.dp, p.cp, p.devices(), system.id, devices, system.chips(),
                           system.chips() == 1 ? "chip" : "chips", chip.devicesPerChip()),
               "--system"};
}

} // namespace

work::Capabilities capabilitiesOf(const host::Model &model) {
  work::Capabilities capabilities;
  const mansard_chip &chip = model.view();
  capabilities.target = model.chip().id;
  capabilities.chip = &model.chip();
  for (uint32_t type = 0; type < MANSARD_DTYPE_COUNT; ++type)
    capabilities.matrix[type] = chip.matrix_ops_per_s[type] > 0;
  const mansard_link &up = chip.links[MANSARD_LINK_SCALE_UP];
  if (up.bytes_per_s > 0)
    capabilities.scaleUpDomain = static_cast<int64_t>(up.domain);
  return capabilities;
}

Result<Lowering> Lowering::open(const std::string &model, const hw::Catalog &catalog,
                                work::ModuleOptions options) {
  auto found = catalog.modelPath(model);
  if (!found)
    return found.error();
  const std::string &path = *found;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return Error{ErrorCode::io, "no such file", path};
  auto frontend = work::loadFrontend();
  if (!frontend)
    return frontend.error();
  if (path.ends_with(".mlir")) {
    Lowering lowering;
    lowering.frontend_ = *frontend;
    lowering.name_ = std::filesystem::path(path).stem().string();
    lowering.module_ = path;
    lowering.moduleOptions_ = std::move(options);
    return lowering;
  }
  auto transformer = work::readModel(path);
  if (!transformer)
    return transformer.error();
  return Lowering(**frontend, std::move(*transformer));
}

Lowering::Lowering(const work::Frontend &frontend, work::Transformer model)
    : frontend_(&frontend), name_(model.id.empty() ? model.name : model.id),
      transformer_(std::move(model)) {}

Result<work::Program> Lowering::lower(const work::Workload &workload,
                                      const work::Capabilities &target) const {
  if (isModule())
    return frontend_->lowerModule(module_, target, moduleOptions_);
  if (auto sound = work::check(workload); !sound)
    return sound.error();
  if (target.chip && target.chip->system)
    if (auto enough = checkDevices(workload.parallelism, *target.chip); !enough)
      return enough.error();
  return frontend_->lower(*transformer_, workload, target);
}

bool exchangesExperts(const work::Program &program) {
  return std::any_of(program.kernels.begin(), program.kernels.end(),
                     [](const work::Kernel &k) { return k.op == MANSARD_OP_EXPERT_PARALLEL; });
}

Result<StepEstimate> estimateStep(const Scenario &scenario, const Lowering &lowering,
                                  const host::Model &target) {
  StepEstimate out;
  auto priced = scenario.chooseOverlap
                    ? priceFastest(lowering, scenario.workload, target, out.notes)
                    : price(lowering, scenario.workload, target);
  if (!priced)
    return priced.error();
  if (scenario.checkFloors)
    if (auto above = checkAllFloors(*priced, target); !above)
      return above.error();
  out.notes.insert(out.notes.begin(), priced->program.notes.begin(), priced->program.notes.end());
  out.notes.insert(out.notes.begin(), target.chip().notes.begin(), target.chip().notes.end());
  noteKernels(*priced, target, out.notes);
  if (auto noted = noteStatedTiles(*priced, target, out.notes); !noted)
    return noted.error();

  out.memory.need = priced->program.memory;
  out.memory.capacity = target.view().dram_bytes;
  if (!out.memory.fits() && !lowering.isModule())
    out.memory.remedies =
        findRemedies(lowering, priced->workload, capabilitiesOf(target), out.memory.capacity);
  out.model = lowering.name();
  out.isModule = lowering.isModule();
  out.workload = priced->workload;
  out.program = std::move(priced->program);
  out.estimates = std::move(priced->estimates);
  out.steps = std::move(priced->steps);
  out.timeline = priced->timeline;
  out.communication_us = priced->communication_us;
  return out;
}

} // namespace mansard::model
