// What lies in memory before a step begins: parameters and the cache; and views, which move nothing.
#ifndef MANSARD_STORAGE_OPS_TD
#define MANSARD_STORAGE_OPS_TD

include "Base.td"

def Mansard_WeightOp : Mansard_Op<"weight"> {
  let summary = "a parameter";
  let description = [{
    The memory of a model is counted from these. Inside a `repeat` there is one for each turn.
    `parts` says of which heads the last dimension is made, where some are fewer than the devices
    (query, key, value): each part is cut on its own, and what cannot be cut is held by all. `widths`:
    columns of a head of each part, where they differ.
    `scaling` adds the scales' memory.
  }];
  let arguments = (ins StrAttr:$label, Mansard_Shard:$shard,
      OptionalAttr<DenseI64ArrayAttr>:$parts, OptionalAttr<DenseI64ArrayAttr>:$widths,
      DefaultValuedAttr<Mansard_Scaling, "::mansard::ir::Scaling::none">:$scaling);
  let results = (outs Mansard_Tensor:$result);
  let assemblyFormat = [{
    $label $shard (`parts` $parts^)? (`widths` $widths^)? (`scaling` $scaling^)? attr-dict
    `:` type($result)
  }];
}

def Mansard_KvCacheOp : Mansard_Op<"kv_cache"> {
  let summary = "keys and values kept of the sequences";
  let description = [{
    `sequences x positions x columns`; the columns belong to `heads` heads, which is what may be cut
    (1: the latent of multi-head latent attention, held by every device).
  }];
  let arguments = (ins StrAttr:$label, I64Attr:$heads);
  let results = (outs Mansard_Tensor:$result);
  let assemblyFormat = "$label `heads` $heads attr-dict `:` type($result)";
}

def Mansard_ViewOp : Mansard_Op<"view", [Pure]> {
  let summary = "another look at tensors: no work, no memory";
  let description = [{
    `zeros`: a tensor of zeros. `columns`: some columns. `heads`: `rows x (heads * d)` as
    `heads x rows x d'`, `d' <= d`. `merge`: the way back. `rows`: one of `parts` equal shares of the
    rows, rounded up, or with one part as many rows as the result has. `concat`: rows of the first, then of the next. `join`: side by side. `transpose`: of a matrix.
    `reshape`: as many elements in another shape or order. `part`: some of them.
    `bits`: the same bits taken for another type as wide (f32 for tf32).
    `windows`: each element as often as the windows of a convolution cover it.
  }];
  let arguments = (ins Mansard_ViewKind:$kind, Variadic<Mansard_Tensor>:$inputs,
      DefaultValuedAttr<I64Attr, "1">:$parts);
  let results = (outs Mansard_Tensor:$result);
  let assemblyFormat = "$kind ($inputs^)? attr-dict `:` functional-type(operands, results)";
}

#endif
