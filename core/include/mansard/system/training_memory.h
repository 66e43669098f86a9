// Device memory of a training step: parameters and what the optimiser keeps of each, and the
// activations that wait for the backward pass. Bytes of one device.
//
// Activations by Korthikanti et al. (arXiv 2205.05198, section 4): each kernel's inputs that its
// backward pass needs, tensors of one byte for dropout masks. Shards of parameters, gradients and
// optimiser states by ZeRO (Rajbhandari et al., SC 2020, arXiv 1910.02054, section 5). Pure,
// thread-safe.
#pragma once

#include <mansard/system/training_program.h>

namespace mansard::system {

enum class Optimizer { adam, momentum, sgd };
inline constexpr std::array<std::string_view, 3> kOptimizerNames{"adam", "momentum", "sgd"};

/// Bytes that the optimiser keeps of a parameter, in fp32: the parameter itself and its moments.
double optimizerBytes(Optimizer optimizer);

/// What is kept of a parameter, in bytes.
struct ParameterBytes {
  double weights = 2, gradients = 4, optimizer = 12;
  double total() const { return weights + gradients + optimizer; }
};

/// `replicas` hold the same parameter. ZeRO 1 cuts the optimiser's part, 2 gradients too, 3
/// weights too. `narrow`: matmuls take narrow copies of the weights, as they are and transposed.
ParameterBytes parameterBytes(Optimizer optimizer, int zero, double replicas, bool narrow);

/// Activations that one micro-batch leaves for its backward pass.
struct SavedActivations {
  double first = 0, layers = 0, last = 0; // layers: of all layers together
  double working = 0; // what a layer needs while it is computed again; 0 if none is
};
SavedActivations savedActivations(const work::Program &forward, const TrainingMethod &method,
                                  int64_t layers);

struct TrainingMemory {
  double weights = 0, gradients = 0, optimizer = 0, activations = 0, capacity = 0;
  int64_t stage = 0; // the one that needs most, of which this is
  double total() const { return weights + gradients + optimizer + activations; }
  bool fits() const { return total() <= capacity; }
};

} // namespace mansard::system
