// What collectives and expert parallelism share.
#pragma once

#include "device.h"

#include <mansard/base/collective.h>

namespace mansard::ascend {

inline constexpr std::string_view kUnlinked = "the chip's description has no links";

LinkSoftware linkSoftware(const Device &device);
/// Link bytes, and a remark where the links do not reach.
void noteLinks(const CollectiveTime &time, mansard_estimate &out);
/// Adds the links' parts, writes `out`.
void storeLinks(const CollectiveTime &time, Parts &parts, mansard_estimate &out);

} // namespace mansard::ascend
