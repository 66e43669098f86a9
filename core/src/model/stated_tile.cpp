#include <mansard/model/stated_tile.h>

#include <mansard/base/stated_tile.h>

#include <fmt/format.h>

namespace mansard::model {

Result<std::vector<std::string>> statedTileNotes(const host::Model &model,
                                                 const work::Kernel &kernel,
                                                 const mansard_estimate &estimate) {
  std::vector<std::string> notes;
  if (!statesTile(kernel))
    return notes;
  const mansard_matmul &g = kernel.u.matmul;
  const mansard_tiling &used = estimate.tiling;
  if (used.tile_m != g.tile_m || used.tile_n != g.tile_n) {
    notes.push_back(
        fmt::format("model {} does not take a stated tile: {} x {} is priced as its own "
                    "choice",
                    model.id(), g.tile_m, g.tile_n));
    return notes;
  }
  auto fit = model.fitTile(kernel);
  if (!fit)
    return fit.error();
  if (*fit)
    notes.push_back(fmt::format("the stated tile {}: {}",
                                (*fit)->fits ? "fits" : "does not fit the on-chip memories",
                                (*fit)->text));
  else if (estimate.flags & MANSARD_ESTIMATE_DOES_NOT_TILE)
    notes.push_back("the stated tile does not fit the on-chip memories");
  const double outputs = static_cast<double>(g.m) * static_cast<double>(g.n);
  const double covered =
      paddedTo(static_cast<double>(g.m), g.tile_m) * paddedTo(static_cast<double>(g.n), g.tile_n);
  if (covered > 1.005 * outputs)
    notes.push_back(fmt::format("tiles of {} x {} cover {} x {} with {:.0f} % of padding at the "
                                "edges",
                                g.tile_m, g.tile_n, g.m, g.n, 100 * (1 - outputs / covered)));
  return notes;
}

} // namespace mansard::model
