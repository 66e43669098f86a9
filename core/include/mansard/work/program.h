// What a device runs for one step: distinct kernels, how often each runs, and what may run side by
// side.
#pragma once

#include <mansard/base/dtype.h>
#include <mansard/work/kernel.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mansard::work {

/// Lanes with higher numbers count as the last.
inline constexpr uint32_t kMaxLanes = 8;

/// A kernel's place in the program, run `count` times (once a layer, say).
struct Step {
  uint32_t kernel = 0;  // index into Program::kernels
  int64_t count = 1;    // runs in one step of the model; the same for all of an overlap group
  uint32_t overlap = 0; // 0: alone. Otherwise steps of the same overlap group run side by side
  uint32_t lane = 0;    // within an overlap group, steps of one lane follow one another
  std::string name;     // "layers.attention.q_proj": as shown to people
};

/// Parameters, or part of the cache, of one kind of module and one type.
struct MemoryPart {
  std::string component; // as in the kernels' names: "moe.experts", "attention"
  DType type = DType::bf16;
  double bytes = 0; // with scales
};

/// Device memory that the program needs, in bytes of one device.
struct MemoryNeed {
  double weights = 0;
  double kvCache = 0;
  double activations = 0; // the largest set of intermediate tensors alive at once
  double buffers = 0;     // that the exchange of tokens between devices keeps for the worst case
  std::vector<MemoryPart> weightParts, cacheParts; // sum to weights and kvCache

  double total() const { return weights + kvCache + activations + buffers; }
};

/// A flat list. Lowered once; estimated many times. `kernels` holds each distinct kernel once,
/// `steps` are in the order in which data passes through them. Lanes of an overlap group start
/// together; model::OverlapGroup says how long they take. Groups follow one another, though steps
/// of one need not stand together: halves of a batch that take turns are one after the other.
/// Groups are numbered from 1, without large gaps.
struct Program {
  std::vector<Kernel> kernels;
  std::vector<Step> steps;
  MemoryNeed memory;
  double tokens = 0;   // that one step of the whole deployment yields (or reads, in prefill)
  int64_t devices = 1; // of the whole deployment
  std::vector<std::string> notes; // legalisations, fusions and assumptions that a reader must know
};

/// Adds `kernel` if no equal one is there; its index.
uint32_t internKernel(Program &program, const Kernel &kernel);

} // namespace mansard::work
