// Work of the vector units and of data movement on one device.
#ifndef MANSARD_VECTOR_OPS_TD
#define MANSARD_VECTOR_OPS_TD

include "Base.td"

def Mansard_NormOp : Mansard_Op<"norm", [Pure, AttrSizedOperandSegments]> {
  let summary = "normalises rows, or slices of rows";
  let description = [{
    Works on the first sum(`groups`) slices of a row, which are equal and make up the row, or are of
    `width` columns if that is given (the rest passes). With `residual`, that is added first, and the
    sum is the second result. A result narrower than 16 bits is quantised on its way out. `whole`: the
    slices of each part of `groups` share one mean; cut over `ranks` devices, these sum the squares of
    both parts first.
  }];
  let arguments = (ins Mansard_NormKind:$kind, OptionalAttr<StrAttr>:$label, Mansard_Tensor:$input,
      Optional<Mansard_Tensor>:$weight, Optional<Mansard_Tensor>:$residual,
      OptionalAttr<DenseI64ArrayAttr>:$groups, OptionalAttr<I64Attr>:$width,
      DefaultValuedAttr<Mansard_Scaling, "::mansard::ir::Scaling::none">:$scaling, UnitAttr:$whole,
      DefaultValuedAttr<I64Attr, "1">:$ranks);
  let results = (outs Mansard_Tensor:$result, Optional<Mansard_Tensor>:$sum);
  let assemblyFormat = [{
    $kind ($label^)? $input (`weight` $weight^)? (`residual` $residual^)? (`scaling` $scaling^)?
    attr-dict `:` functional-type(operands, results)
  }];
}

def Mansard_ElementwiseOp : Mansard_Op<"elementwise", [Pure]> {
  let summary = "add, mul, copy, gelu, silu_mul";
  let description = [{
    `add` and `mul` take two tensors, the second perhaps one row for all. `silu_mul` takes gate and up
    side by side and halves the columns. A result narrower than 16 bits is quantised on its way out.
  }];
  let arguments = (ins Mansard_ElementwiseKind:$kind, OptionalAttr<StrAttr>:$label,
      Variadic<Mansard_Tensor>:$inputs,
      DefaultValuedAttr<Mansard_Scaling, "::mansard::ir::Scaling::none">:$scaling);
  let results = (outs Mansard_Tensor:$result);
  let assemblyFormat = [{
    $kind ($label^)? $inputs (`scaling` $scaling^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Mansard_QuantizeOp : Mansard_Op<"quantize", [Pure]> {
  let summary = "to a narrower type with scales";
  let description = [{
    `scaling tensor` uses a scale known before; `token`, `block` (1 x 128) and `group` find it in the
    data.
  }];
  let arguments = (ins OptionalAttr<StrAttr>:$label, Mansard_Tensor:$input, Mansard_Scaling:$scaling);
  let results = (outs Mansard_Tensor:$result);
  let assemblyFormat = [{
    ($label^)? $input `scaling` $scaling attr-dict `:` functional-type(operands, results)
  }];
}

def Mansard_GatherOp : Mansard_Op<"gather", [Pure]> {
  let summary = "rows picked by their numbers";
  let description = [{
    One row of the result for each element of `indices`; without `indices`, one for each position of
    the cache `table`, of its first columns. With `experts` the rows are permuted for the
    experts of this device, and only as many come out as go to those. From a `vocab` parameter that
    has been cut, other devices' words come out as zeros.
  }];
  let arguments = (ins OptionalAttr<StrAttr>:$label, Mansard_Tensor:$table,
      Optional<Mansard_Tensor>:$indices,
      OptionalAttr<Mansard_Experts>:$experts);
  let results = (outs Mansard_Tensor:$result);
  let assemblyFormat = [{
    ($label^)? $table (`,` $indices^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Mansard_ScatterOp : Mansard_Op<"scatter", [Pure, AttrSizedOperandSegments]> {
  let summary = "rows put back, or into the cache";
  let description = [{
    `into` a cache: as many of the last columns as a position of the cache has (or all) are written
    for each row. By `indices` (`rows x topk`): the inverse of a gather, adding up the rows of one
    token.
  }];
  let arguments = (ins OptionalAttr<StrAttr>:$label, Mansard_Tensor:$input,
      Optional<Mansard_Tensor>:$into, Optional<Mansard_Tensor>:$indices);
  let results = (outs Mansard_Tensor:$result);
  let assemblyFormat = [{
    ($label^)? $input (`into` $into^)? (`by` $indices^)? attr-dict
    `:` functional-type(operands, results)
  }];
}

def Mansard_TopkOp : Mansard_Op<"topk", [Pure]> {
  let summary = "the numbers of the `k` largest of each row";
  let description = "Where `groups` is not 0, only columns of the best `kept` groups take part.";
  let arguments = (ins OptionalAttr<StrAttr>:$label, Mansard_Tensor:$input, I64Attr:$k,
      DefaultValuedAttr<I64Attr, "0">:$groups, DefaultValuedAttr<I64Attr, "0">:$kept);
  let results = (outs Mansard_Tensor:$result);
  let assemblyFormat = "($label^)? $input attr-dict `:` functional-type(operands, results)";
}

#endif
