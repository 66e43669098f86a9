#include <mansard/base/names.h>
#include <mansard/base/units.h>
#include <mansard/report/text_table.h>
#include <mansard/report/training_report.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::report {
namespace {

std::string scenarioOf(const system::TrainingEstimate &e) {
  const system::TrainingPlan &plan = e.plan;
  const work::Parallelism &p = plan.parallelism;
  std::string text = fmt::format("training, {} sequences of {} tokens, micro-batches of {}",
                                 grouped(static_cast<double>(plan.global_batch)),
                                 grouped(static_cast<double>(plan.seq)), plan.micro_batch);
  for (const auto &[name, degree] : {std::pair{"tp", p.tp},
                                     {"pp", p.pp},
                                     {"dp", p.dp},
                                     {"cp", p.cp},
                                     {"ep", p.ep},
                                     {"interleave", plan.virtual_stages}})
    if (degree > 1)
      text += fmt::format(", {} {}", name, degree);
  if (p.sp)
    text += ", sequence parallel";
  return text;
}

std::string methodOf(const system::TrainingPlan &plan) {
  return fmt::format("{}, {}, ZeRO {}, recomputation {}, {} attention{}",
                     work::kQuantisationNames[static_cast<size_t>(plan.precision)],
                     system::kOptimizerNames[static_cast<size_t>(plan.optimizer)], plan.zero,
                     system::kRecomputeNames[static_cast<size_t>(plan.method.recompute)],
                     system::kAttentionMethodNames[static_cast<size_t>(plan.method.attention)],
                     plan.method.dropout ? ", dropout" : "");
}

void collectParts(const system::TrainingEstimate &e, TrainingReport &r) {
  const auto add = [&](const char *name, const char *key, double us, std::string remark) {
    r.parts.push_back({name, key, us, us / e.step_us, std::move(remark)});
  };
  const auto m = e.plan.microBatches();
  add("forward", "forward_ms", e.forward_us, fmt::format("of {} micro-batches", m));
  add("recomputation", "recompute_ms", e.recompute_us, "");
  add("backward", "backward_ms", e.backward_us, "");
  add("between stages", "pipeline_sends_ms", e.sends_us, "what no computation hides");
  add("gradients", "gradients_ms", e.gradients_us,
      "reduction over replicas that no computation hides");
  add("optimizer", "optimizer_ms", e.optimizer_us, "");
  add("bubble", "bubble_ms", e.bubble_us, "the pipeline fills and drains");
}

void collectKernels(const system::TrainingEstimate &e, TrainingReport &r) {
  for (const system::TrainingLine &line : e.lines) {
    TrainingKernelLine &kernel = r.kernels.emplace_back();
    kernel.name = line.name;
    kernel.pass = line.pass;
    kernel.op = kOpNames[line.kernel.op];
    kernel.what = work::describe(line.kernel);
    kernel.count = line.count;
    kernel.latency_us = line.latency_us;
    kernel.total_us = line.total_us;
    kernel.exposed_us = line.exposed_us;
    kernel.share = line.exposed_us / e.step_us;
    kernel.bound = line.bound;
  }
  std::stable_sort(r.kernels.begin(), r.kernels.end(),
                   [](const TrainingKernelLine &a, const TrainingKernelLine &b) {
                     return a.exposed_us > b.exposed_us;
                   });
}

} // namespace

std::string TrainingReport::misfit() const {
  if (fits)
    return {};
  std::string text = fmt::format("DOES NOT FIT: needs {} GiB more than the {} of each device",
                                 number(memory_GiB() - capacity_GiB), number(capacity_GiB));
  if (!remedies.empty())
    text += fmt::format("; would fit with {}", fmt::join(remedies, ", or "));
  return text;
}

TrainingReport collectTraining(const system::TrainingEstimate &e, const host::Model &target) {
  TrainingReport r;
  const hw::Chip &chip = target.chip();
  r.target = chip.id;
  r.targetName = chip.name;
  r.model = target.id();
  r.modelName = e.model;
  r.scenario = scenarioOf(e);
  r.method = methodOf(e.plan);
  r.plan = e.plan;
  r.devices = e.devices;
  r.chips = chip.packagesOf(e.devices);
  r.microBatches = e.plan.microBatches();
  r.step_us = e.step_us;
  r.tokens = e.tokens();
  r.tokens_per_s = e.tokensPerSecond();
  r.tokens_per_s_per_chip = r.tokens_per_s / static_cast<double>(r.chips);
  r.mfu = e.mfu();
  r.hfu = e.hfu();
  const double perDevice = 1 / static_cast<double>(e.devices);
  r.model_tflops_per_device = e.model_operations / (e.step_us * 1e-6) * perDevice / kTera;
  r.peak_tflops_per_device = e.peak_operations * perDevice / kTera;
  r.parameters = e.parameters;
  r.bubbleShare = e.bubble_us / e.step_us;
  r.communicationShare = e.communication_us / e.step_us;
  collectParts(e, r);
  r.bound = e.bound;
  std::copy(std::begin(e.part_us), std::end(e.part_us), r.part_us);
  r.weights_GiB = e.memory.weights / kGiB;
  r.gradients_GiB = e.memory.gradients / kGiB;
  r.optimizer_GiB = e.memory.optimizer / kGiB;
  r.activations_GiB = e.memory.activations / kGiB;
  r.capacity_GiB = e.memory.capacity / kGiB;
  r.memoryStage = e.memory.stage;
  r.fits = e.memory.fits();
  r.remedies = e.remedies;
  collectKernels(e, r);
  r.notes = e.notes;
  if (!r.fits)
    r.notes.insert(r.notes.begin(), r.misfit());
  return r;
}

} // namespace mansard::report
