// Product with keys, scale, mask, softmax, product with values: one kernel.
#include "LinalgGroups.h"

#include <numeric>

namespace mansard::ir {

using mlir::Value;

namespace {

int64_t product(llvm::ArrayRef<int64_t> sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>());
}

/// Sequences and heads from the loops of the two products. The last loop over rows counts a head's
/// queries; loops over rows before it are query heads that share keys. The first of several loops
/// over the batch counts sequences; a single one counts heads.
struct Heads {
  int64_t sequences = 1, queries = 1, heads = 1, kvHeads = 1;

  explicit Heads(const Member &scores) {
    if (!scores.rows.empty())
      queries = scores.rows.back();
    const int64_t sharing =
        scores.rows.empty() ? 1 : product(llvm::ArrayRef(scores.rows).drop_back());
    kvHeads = product(scores.batch);
    if (scores.batch.size() > 1) {
      sequences = scores.batch.front();
      kvHeads /= sequences;
    }
    heads = kvHeads * sharing;
  }
};

mlir::Type elementOf(Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getElementType();
}

} // namespace

Value Groups::fuseAttention(Emitter &emitter, llvm::StringRef label, Value made) {
  Chain chain;
  const Member *second = take(made, Part::product, chain);
  if (!second || !second->sumsLast)
    return {};
  chain.last = second;
  Value flow = softmaxInput(second->left, chain);
  if (!flow)
    return {};
  bool causal = false, otherMask = false;
  const Member *first = nullptr;
  constexpr int kMost = 8; // scales, masks and conversions on the way
  for (int i = 0; i < kMost && !first; ++i) {
    const Member *member = memberOf(flow);
    if (!member)
      return {};
    chain.kernels.insert(makerOf(flow));
    switch (member->part) {
    case Part::product:
      first = member;
      break;
    case Part::masked: {
      const Member *mask = memberOf(member->other);
      const bool later = member->causal || (mask && mask->part == Part::causalMask);
      causal |= later;
      otherMask |= !later;
      // A mask that is made for this alone is not stored either.
      if (mask && mask->part == Part::causalMask) {
        Chain alone;
        alone.kernels.insert(makerOf(member->other));
        alone.kernels.insert(makerOf(flow));
        alone.last = second;
        if (isOwn(alone))
          chain.kernels.insert(makerOf(member->other));
      }
      flow = member->data;
      break;
    }
    case Part::scaled:
    case Part::converted:
      flow = member->data;
      break;
    default:
      return {};
    }
  }
  if (!first || !first->columnsLast || !isOwn(chain))
    return {};

  const Heads h(*first);
  const int64_t keys = product(first->columns), width = product(first->inner);
  // The dialect's attention counts a sequence's queries among its keys, and heads are of one width.
  if (h.queries > keys || product(second->inner) != keys ||
      product(second->rows) != product(first->rows) ||
      product(second->batch) != product(first->batch) || product(second->columns) != width ||
      elementOf(first->right) != elementOf(second->right))
    return {};
  const Value q = withoutViews(first->left), k = withoutViews(first->right),
              v = withoutViews(second->right);
  const std::string name = ("attention" + label.drop_until([](char c) { return c == ':'; })).str();
  emitter.builder.setInsertionPointAfter(makerOf(made));
  const Value query = emitter.reshape(q, {h.sequences * h.queries, h.heads * width});
  const llvm::SmallVector<int64_t, 2> half{h.sequences * keys, h.kvHeads * width};
  const Value both = emitter.builder.create<ViewOp>(
      emitter.location, emitter.type({half[0], 2 * half[1]}, elementOf(k)), ViewKind::join,
      mlir::ValueRange{emitter.reshape(k, half), emitter.reshape(v, half)}, 1);
  const Value cache = emitter.reshape(both, {h.sequences, keys, 2 * half[1]});
  mlir::OpBuilder &builder = emitter.builder;
  auto attention = builder.create<AttentionOp>(
      emitter.location, emitter.type({h.sequences * h.queries, h.heads * width}, elementOf(made)),
      h.queries == 1 ? Phase::decode : Phase::prefill, builder.getStringAttr(name), query, cache,
      Value(), h.heads, h.kvHeads, width, keys, 0, causal);
  const Value result = emitter.reshape(
      attention.getResult(), llvm::cast<mlir::RankedTensorType>(made.getType()).getShape());
  made.replaceAllUsesWith(result);
  erase(chain);
  builder.setInsertionPointToEnd(attention->getBlock());
  emitter.note("attention that several ops spell out is priced as one kernel");
  if (otherMask)
    emitter.note("a mask of attention whose content is not seen hides nothing from the price");
  return result;
}

} // namespace mansard::ir
