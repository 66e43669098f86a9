#include <mansard/system/training.h>

#include "training_updates.h"

#include <mansard/base/overlap.h>
#include <mansard/model/timeline.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace mansard::system {
namespace {

/// What a section of a micro-batch's passes takes on a device.
struct Section {
  double us = 0, communication_us = 0;
  double part_us[MANSARD_BOUND_COUNT] = {};
  void add(const Section &other, double times) {
    us += times * other.us;
    communication_us += times * other.communication_us;
    for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i)
      part_us[i] += times * other.part_us[i];
  }
};

double sum(double a, double b) {
  const double lanes[] = {a, b};
  return overlapped(lanes, 2);
}

/// What `hidden_us` adds to `beside_us` if it runs beside it in `pieces`, the last of which comes
/// when nothing is left to run beside.
double exposed(double hidden_us, double beside_us, double pieces) {
  return std::max(sum(hidden_us, beside_us) - beside_us, hidden_us / std::max(1.0, pieces));
}

class Training {
public:
  Training(const TrainingPlan &plan, const model::Lowering &lowering, const host::Model &target)
      : plan_(plan), lowering_(lowering), target_(target), p_(plan.parallelism) {}

  Result<TrainingEstimate> run() {
    out_.plan = plan_;
    out_.model = lowering_.name();
    out_.devices = p_.devices();
    auto forward = lowerTraining(plan_, lowering_, target_);
    if (!forward)
      return forward.error();
    forward_ = std::move(*forward);
    out_.notes = forward_.notes;
    out_.notes.insert(out_.notes.begin(), target_.chip().notes.begin(), target_.chip().notes.end());
    auto program = withBackward(forward_, plan_.method, p_.tp);
    if (!program)
      return program.error();
    program_ = std::move(*program);
    out_.notes.insert(out_.notes.end(), program_.notes.begin(), program_.notes.end());
    auto estimates = price(program_.kernels, target_);
    if (!estimates)
      return estimates.error();
    estimates_ = std::move(*estimates);
    for (std::string &note : priceNotes(program_.kernels, estimates_, target_))
      out_.notes.push_back(std::move(note));
    layers_ = layersOfStages(model().layerCount(), p_.pp);
    addSections();
    if (auto done = schedule(); !done)
      return done.error();
    if (auto done = update(); !done)
      return done.error();
    finish();
    return std::move(out_);
  }

private:
  const work::Transformer &model() const { return *lowering_.transformer(); }

  bool communicating(const TrainingStep &step) const {
    return communicates(program_.kernels[step.kernel]);
  }

  void addSections() {
    exposed_us_.resize(program_.steps.size());
    const std::vector<TrainingStep> &steps = program_.steps;
    for (size_t first = 0, last = 0; first < steps.size(); first = last) {
      last = first + 1;
      while (steps[first].overlap != 0 && last < steps.size() &&
             steps[last].overlap == steps[first].overlap)
        ++last;
      model::OverlapGroup group, free;
      for (size_t i = first; i < last; ++i) {
        group.add(steps[i].lane, estimates_[steps[i].kernel], steps[i].runs);
        if (!communicating(steps[i]))
          free.add(steps[i].lane, estimates_[steps[i].kernel], steps[i].runs);
      }
      group.close();
      free.close();
      Section section;
      section.communication_us = group.duration_us() - free.duration_us();
      for (size_t i = first; i < last; ++i) {
        double part_us[MANSARD_BOUND_COUNT] = {};
        if (steps[first].overlap == 0)
          for (uint32_t r = 0; r < MANSARD_BOUND_COUNT; ++r)
            part_us[r] = estimates_[steps[i].kernel].part_us[r] * steps[i].runs;
        else
          group.contribution(steps[i].lane, estimates_[steps[i].kernel], steps[i].runs, part_us);
        for (uint32_t r = 0; r < MANSARD_BOUND_COUNT; ++r) {
          section.part_us[r] += part_us[r];
          exposed_us_[i] += part_us[r];
        }
        section.us += exposed_us_[i];
      }
      sections_[size_t(steps[first].place)][size_t(steps[first].pass)].add(section, 1);
    }
  }

