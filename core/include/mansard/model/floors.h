// The floors that no estimate may cross: what the hardware cannot do faster however the work is
// scheduled.
#pragma once

#include <mansard/sdk/abi.h>
#include <mansard/work/kernel.h>

#include <string>
#include <vector>

namespace mansard::model {

/// What is impossible about `estimate`, in words; empty if nothing is. Checked: operations over the
/// peak of their type; compulsory bytes beyond what the last-level cache may hold already over the
/// peak bandwidth; bytes sent over all links together (half of them where a switch adds, for it
/// halves what an all-reduce sends); no part negative; the parts add up to the latency.
/// Thread-safe.
std::vector<std::string> brokenFloors(const mansard_chip &chip, const work::Kernel &kernel,
                                      const mansard_estimate &estimate);

} // namespace mansard::model
