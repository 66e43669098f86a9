// Repetition, what runs side by side, and work given by its counts.
#ifndef MANSARD_CONTROL_OPS_TD
#define MANSARD_CONTROL_OPS_TD

include "Base.td"

def Mansard_CustomOp : Mansard_Op<"custom"> {
  let summary = "work given by its counts, of one launch on one device";
  let arguments = (ins OptionalAttr<StrAttr>:$label, Variadic<Mansard_Tensor>:$inputs,
      DefaultValuedAttr<F64Attr, "0.0">:$matrix_operations,
      DefaultValuedAttr<F64Attr, "0.0">:$vector_operations,
      DefaultValuedAttr<F64Attr, "0.0">:$special_operations,
      DefaultValuedAttr<F64Attr, "0.0">:$read_bytes,
      DefaultValuedAttr<F64Attr, "0.0">:$write_bytes, DefaultValuedAttr<F64Attr, "0.0">:$l2_bytes,
      DefaultValuedAttr<F64Attr, "0.0">:$link_bytes);
  let results = (outs Variadic<Mansard_Tensor>:$outputs);
  let assemblyFormat = [{
    ($label^)? $inputs attr-dict `:` functional-type(operands, results)
  }];
}

class Mansard_RegionOp<string mnemonic, list<Trait> traits = []>
    : Op<Mansard_Dialect, mnemonic, traits> {
  let hasVerifier = 1;
}

def Mansard_YieldOp : Op<Mansard_Dialect, "yield",
    [Pure, Terminator, ParentOneOf<["RepeatOp", "OverlapOp"]>]> {
  let summary = "what a region hands on";
  let arguments = (ins Variadic<Mansard_Tensor>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ }]>];
}

def Mansard_RepeatOp : Mansard_RegionOp<"repeat", [SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "the same work `count` times, each with parameters and a cache of its own";
  let description = [{
    The region's arguments are `inits` the first time, and then what it yielded the time before.
    `mansard.layers = n` says that a turn is n layers of a model; `mansard.same_parameters` that all
    turns share parameters and cache.
  }];
  let arguments = (ins I64Attr:$count, Variadic<Mansard_Tensor>:$inits);
  let results = (outs Variadic<Mansard_Tensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
}

def Mansard_OverlapOp : Mansard_RegionOp<"overlap", [SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "lanes of work that run side by side";
  let description = [{
    Each op that has kernels says its lane: `mansard.lane = 0 : i64`. Ops of a lane follow one another;
    lanes start together, and the region ends with the longest. A lane may not use what another makes,
    unless `staggered`: then one half of a batch is in one lane while the other half is in the other, in
    turn, and each finds ready what it needs.
  }];
  let arguments = (ins UnitAttr:$staggered);
  let results = (outs Variadic<Mansard_Tensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`staggered` $staggered^)? attr-dict-with-keyword (`->` `(` type($outputs)^ `)`)? $body
  }];
}

#endif
