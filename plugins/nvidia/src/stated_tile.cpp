// Whether a tile that the caller's compiler has fixed fits a streaming multiprocessor.
#include "matmul_work.h"

namespace mansard::nvidia {
namespace {

// mma.m16n8k16 and its kin; wgmma and tcgen05 have one of their sides from 64, which libraries give
// to the operand that has as many.
constexpr double kInstructionM = 16, kInstructionN = 8, kInstructionBytes = 32; // the last: of k

double depthOf(const MatmulWork &work) {
  return work.stated.k > 0 ? work.stated.k
                           : kStepBytes / std::max(work.activationBytes, work.weightBytes);
}

} // namespace

void setStated(const mansard_kernel &kernel, MatmulWork &work) {
  if (!statesTile(kernel))
    return;
  const mansard_matmul &g = kernel.u.matmul;
  const double wider = std::max(work.activationBytes, work.weightBytes);
  work.stated = {paddedTo(g.tile_m, kInstructionM), paddedTo(g.tile_n, kInstructionN),
                 paddedTo(g.tile_k, std::ceil(kInstructionBytes / wider)),
                 static_cast<double>(g.split_k), g.tile_n == kStreamColumns && g.tile_m == g.m};
}

TileFit fitStated(const NvidiaModel &model, const MatmulWork &work) {
  const StatedTile &tile = work.stated;
  const double stage = depthOf(work) * (tile.m * work.activationBytes + tile.n * work.weightBytes);
  TileFit fit;
  fit.add({"shared memory", kLeastStages * stage, model.sramBytes, "two stages of both operands"});
  const bool tensorMemory = model.generation == Generation::blackwell;
  fit.add({tensorMemory ? "tensor memory" : "half the registers", tile.m * tile.n * 4,
           model.accumulatorBytes(), "accumulators"});
  return fit;
}

TileFit fitTile(const NvidiaModel &model, const mansard_kernel &kernel) {
  MatmulWork work;
  work.activationBytes = bytesOf(kernel.dtype);
  work.weightBytes = bytesOf(kernel.weight_dtype);
  setStated(kernel, work);
  TileFit fit = fitStated(model, work);
  const mansard_matmul &g = kernel.u.matmul;
  const StatedTile &tile = work.stated;
  if (tile.m != g.tile_m || tile.n != g.tile_n || tile.k != g.tile_k)
    fit.setPadded(tile.m, tile.n, depthOf(work));
  return fit;
}

} // namespace mansard::nvidia
