#include "uncertain_chip.h"

#include <mansard/explore/uncertain_kernels.h>
#include <mansard/explore/uncertain_serving.h>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

namespace mansard::explore {
namespace {

using system::ServingEstimate;
using system::ServingScenario;

/// However few prompts there are, each request waits for one.
constexpr double kFewestPrompts = 1e-3;

void addSoftware(std::vector<UncertainInput> &inputs, const system::SoftwareProfile &software,
                 const std::string &chip) {
  for (const auto &[what, band] : {std::pair{"time to first token", &software.ttftResidual},
                                   std::pair{"time per token", &software.tpotResidual}})
    inputs.push_back({UncertainInput::Shape::lognormal,
                      fmt::format("scatter of {} of {} on {}", what, software.id, chip), 1,
                      band->p10, band->p90});
}

} // namespace

void stretch(ServingEstimate &e, const ServingScenario &load, double ttft, double tpot) {
  const auto clients = static_cast<double>(load.concurrency);
  const auto further = static_cast<double>(load.osl - 1);
  const double before_ms = e.ttft_ms - e.slot_ms, inside_ms = before_ms + e.tpot_ms * further;
  for (double *time : {&e.tpot_ms, &e.decode_ms, &e.prompts_ms, &e.host_ms})
    *time *= tpot;
  for (double *time : {&e.queue_ms, &e.prompt_ms, &e.transfer_ms, &e.request_ms})
    *time *= ttft;
  const double answer_ms = e.tpot_ms * further;
  // Those who wait for a place wait for others to be through.
  if (inside_ms > 0)
    e.slot_ms *= (before_ms * ttft + answer_ms) / inside_ms;
  e.ttft_ms = before_ms * ttft + e.slot_ms;
  const double stay_ms = e.ttft_ms + answer_ms;
  const double faster =
      stay_ms > 0 && e.requests_per_s > 0 ? clients / stay_ms * 1e3 / e.requests_per_s : 1;
  for (double *rate :
       {&e.requests_per_s, &e.tokens_per_s, &e.tokens_per_s_per_chip, &e.input_tokens_per_s})
    *rate *= faster;
  const double fixed_W = e.power.fixed;
  e.power = e.power * faster; // as much energy for each request
  e.power.fixed = fixed_W;
  e.tokens_per_s_per_user = e.tpot_ms > 0 ? 1e3 / e.tpot_ms : 0;
  e.decoding = e.requests_per_s * answer_ms / 1e3;
}

UncertainServing::UncertainServing(const model::Lowering &lowering, const host::Model &target,
                                   const ServingScenario &deployment)
    : target_(target), isModule_(lowering.isModule()) {
  const auto capabilities = model::capabilitiesOf(target);
  const system::ServerKernels &kernels = deployment.software.kernels;
  programs_ = std::make_unique<system::StepPrograms>(lowering, capabilities, deployment.plan,
                                                     deployment.traffic);
  costs_ = std::make_unique<system::StepCosts>(*programs_, target, kernels);
  if (!deployment.disaggregated)
    return;
  prefillPrograms_ = std::make_unique<system::StepPrograms>(
      lowering, capabilities, system::prefillPlan(deployment), deployment.traffic);
  prefill_ = std::make_unique<system::StepCosts>(*prefillPrograms_, target, kernels);
}

Result<ServingEstimate> UncertainServing::estimate(const ServingScenario &load) {
  if (isModule_)
    return Error{ErrorCode::invalidInput,
                 "a .mlir module is one step of fixed sizes; serving needs a model", "--model"};
  return system::estimateServing(load, *costs_, prefill_.get());
}

std::vector<WeightedStep> UncertainServing::steps(const ServingScenario &load,
                                                  const ServingEstimate &estimate) {
  const auto replicasOf = [](const work::Parallelism &p) { return std::max<int64_t>(1, p.dp); };
  const work::Parallelism &plan = load.plan.parallelism;
  double decodes = 1 - std::clamp(estimate.prefillBusy, kFewestPrompts, 1.0), prompts = 1 - decodes;
  double workers = 1;
  if (load.disaggregated) {
    workers = static_cast<double>(std::max<int64_t>(1, estimate.decodeWorkers));
    const double ofPrompts = static_cast<double>(estimate.prefillWorkers) *
                             static_cast<double>(load.disaggregated->prefill.devices());
    const double ofDecodes = workers * static_cast<double>(plan.devices());
    prompts *= ofPrompts / (ofPrompts + ofDecodes);
    decodes = ofDecodes / (ofPrompts + ofDecodes);
  }
  const int64_t replicas = replicasOf(plan);
  const auto decoding = static_cast<int64_t>(estimate.decoding / workers + 0.5);
  const int64_t sequences = std::max(replicas, decoding / replicas * replicas);
  std::vector<WeightedStep> steps;
  if (const auto step = costs_->decode(sequences, load.isl + load.osl / 2); step && load.osl > 1)
    steps.push_back({step->detail, decodes});
  if (const auto step =
          promptCosts().prefill(replicasOf(promptCosts().base().parallelism), load.isl, 0))
    steps.push_back({step->detail, prompts});
  return steps;
}

Result<Spreads> UncertainServing::spreads(const ServingScenario &load,
                                          const ServingEstimate &estimate, size_t figures,
                                          const ServingFigures &fill,
                                          const SamplingOptions &options,
                                          std::vector<UncertainInput> more) {
  KernelTimes kernels;
  for (const WeightedStep &step : steps(load, estimate))
    kernels.add(target_, *step.detail->program, step.detail->estimates, step.detail->steps,
                step.weight);
  Spreads spreads;
  const std::string &id = target_.chip().id;
  const UncertainChip chip(target_, Results::prices, spreads.inputs);
  kernels.addInputs(spreads.inputs, id);
  addSoftware(spreads.inputs, load.software, id);
  std::move(more.begin(), more.end(), std::back_inserter(spreads.inputs));

  Failures failures;
  const auto experiment = [&](std::span<const double> values, std::span<double> out) {
    const auto other = chip.at(values);
    if (!other)
      return failures.add(other.error().text());
    const host::Model &target = *other ? **other : target_;
    const model::KernelFactors factors = kernels.take(values);
    const system::ServerKernels &ofServer = load.software.kernels;
    system::StepCosts costs(*programs_, target, ofServer, factors);
    std::optional<system::StepCosts> prefill;
    if (prefillPrograms_)
      prefill.emplace(*prefillPrograms_, target, ofServer, factors);
    auto found = system::estimateServing(load, costs, prefill ? &*prefill : nullptr);
    if (!found)
      return failures.add(found.error().text());
    stretch(*found, load, values[0], values[1]);
    const auto done = fill(target, *found, values.subspan(2), out);
    return done ? true : failures.add(done.error().text());
  };
  auto found = spreadsOf(spreads.inputs, figures, experiment, options);
  const std::vector<std::string> notes = failures.note(options.samples, found.ok());
  if (!found) {
    for (const std::string &note : notes)
      found.error().message += "; it " + note;
    return found.error();
  }
  spreads.figures = std::move(*found);
  spreads.notes = notes;
  return spreads;
}

} // namespace mansard::explore
