// Matrix products.
#ifndef MANSARD_MATMUL_OPS_TD
#define MANSARD_MATMUL_OPS_TD

include "Base.td"

def Mansard_MatmulOp : Mansard_Op<"matmul", [Pure, AttrSizedOperandSegments]> {
  let summary = "rows x k by k x columns, and what is done before the result is stored";
  let description = [{
    Multiplied in the type of the left operand; the right one may be stored narrower. `bias` is added
    to each row, `residual` element by element, then comes the activation (`silu_mul` halves the
    columns). A result narrower than 16 bits is quantised on its way out. With a `tile` the product is
    priced in that schedule; without, the target's model looks for the best one.
  }];
  let arguments = (ins OptionalAttr<StrAttr>:$label, Mansard_Tensor:$lhs, Mansard_Tensor:$rhs,
      Optional<Mansard_Tensor>:$bias, Optional<Mansard_Tensor>:$residual,
      DefaultValuedAttr<Mansard_Activation, "::mansard::ir::Activation::none">:$activation,
      DefaultValuedAttr<Mansard_Scaling, "::mansard::ir::Scaling::none">:$scaling,
      OptionalAttr<Mansard_Tile>:$tile);
  let results = (outs Mansard_Tensor:$result);
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::StringAttr":$label,
      "::mlir::Value":$lhs, "::mlir::Value":$rhs, "::mlir::Value":$bias, "::mlir::Value":$residual,
      "::mansard::ir::Activation":$activation, "::mansard::ir::Scaling":$scaling)>];
  let assemblyFormat = [{
    ($label^)? $lhs `,` $rhs (`bias` $bias^)? (`residual` $residual^)? (`activation` $activation^)?
    (`scaling` $scaling^)? (`tile` $tile^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Mansard_GroupedMatmulOp : Mansard_Op<"grouped_matmul", [Pure]> {
  let summary = "independent products, each with a right operand of its own";
  let description = [{
    The right operand is `groups x k x columns`. The left one is `groups x rows x k`, or `rows x k`
    with the rows of the groups one after another, as many in each as the routing gives.
  }];
  let arguments = (ins OptionalAttr<StrAttr>:$label, Mansard_Tensor:$lhs, Mansard_Tensor:$rhs,
      Optional<Mansard_Tensor>:$bias,
      DefaultValuedAttr<Mansard_Scaling, "::mansard::ir::Scaling::none">:$scaling);
  let results = (outs Mansard_Tensor:$result);
  let assemblyFormat = [{
    ($label^)? $lhs `,` $rhs (`bias` $bias^)? (`scaling` $scaling^)? attr-dict
    `:` functional-type(operands, results)
  }];
}

#endif
