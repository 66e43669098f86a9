// Measured servers held against estimates.
#pragma once

#include <mansard/report/validation.h>

#include <vector>

namespace mansard::report {

/// Estimates the measurements `indices` of a table of servers, all of one target. Only the plugin's
/// failure is an error; a row that has no estimate says why. Rows have intervals of `samples`
/// points; none where that is 0.
Result<> compareServers(const hw::Catalog &catalog, const host::Model &target,
                        const Measurements &file, const std::vector<size_t> &indices,
                        size_t samples, std::vector<Compared> &out);

} // namespace mansard::report