  /// How often a stage runs what stands at `place`, of all layers of the model.
  double shareOf(Place place, int64_t stage) const {
    if (place == Place::first)
      return stage == 0;
    if (place == Place::last)
      return stage == p_.pp - 1;
    return static_cast<double>(layers_[size_t(stage)]) / static_cast<double>(model().layerCount());
  }

  Section passOf(Pass pass, int64_t stage) const {
    Section section;
    for (size_t place = 0; place < kPlaces; ++place)
      section.add(sections_[place][size_t(pass)], shareOf(Place(place), stage));
    return section;
  }

  double stage_us(int64_t stage) const {
    return passOf(Pass::forward, stage).us + passOf(Pass::recompute, stage).us +
           passOf(Pass::backward, stage).us;
  }

  Result<> schedule() {
    double hop_us = 0;
    if (p_.pp > 1) {
      auto hop = hops();
      if (!hop)
        return hop.error();
      hop_us = *hop;
    }
    std::vector<double> stages;
    for (int64_t stage = 0; stage < p_.pp; ++stage)
      stages.push_back(stage_us(stage));
    slowest_ = std::max_element(stages.begin(), stages.end()) - stages.begin();
    const auto m = static_cast<double>(plan_.microBatches());
    const PipelineTime time =
        pipelineTime(stages, plan_.microBatches(), plan_.virtual_stages, hop_us);
    out_.bubble_us = time.bubble_us;
    for (Pass pass : {Pass::forward, Pass::recompute, Pass::backward}) {
      const Section section = passOf(pass, slowest_);
      (pass == Pass::forward     ? out_.forward_us
       : pass == Pass::recompute ? out_.recompute_us
                                 : out_.backward_us) = m * section.us;
      out_.communication_us += m * section.communication_us;
      for (uint32_t r = 0; r < MANSARD_BOUND_COUNT; ++r)
        out_.part_us[r] += m * section.part_us[r];
    }
    addLines();
    return Ok{};
  }

  /// Sends to the next stage: each device its own rows, which with whole rows on every device are
  /// put together behind the link (Narayanan et al., section 4.1). One stage a device: compute
  /// waits for them, once forward and once backward; interleaved ones send while others compute.
  Result<double> hops() {
    const double bytes = 2 * static_cast<double>(plan_.micro_batch * plan_.seq) *
                         static_cast<double>(model().hidden) / static_cast<double>(p_.cp);
    std::vector<Part> parts;
    work::Kernel send =
        work::makeKernel(MANSARD_OP_COLLECTIVE, DType::bf16, DType::bf16, DType::bf16);
    send.u.collective.kind = MANSARD_COLLECTIVE_SEND;
    send.u.collective.ranks = p_.devices();
    send.u.collective.size_bytes = static_cast<int64_t>(bytes / static_cast<double>(p_.tp));
    parts.push_back({send, "pipeline.send"});
    if (!p_.sp)
      addStrided(parts, "pipeline.all_gather", MANSARD_COLLECTIVE_ALL_GATHER, bytes, p_.tp, 1,
                 target_.view());
    const bool waits = plan_.virtual_stages == 1 || !plan_.overlap;
    const double runs = 2 * static_cast<double>(plan_.microBatches() * plan_.virtual_stages);
    auto total = addParts(parts, "pipeline", runs, waits ? 1 : 0);
    if (!total)
      return total.error();
    out_.sends_us = waits ? *total : 0;
    out_.communication_us += out_.sends_us;
    return *total / runs;
  }

