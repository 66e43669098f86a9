// Mixtures of experts, and what devices send to one another.
#ifndef MANSARD_EXPERT_OPS_TD
#define MANSARD_EXPERT_OPS_TD

include "Base.td"

def Mansard_MoeOp : Mansard_Op<"moe", [Pure]> {
  let summary = "this device's experts, as one kernel";
  let description = [{
    Permutes rows by expert, up projection, activation, down projection, puts the rows back and adds
    up those of one token. `up` is `local experts x hidden x (2 *) width`, `down` is `local experts x
    width x hidden`; `biases` are theirs. `indices` are `rows x choices`.
  }];
  let arguments = (ins OptionalAttr<StrAttr>:$label, Mansard_Tensor:$input, Mansard_Tensor:$indices,
      Mansard_Tensor:$up, Mansard_Tensor:$down, Variadic<Mansard_Tensor>:$biases,
      Mansard_Experts:$experts, UnitAttr:$gated,
      DefaultValuedAttr<Mansard_Scaling, "::mansard::ir::Scaling::none">:$scaling);
  let results = (outs Mansard_Tensor:$result);
  let assemblyFormat = [{
    ($label^)? (`gated` $gated^)? $input `,` $indices `,` $up `,` $down (`biases` $biases^)?
    (`scaling` $scaling^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Mansard_DispatchOp : Mansard_Op<"dispatch", [Pure]> {
  let summary = "tokens travel to the devices of their experts";
  let description = [{
    `input` are the rows of this device, `indices` (`rows x topk`) their experts. Out come the rows
    for the experts that live here, one for each choice, with the number of their expert; with
    `all_gather`, those of the whole group, with all their choices. Rows travel in the input's type,
    with their scales.
  }];
  let arguments = (ins OptionalAttr<StrAttr>:$label, Mansard_ExchangeMode:$mode,
      Mansard_Tensor:$input, Mansard_Tensor:$indices, Mansard_Experts:$experts,
      DefaultValuedAttr<I64Attr, "0">:$node_limit,
      DefaultValuedAttr<Mansard_Scaling, "::mansard::ir::Scaling::none">:$scaling);
  let results = (outs Mansard_Tensor:$rows, Mansard_Tensor:$choices);
  let assemblyFormat = [{
    $mode ($label^)? $input `,` $indices (`scaling` $scaling^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Mansard_CombineOp : Mansard_Op<"combine", [Pure]> {
  let summary = "the experts' results travel back, and are weighted and added up";
  let arguments = (ins OptionalAttr<StrAttr>:$label, Mansard_ExchangeMode:$mode,
      Mansard_Tensor:$input, Mansard_Tensor:$indices, Mansard_Experts:$experts,
      DefaultValuedAttr<I64Attr, "0">:$node_limit);
  let results = (outs Mansard_Tensor:$result);
  let assemblyFormat = [{
    $mode ($label^)? $input `,` $indices attr-dict `:` functional-type(operands, results)
  }];
}

def Mansard_CollectiveOp : Mansard_Op<"collective", [Pure]> {
  let summary = "all_reduce, all_gather, reduce_scatter, alltoall, send";
  let description = [{
    Among `ranks` devices. `reduce_scatter` divides dimension `dim` by them, rounding up, and
    `all_gather` multiplies it, where some may be left out of what was rounded up.
  }];
  let arguments = (ins Mansard_CollectiveKind:$kind, OptionalAttr<StrAttr>:$label,
      Mansard_Tensor:$input, I64Attr:$ranks, DefaultValuedAttr<I64Attr, "0">:$dim);
  let results = (outs Mansard_Tensor:$result);
  let assemblyFormat = [{
    $kind ($label^)? $input `over` $ranks attr-dict `:` functional-type(operands, results)
  }];
}

#endif
