// What the reader of an estimate must know of a tile that the kernel states.
#pragma once

#include <mansard/base/result.h>
#include <mansard/host/host.h>
#include <mansard/work/kernel.h>

#include <string>
#include <vector>

namespace mansard::model {

/// Whether the tile fits, with the numbers; how much of the work is padding; that the model does
/// not take stated tiles. Empty where the kernel states none. Error: the plugin failed.
Result<std::vector<std::string>> statedTileNotes(const host::Model &model,
                                                 const work::Kernel &kernel,
                                                 const mansard_estimate &estimate);

} // namespace mansard::model
