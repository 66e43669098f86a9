// How kernels inside a serving engine differ from the same kernels measured alone.
//
// Engines fuse most vector work (norms, rotations, quantisation) into its neighbours, and reduce
// over peers' memory with kernels of their own, without a library's call: each rank reads the
// others' whole tensors (one-shot) or its shard of them and writes the sum back (two-shot), as
// vLLM's and SGLang's custom all-reduce and TensorRT-LLM's do. Until data is there a rank waits for
// the slowest one, which is why the share of the link that they reach is small.
#pragma once

#include <mansard/sdk/abi.h>

namespace mansard::system {

/// As the members say nothing is changed. Thread-safe; allocates nothing.
struct ServerKernels {
  double vectorShare = 1;       // of the time of vector kernels, what is not fused away
  double allReduceStart_us = 0; // one-shot; the second phase of a two-shot takes half of it again
  double allReduceEfficiency =
      0; // share of a link's bandwidth one way; 0: the library's all-reduce

  /// `estimate` is of `kernel` on `chip`. It never gets longer.
  void adjust(const mansard_chip &chip, const mansard_kernel &kernel,
              mansard_estimate &estimate) const;
};

} // namespace mansard::system
