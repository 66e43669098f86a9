// Repetition, what runs side by side, and work given by its counts.
#ifndef MANSARD_CONTROL_OPS_TD
#define MANSARD_CONTROL_OPS_TD

include "Base.td"

def Mansard_CustomOp : Mansard_Op<"custom"> {
  let summary = "work given by its counts, or by the kernel that does it, of one launch on one device";
  let description = [{
    Either the counts are attributes, or `@kernel` names a function in LLVM IR: of this module (in the
    LLVM dialect), or of `file`, a .ll or .bc (looked for beside the module, then where the program
    runs). Then `--mansard-count-kernels` counts one launch of it, as `mansard kernel llvm` does, and
    writes the counts here; `grid`, `block`, `args`, `trips`, `footprints` and `shared_bytes` are that
    command's flags.
  }];
  let arguments = (ins OptionalAttr<StrAttr>:$label, OptionalAttr<FlatSymbolRefAttr>:$kernel,
      Variadic<Mansard_Tensor>:$inputs, OptionalAttr<StrAttr>:$file,
      OptionalAttr<DenseI64ArrayAttr>:$grid, OptionalAttr<DenseI64ArrayAttr>:$block,
      OptionalAttr<DictionaryAttr>:$args, OptionalAttr<DictionaryAttr>:$trips,
      OptionalAttr<DictionaryAttr>:$footprints, OptionalAttr<I64Attr>:$shared_bytes,
      OptionalAttr<TypeAttr>:$multiplied,
      DefaultValuedAttr<F64Attr, "0.0">:$matrix_operations,
      DefaultValuedAttr<F64Attr, "0.0">:$vector_operations,
      DefaultValuedAttr<F64Attr, "0.0">:$special_operations,
      DefaultValuedAttr<F64Attr, "0.0">:$read_bytes,
      DefaultValuedAttr<F64Attr, "0.0">:$write_bytes, DefaultValuedAttr<F64Attr, "0.0">:$l2_bytes,
      DefaultValuedAttr<F64Attr, "0.0">:$link_bytes,
      DefaultValuedAttr<F64Attr, "0.0">:$integer_operations,
      DefaultValuedAttr<F64Attr, "0.0">:$sram_bytes, DefaultValuedAttr<F64Attr, "0.0">:$groups,
      DefaultValuedAttr<F64Attr, "0.0">:$groups_per_core,
      DefaultValuedAttr<F64Attr, "0.0">:$group_cycles, UnitAttr:$counted);
  let results = (outs Variadic<Mansard_Tensor>:$outputs);
  let assemblyFormat = [{
    ($label^)? ($kernel^)? $inputs attr-dict `:` functional-type(operands, results)
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
