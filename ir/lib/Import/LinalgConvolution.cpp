// Sums of products over a window that slides, as implicit matmuls: a row for each pixel of the
// result, an inner dimension of the window's elements and channels.
#include "LinalgBody.h"
#include "LinalgRecognisers.h"

namespace mansard::ir {

/// Sums of loops with factors, as sliding windows are indexed.
static bool slides(mlir::AffineMap map) {
  return map.getNumSymbols() == 0 && !map.isProjectedPermutation(true) &&
         llvm::all_of(map.getResults(), [](mlir::AffineExpr expr) { return expr.isPureAffine(); });
}

Values emitConvolution(Emitter &emitter, const LoopNest &nest) {
  const std::optional<Product> product = matchSumOfProducts(nest);
  if (!product || nest.sizes.size() > 63 ||
      !nest.outputs[0].map.isProjectedPermutation(/*allowZeroInResults=*/true))
    return {};
  Contraction c{product->first, product->second, {}, {}, {}, {}, false, Scaling::none};
  if (slides(nest.inputs[c.right].map))
    std::swap(c.left, c.right);
  const NestOperand &image = nest.inputs[c.left], &filter = nest.inputs[c.right];
  if (!slides(image.map) || !filter.map.isProjectedPermutation(/*allowZeroInResults=*/true) ||
      !image.value || !filter.value || !isMultiplied(image.element) ||
      !isMultiplied(filter.element) || !classifyLoops(nest, c))
    return {};
  // With one filter for each channel there is nothing for a matrix unit to reuse.
  if (c.inner.empty() || Contraction::product(nest, c.columns) == 1)
    return {};
  c.scaling = scalingOf(nest, product->scales, c);
  emitter.note(
      "convolutions are priced as implicit matmuls: their input counts as often as windows "
      "cover it");
  return emitProduct(emitter, nest, c);
}

} // namespace mansard::ir