  /// Prices `parts`, each run `runs` times its share; the time of all. `shown`: the part of it that
  /// adds to the step.
  Result<double> addParts(const std::vector<Part> &parts, const char *pass, double runs,
                          double shown) {
    std::vector<work::Kernel> kernels;
    for (const Part &part : parts)
      kernels.push_back(part.kernel);
    auto estimates = price(kernels, target_);
    if (!estimates)
      return estimates.error();
    double total = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
      const mansard_estimate &e = (*estimates)[i];
      TrainingLine &line = out_.lines.emplace_back();
      line.name = parts[i].name;
      line.kernel = parts[i].kernel;
      line.pass = pass;
      line.count = parts[i].share * runs;
      line.latency_us = e.latency_us;
      line.total_us = line.count * e.latency_us;
      line.exposed_us = shown * line.total_us;
      line.bound = e.bound;
      total += line.total_us;
      for (uint32_t r = 0; r < MANSARD_BOUND_COUNT; ++r)
        out_.part_us[r] += shown * line.count * e.part_us[r];
    }
    return total;
  }

  /// As addParts, of what runs beside `beside_us` in `pieces`.
  Result<> addGradients(const std::vector<Part> &parts, double runs, double beside_us,
                        double pieces) {
    const size_t first = out_.lines.size();
    auto total = addParts(parts, "gradients", runs, 0);
    if (!total || !(*total > 0))
      return total ? Result<>(Ok{}) : Result<>(total.error());
    const double shown = plan_.overlap ? exposed(*total, beside_us, pieces) / *total : 1.0;
    for (size_t i = first; i < out_.lines.size(); ++i)
      out_.lines[i].exposed_us = shown * out_.lines[i].total_us;
    out_.part_us[MANSARD_BOUND_LINK] += shown * *total;
    out_.gradients_us += shown * *total;
    out_.communication_us += shown * *total;
    return Ok{};
  }

  Result<> update() {
    const Parameters all = parametersOf(forward_, model(), p_.tp);
    const int64_t stageCount = layers_[size_t(slowest_)];
    const auto [dense, experts] =
        ofStage(all, model(), stageCount, slowest_ == 0, slowest_ == p_.pp - 1);
    const int64_t replicas = p_.dp * p_.cp;
    const auto stageLayers = static_cast<double>(stageCount);
    const double backward_us =
                     passOf(Pass::backward, slowest_).us + passOf(Pass::recompute, slowest_).us,
                 forward_us = passOf(Pass::forward, slowest_).us;
    const auto m = static_cast<double>(plan_.microBatches());
    const auto exchange = [&, dense = dense, experts = experts](
                              const std::string &name, uint32_t kind, double bytesEach, double runs,
                              double beside_us) -> Result<> {
      std::vector<Part> parts;
      addStrided(parts, name, kind, bytesEach * dense, replicas, p_.tp, target_.view());
      addStrided(parts, name + ".experts", kind, bytesEach * experts, expertReplicas(p_),
                 expertWays(p_), target_.view());
      return addGradients(parts, runs, runs * beside_us, runs * stageLayers);
    };
    constexpr double kGradient = 4, kWeight = 2;
    Result<> done = Ok{};
    if (plan_.zero == 0) {
      done = exchange("gradients.all_reduce", MANSARD_COLLECTIVE_ALL_REDUCE, kGradient, 1,
                      backward_us);
    } else {
      // Gradients that are cut cannot wait for the last micro-batch.
      const double runs = plan_.zero > 1 ? m : 1;
      done = exchange("gradients.reduce_scatter", MANSARD_COLLECTIVE_REDUCE_SCATTER, kGradient,
                      runs, backward_us);
      if (done && plan_.zero < 3)
        done =
            exchange("weights.all_gather", MANSARD_COLLECTIVE_ALL_GATHER, kWeight, 1, forward_us);
      if (done && plan_.zero == 3) {
        done =
            exchange("weights.all_gather", MANSARD_COLLECTIVE_ALL_GATHER, kWeight, m, forward_us);
        if (done)
          done = exchange("weights.all_gather_again", MANSARD_COLLECTIVE_ALL_GATHER, kWeight, m,
                          backward_us);
      }
    }
    if (!done)
      return done;
    if (model().tied_embeddings && p_.pp > 1) { // first and last stage have a copy each
      std::vector<Part> parts;
      work::Kernel send =
          work::makeKernel(MANSARD_OP_COLLECTIVE, DType::fp32, DType::fp32, DType::fp32);
      send.u.collective.kind = MANSARD_COLLECTIVE_SEND;
      send.u.collective.ranks = p_.devices();
      send.u.collective.size_bytes = static_cast<int64_t>(kGradient * all.first);
      parts.push_back({send, "gradients.embedding"});
      auto total = addParts(parts, "gradients", 1, 1);
      if (!total)
        return total.error();
      out_.gradients_us += *total;
      out_.communication_us += *total;
    }
    const double ways = plan_.zero > 0 ? static_cast<double>(replicas) : 1,
                 expertWaysCut = plan_.zero > 0 ? static_cast<double>(expertReplicas(p_)) : 1;
    auto optimizer = addParts(
        optimizerParts(plan_.optimizer, dense + experts, dense / ways + experts / expertWaysCut),
        "update", 1, 1);
    if (!optimizer)
      return optimizer.error();
    out_.optimizer_us = *optimizer;
    out_.memory = memoryOf(plan_, model(), forward_, target_.view().dram_bytes);
    return Ok{};
  }

  void addLines() {
    static constexpr const char *kPassNames[] = {"forward", "recompute", "backward"};
    std::map<std::pair<std::string, uint32_t>, size_t> lineOf;
    for (size_t i = 0; i < program_.steps.size(); ++i) {
      const TrainingStep &step = program_.steps[i];
      const double share =
          shareOf(step.place, slowest_) * static_cast<double>(plan_.microBatches());
      if (!(share > 0))
        continue;
      const char *pass = kPassNames[size_t(step.pass)];
      const auto [at, isNew] =
          lineOf.try_emplace({pass + step.name, step.kernel}, out_.lines.size());
      if (isNew) {
        TrainingLine &line = out_.lines.emplace_back();
        line.name = step.name;
        line.kernel = program_.kernels[step.kernel];
        line.pass = pass;
        line.latency_us = estimates_[step.kernel].latency_us;
        line.bound = estimates_[step.kernel].bound;
      }
      TrainingLine &line = out_.lines[at->second];
      line.count += share * step.runs;
      line.total_us += share * step.runs * line.latency_us;
      line.exposed_us += share * exposed_us_[i];
    }
  }

  void finish() {
    out_.step_us = out_.forward_us + out_.recompute_us + out_.backward_us + out_.sends_us +
                   out_.gradients_us + out_.optimizer_us + out_.bubble_us;
    out_.bound = static_cast<uint32_t>(
        std::max_element(std::begin(out_.part_us), std::end(out_.part_us)) - out_.part_us);
    out_.parameters = model().parameters();
    out_.model_operations = modelOperations(model(), out_.tokens(), plan_.seq);
    out_.again_operations = againOperations();
    const work::QuantisationScheme scheme = work::schemeOf(plan_.precision);
    const mansard_chip &chip = target_.view();
    double peak = chip.matrix_ops_per_s[static_cast<uint32_t>(scheme.activations)];
    if (!(peak > 0))
      peak = chip.matrix_ops_per_s[static_cast<uint32_t>(scheme.plain)];
    out_.peak_operations = peak * static_cast<double>(out_.devices);
    if (!out_.memory.fits())
      out_.remedies = findTrainingRemedies(plan_, forward_, lowering_, target_);
    if (plan_.zero > 0 && p_.dp * p_.cp == 1)
      out_.notes.emplace_back("--zero has nothing to cut: there is one replica");
  }

  /// By the same count as the model's: attention without its mask.
  double againOperations() const {
    if (plan_.method.recompute == Recompute::none ||
        (plan_.method.recompute == Recompute::selective &&
         plan_.method.attention == AttentionMethod::flash))
      return 0;
    const double head = 2 * static_cast<double>(model().vocab) *
                        static_cast<double>(model().hidden) * out_.tokens();
    const double forward = out_.model_operations / 3;
    const double matrices = 2 * model().activeParameters() * out_.tokens();
    return plan_.method.recompute == Recompute::full ? forward - head : forward - matrices;
  }

  const TrainingPlan plan_;
  const model::Lowering &lowering_;
  const host::Model &target_;
  const work::Parallelism p_;
  work::Program forward_;
  TrainingProgram program_;
  std::vector<mansard_estimate> estimates_;
  std::vector<double> exposed_us_; // by step: what it adds to one micro-batch through all layers
  std::vector<int64_t> layers_;    // by stage
  Section sections_[kPlaces][kPasses];
  int64_t slowest_ = 0;
  TrainingEstimate out_;
};

} // namespace

Result<TrainingEstimate> estimateTraining(const TrainingPlan &plan, const model::Lowering &lowering,
                                          const host::Model &target) {
  if (!lowering.transformer())
    return Error{ErrorCode::invalidInput,
                 "a .mlir module is one step already; training takes a model", lowering.name()};
  if (auto sound = check(plan, *lowering.transformer()); !sound)
    return sound.error();
  return Training(plan, lowering, target).run();
}

} // namespace mansard::system
