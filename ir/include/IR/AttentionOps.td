// Attention and what belongs to it.
#ifndef MANSARD_ATTENTION_OPS_TD
#define MANSARD_ATTENTION_OPS_TD

include "Base.td"

def Mansard_AttentionOp : Mansard_Op<"attention", [Pure]> {
  let summary = "softmax attention with grouped key-value heads";
  let description = [{
    `query` holds the columns of `heads` query heads, and after them, in prefill, those of `kv_heads`
    keys and values, or nothing: then these are read from the cache. `cache` is `sequences x positions x
    kv_heads * (head_dim + value_dim)`; in decode keys and values are read from it. `value_dim`: of a
    value's head; 0: head_dim. `kv_len` counts positions before the window takes its share. `chunk`: a
    query sees only positions since the last multiple of it (0: all); in decode, where sequences are
    at any of them, half of a chunk on average. `sinks`: a learned logit for each head. `gated`: the last columns of `query`, as many as the result's, are
    gates; a kernel of its own multiplies what was attended by their sigmoid.
  }];
  let arguments = (ins Mansard_Phase:$phase, OptionalAttr<StrAttr>:$label, Mansard_Tensor:$query,
      Mansard_Tensor:$cache, Optional<Mansard_Tensor>:$sinks, I64Attr:$heads, I64Attr:$kv_heads,
      I64Attr:$head_dim, I64Attr:$kv_len, DefaultValuedAttr<I64Attr, "0">:$window,
      UnitAttr:$causal, UnitAttr:$gated, DefaultValuedAttr<I64Attr, "0">:$value_dim,
      DefaultValuedAttr<I64Attr, "0">:$chunk);
  let results = (outs Mansard_Tensor:$result);
  let assemblyFormat = [{
    $phase ($label^)? $query `,` $cache (`sinks` $sinks^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// Of a value's head.
    int64_t getValueWidth() {
      return static_cast<int64_t>(getValueDim() > 0 ? getValueDim() : getHeadDim());
    }
  }];
}

def Mansard_MlaOp : Mansard_Op<"mla", [Pure]> {
  let summary = "multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1)";
  let description = [{
    `query` is `rows x heads * (nope_dim + rope_dim)`. Expanded (prefill): `other` holds each head's
    keys and values, `rows x heads * (nope_dim + value_dim)`, or, where older tokens are seen too, a row
    for each position of the cache; the result is `rows x heads * value_dim`.
    `absorbed`: `other` is the query taken into the latent space, `heads x rows x latent_dim`, as is
    the result; keys and values are the latent in `cache`, `sequences x positions x (latent_dim +
    rope_dim)`; with `selected` (`rows x k`) each row sees only those positions, and reads them for
    itself.
  }];
  let arguments = (ins OptionalAttr<StrAttr>:$label, Mansard_Tensor:$query, Mansard_Tensor:$other,
      Mansard_Tensor:$cache, Optional<Mansard_Tensor>:$selected, UnitAttr:$absorbed, I64Attr:$heads,
      I64Attr:$latent_dim, I64Attr:$rope_dim, I64Attr:$nope_dim, I64Attr:$value_dim);
  let results = (outs Mansard_Tensor:$result);
  let assemblyFormat = [{
    (`absorbed` $absorbed^)? ($label^)? $query `,` $other `,` $cache (`selected` $selected^)?
    attr-dict `:` functional-type(operands, results)
  }];
}

def Mansard_IndexOp : Mansard_Op<"index", [Pure]> {
  let summary = "which positions a query attends to (DeepSeek-V3.2, arXiv 2512.02556, section 2.1)";
  let description = [{
    Scores every position that a row may see by `index_heads` queries of `head_dim` columns
    (`query`), weighted by `weights` (`rows x index_heads`), against one key for each position
    (`cache`, `sequences x positions x head_dim`), and picks the `k` best: `rows x k`.
  }];
  let arguments = (ins OptionalAttr<StrAttr>:$label, Mansard_Tensor:$query, Mansard_Tensor:$weights,
      Mansard_Tensor:$cache, I64Attr:$index_heads, I64Attr:$head_dim, I64Attr:$k);
  let results = (outs Mansard_Tensor:$result);
  let assemblyFormat = [{
    ($label^)? $query `,` $weights `,` $cache attr-dict `:` functional-type(operands, results)
  }];
}

def Mansard_DeltaRuleOp : Mansard_Op<"delta_rule", [Pure]> {
  let summary = "linear attention by the gated delta rule (arXiv 2412.06464)";
  let description = [{
    `input` holds the columns of `kv_heads` queries, `kv_heads` keys, `heads` values and `heads`
    gates of the output, each of `head_dim`; `decay` (`rows x 2 * heads`) what the state forgets and
    how strongly it is written. `state` is `sequences x n * head_dim x heads * head_dim`: n states of
    which one is read, and one is written for each token that is tried in decode. `window` keeps the
    last inputs of the convolution, `sequences x (its width - 1) x (2 * kv_heads + heads) *
    head_dim`. Stands for the convolution, the recurrence (in prefill by chunks) and the gated norm of
    the output, whose `parameters` are small.
  }];
  let arguments = (ins Mansard_Phase:$phase, OptionalAttr<StrAttr>:$label, Mansard_Tensor:$input,
      Mansard_Tensor:$decay, Mansard_Tensor:$state, Mansard_Tensor:$window,
      Variadic<Mansard_Tensor>:$parameters, I64Attr:$heads, I64Attr:$kv_heads, I64Attr:$head_dim);
  let results = (outs Mansard_Tensor:$result);
  let assemblyFormat = [{
    $phase ($label^)? $input `,` $decay `state` $state `,` $window (`parameters` $parameters^)?
    attr-dict
    `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// Bytes that its kernels hand on to one another.
    double getWorkspace();
  }];
}

def Mansard_RopeOp : Mansard_Op<"rope", [Pure, AttrSizedOperandSegments]> {
  let summary = "rotary positions";
  let description = [{
    Turns the last `rope_dim` of each of the first sum(`heads`) slices of `head_dim` columns; the rest
    passes. `key` is a second tensor whose last `rope_dim` columns are one more head. `cache`: keys and
    values are written there by the same kernel. Key and cache have results of their own.
  }];
  let arguments = (ins OptionalAttr<StrAttr>:$label, Mansard_Tensor:$input,
      Optional<Mansard_Tensor>:$key, Optional<Mansard_Tensor>:$cache, DenseI64ArrayAttr:$heads,
      I64Attr:$head_dim, I64Attr:$rope_dim);
  let results = (outs Mansard_Tensor:$result, Variadic<Mansard_Tensor>:$others);
  let assemblyFormat = [{
    ($label^)? $input (`key` $key^)? (`cache` $cache^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// Null if there is none.
    ::mlir::Value getKeyResult() { return getKey() ? ::mlir::Value(getOthers().front()) : nullptr; }
    ::mlir::Value getCacheResult() {
      return getCache() ? ::mlir::Value(getOthers().back()) : nullptr;
    }
  }];
}

#endif
