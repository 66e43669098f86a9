// The parts that a training step's estimate is put together from. Private to this folder.
#pragma once

#include "training_kernels.h"

#include <mansard/system/training.h>

#include <algorithm>

namespace mansard::system {

/// Parameters of one device, as its kernels have them.
struct Parameters {
  double first = 0, layers = 0, experts = 0, last = 0; // layers: without experts, of all layers
};
Parameters parametersOf(const work::Program &forward, const work::Transformer &model, int64_t tp);

/// Of one stage with `layers` of the model's.
struct StageParameters {
  double dense = 0, experts = 0;
};
StageParameters ofStage(const Parameters &all, const work::Transformer &model, int64_t layers,
                        bool isFirst, bool isLast);

/// Devices between which an expert's places lie, and how many hold the same.
inline int64_t expertWays(const work::Parallelism &p) { return std::max(p.expertGroup(), p.tp); }
inline int64_t expertReplicas(const work::Parallelism &p) {
  return std::max<int64_t>(1, p.stageDevices() / expertWays(p));
}

/// The forward pass of one micro-batch, and of each further one that experts are shared with,
/// through all layers.
Result<work::Program> lowerTraining(const TrainingPlan &plan, const model::Lowering &lowering,
                                    const host::Model &target);

/// What each kernel takes in training; an error if one has no estimate.
Result<std::vector<mansard_estimate>> price(const std::vector<work::Kernel> &kernels,
                                            const host::Model &target);

/// What a reader must know of these estimates.
std::vector<std::string> priceNotes(const std::vector<work::Kernel> &kernels,
                                    const std::vector<mansard_estimate> &estimates,
                                    const host::Model &target);

/// Of the stage that needs most.
TrainingMemory memoryOf(const TrainingPlan &plan, const work::Transformer &model,
                        const work::Program &forward, double capacity);

/// Flags with which a plan that does not fit would, each tried.
std::vector<std::string> findTrainingRemedies(const TrainingPlan &plan,
                                              const work::Program &forward,
                                              const model::Lowering &lowering,
                                              const host::Model &target);

/// Adds a collective over `ranks` devices that are `stride` apart, as the kernels that it consists
/// of: inside a domain of fast links as it is; between domains, where each device has a port of its
/// own, as the steps of a ring (Patarasuk and Yuan, JPDC 2009).
void addStrided(std::vector<Part> &parts, const std::string &name, uint32_t kind, double bytes,
                int64_t ranks, int64_t stride, const mansard_chip &chip);

/// The optimiser's passes over `parameters` of a device, bound by memory: the norm of all
/// gradients, their clipping, the update, and zeroing for the next step.
std::vector<Part> optimizerParts(Optimizer optimizer, double parameters, double updated);

} // namespace mansard::system
