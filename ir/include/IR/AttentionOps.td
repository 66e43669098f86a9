// Attention and what belongs to it.
#ifndef MANSARD_ATTENTION_OPS_TD
#define MANSARD_ATTENTION_OPS_TD

include "Base.td"

def Mansard_AttentionOp : Mansard_Op<"attention", [Pure]> {
  let summary = "softmax attention with grouped key-value heads";
  let description = [{
    `query` holds the columns of `heads` query heads, and after them, in prefill, those of `kv_heads`
    keys and values, or nothing: then these are read from the cache. `cache` is `sequences x positions x 2 * kv_heads * head_dim`; in decode keys and
    values are read from it. `kv_len` counts positions before the window takes its share. `sinks`: a
    learned logit for each head.
  }];
  let arguments = (ins Mansard_Phase:$phase, OptionalAttr<StrAttr>:$label, Mansard_Tensor:$query,
      Mansard_Tensor:$cache, Optional<Mansard_Tensor>:$sinks, I64Attr:$heads, I64Attr:$kv_heads,
      I64Attr:$head_dim, I64Attr:$kv_len, DefaultValuedAttr<I64Attr, "0">:$window,
      UnitAttr:$causal);
  let results = (outs Mansard_Tensor:$result);
  let assemblyFormat = [{
    $phase ($label^)? $query `,` $cache (`sinks` $sinks^)? attr-dict
    `:` functional-type(operands, results)
  }];
}

def Mansard_MlaOp : Mansard_Op<"mla", [Pure]> {
  let summary = "multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1)";
  let description = [{
    `query` is `rows x heads * (nope_dim + rope_dim)`. Expanded (prefill): `other` holds each head's
    keys and values, `rows x heads * (nope_dim + value_dim)`; the result is `rows x heads * value_dim`.
    `absorbed`: `other` is the query taken into the latent space, `heads x rows x latent_dim`, as is
    the result; keys and values are the latent in `cache`, `sequences x positions x (latent_dim +
    rope_dim)`.
  }];
  let arguments = (ins OptionalAttr<StrAttr>:$label, Mansard_Tensor:$query, Mansard_Tensor:$other,
      Mansard_Tensor:$cache, UnitAttr:$absorbed, I64Attr:$heads, I64Attr:$latent_dim,
      I64Attr:$rope_dim, I64Attr:$nope_dim, I64Attr:$value_dim);
  let results = (outs Mansard_Tensor:$result);
  let assemblyFormat = [{
    (`absorbed` $absorbed^)? ($label^)? $query `,` $other `,` $cache attr-dict
    `:` functional-type(operands, results)
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
