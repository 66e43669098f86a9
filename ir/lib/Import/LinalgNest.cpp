// emitNest: the recognisers in their order.
#include "LinalgRecognisers.h"

namespace mansard::ir {

llvm::SmallVector<mlir::Value, 2> emitNest(Emitter &emitter, const LoopNest &nest) {
  for (auto *recogniser : {emitContraction, emitConvolution, emitElementwise})
    if (Values values = recogniser(emitter, nest); !values.empty())
      return values;
  return emitVector(emitter, nest);
}

} // namespace mansard::ir
