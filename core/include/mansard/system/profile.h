// Serving software as a few constants: how it schedules, and what its host side costs.
#pragma once

#include <mansard/base/result.h>
#include <mansard/hw/document.h>
#include <mansard/hw/quantity.h>
#include <mansard/system/server_kernels.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::system {

/// Eight of ten measurements lie between these, as factors.
struct ResidualRange {
  double p10 = 1, p90 = 1; // measured over predicted
};

/// Read from configs/software/<id>.toml, whose keys are these members' names by section. Durations
/// in microseconds. "Rank": a data-parallel replica, which has a scheduler of its own.
struct SoftwareProfile {
  std::string id, name, file;

  // [schedule]
  bool mixes_prompts = true;          // prompts share iterations with decoding sequences; otherwise
                                      // they go first and decoding waits
  double sharing = 1;                 // of what an iteration would save by computing prompts along
                                      // with decoding sequences, the share that it does save
  double tokens_per_iteration = 8192; // most that a rank computes of prompts and decoding sequences
  double sequences = 256;             // most that a rank runs at once
  double poll_iterations = 1;         // iterations between two looks at what has arrived

  // [memory]
  double share = 0.9;           // of the device memory that weights, activations and cache may take
  double reserved_output = 0.5; // share of an answer's tokens that its place in the cache counts

  // [host]
  double request_us = 0;   // of one request outside of iterations: parsing, tokens to text, answer
  double iteration_us = 0; // scheduling and preparing one iteration
  double sequence_us = 0;  // the same, for each sequence of a rank
  double hidden = 0;       // share of the two that runs while the device works
  double launch_us = 0; // that a prompt waits for each kernel that no graph launches: the host runs
                        // behind at first, then ahead of the device, which loses nothing by it

  // [kernels] vector_share, all_reduce_start_us, all_reduce_efficiency
  ServerKernels kernels;

  // [transfer] of a prompt's cache from a prefill to a decode worker
  double transfer_us = 0;         // fixed
  double transfer_efficiency = 1; // share of the link's bandwidth

  // [residual] ttft.p10 and so on: of servers, beyond what their kernels' residuals explain.
  // Without them the server counts as known.
  ResidualRange ttftResidual, tpotResidual;

  std::vector<std::string> vendors; // whose chips run it unless another is asked for; "*": any
  std::map<std::string, hw::Quantity, std::less<>> numbers; // as written, by dotted key
};

/// A built-in profile's name or the path of a .toml. Unknown keys, numbers without a source or out
/// of range are errors that name the place; an unknown name is one that lists those there are.
Result<SoftwareProfile> readProfile(const std::string &nameOrPath);

/// The one whose `vendors` name `vendor`, else the one for any.
Result<SoftwareProfile> naturalProfile(std::string_view vendor);

/// readProfile() of what was asked for; where that is nothing, naturalProfile().
Result<SoftwareProfile> chosenProfile(const std::string &nameOrPath, std::string_view vendor);

std::vector<std::string> profileIds();

} // namespace mansard::system
