// Whether a training step fits the devices, and what would make it fit.
#include "training_updates.h"

#include <mansard/system/pipeline.h>

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace mansard::system {

StageParameters ofStage(const Parameters &all, const work::Transformer &model, int64_t layers,
                        bool isFirst, bool isLast) {
  const double share = static_cast<double>(layers) / static_cast<double>(model.layerCount());
  // With tied embeddings a stage that is first and last has one table.
  const bool shared = model.tied_embeddings && isFirst && isLast;
  return {all.layers * share + (isFirst && !shared ? all.first : 0) + (isLast ? all.last : 0),
          all.experts * share};
}

Result<work::Program> lowerTraining(const TrainingPlan &plan, const model::Lowering &lowering,
                                    const host::Model &target) {
  const work::Parallelism &p = plan.parallelism;
  work::Workload w;
  w.phase = work::Phase::prefill;
  w.training = true;
  w.parallelism = p;
  w.parallelism.pp = 1;
  w.parallelism.dp = std::max<int64_t>(1, p.expertGroup() / (p.tp * p.cp));
  w.batch = plan.micro_batch * w.parallelism.dp;
  w.context = plan.seq;
  w.quantisation = plan.precision;
  w.kvCache = work::schemeOf(plan.precision).plain;
  return lowering.lower(w, model::capabilitiesOf(target));
}

TrainingMemory memoryOf(const TrainingPlan &plan, const work::Transformer &model,
                        const work::Program &forward, double capacity) {
  const work::Parallelism &p = plan.parallelism;
  const Parameters all = parametersOf(forward, model, p.tp);
  const SavedActivations saved = savedActivations(forward, plan.method, model.layerCount());
  const std::vector<int64_t> layers = layersOfStages(model.layerCount(), p.pp);
  const bool narrow = bytesOf(work::schemeOf(plan.precision).weights) < 2;
  const auto bytes = [&](int64_t replicas) {
    return parameterBytes(plan.optimizer, plan.zero, static_cast<double>(replicas), narrow);
  };
  const ParameterBytes dense = bytes(p.dp * p.cp), expert = bytes(expertReplicas(p));
  TrainingMemory most;
  for (int64_t stage = 0; stage < p.pp; ++stage) {
    const bool isFirst = stage == 0, isLast = stage == p.pp - 1;
    const int64_t count = layers[static_cast<size_t>(stage)];
    const StageParameters own = ofStage(all, model, count, isFirst, isLast);
    TrainingMemory need;
    need.stage = stage;
    need.capacity = capacity;
    need.weights = own.dense * dense.weights + own.experts * expert.weights;
    need.gradients = own.dense * dense.gradients + own.experts * expert.gradients;
    need.optimizer = own.dense * dense.optimizer + own.experts * expert.optimizer;
    const double share = static_cast<double>(count) / static_cast<double>(model.layerCount());
    need.activations = microBatchesHeld(stage, p.pp, plan.microBatches(), plan.virtual_stages) *
                           (saved.layers * share + (isFirst ? saved.first : 0)) +
                       (isLast ? saved.last : 0) + saved.working;
    if (need.total() > most.total())
      most = need;
  }
  return most;
}

std::vector<std::string> findTrainingRemedies(const TrainingPlan &plan,
                                              const work::Program &forward,
                                              const model::Lowering &lowering,
                                              const host::Model &target) {
  const work::Transformer &model = *lowering.transformer();
  const work::Parallelism &p = plan.parallelism;
  std::vector<std::string> found;
  const auto offer = [&](const std::string &flags, const TrainingPlan &changed) {
    if (!check(changed, model))
      return false;
    const work::Parallelism &q = changed.parallelism;
    const bool recut = q.tp != p.tp || q.ep != p.ep || changed.micro_batch != plan.micro_batch;
    const auto program =
        recut ? lowerTraining(changed, lowering, target) : Result<work::Program>(forward);
    if (!program || !memoryOf(changed, model, *program, target.view().dram_bytes).fits())
      return false;
    found.push_back(flags);
    return true;
  };
  TrainingPlan changed = plan;
  changed.micro_batch = 1;
  if (plan.micro_batch > 1)
    offer("--micro-batch 1", changed);
  changed = plan;
  for (Recompute recompute : {Recompute::selective, Recompute::full}) {
    changed.method.recompute = recompute;
    if (recompute > plan.method.recompute &&
        offer(fmt::format("--recompute {}", kRecomputeNames[static_cast<size_t>(recompute)]),
              changed))
      break;
  }
  changed = plan;
  for (changed.zero = plan.zero + 1; changed.zero <= 3 && p.dp * p.cp > 1; ++changed.zero)
    if (offer(fmt::format("--zero {}", changed.zero), changed))
      break;
  // Beyond this many devices, an answer helps nobody.
  constexpr int64_t kMostDevices = 1 << 16;
  for (const auto &[name, degree] :
       {std::pair{"tp", &work::Parallelism::tp}, std::pair{"pp", &work::Parallelism::pp},
        std::pair{"ep", &work::Parallelism::ep}}) {
    if (std::string_view(name) == "ep" && model.moe.experts == 0)
      continue;
    changed = plan;
    for (int64_t factor = 2; factor * p.devices() <= kMostDevices; factor *= 2) {
      changed.parallelism.*degree = p.*degree * factor;
      if (offer(fmt::format("--{} {}", name, changed.parallelism.*degree), changed))
        break;
    }
  }
  return found;
}

} // namespace mansard::system
