// The dialect itself: its types, enumerations, the one interface and the class of all its ops.
#ifndef MANSARD_BASE_TD
#define MANSARD_BASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Mansard_Dialect : Dialect {
  let name = "mansard";
  let cppNamespace = "::mansard::ir";
  let summary = "what an accelerator is asked to do, at the grain of its kernels";
  let description = [{
    Named ops on ranked tensors of static shape. An op says what is computed, not how: its tiling and
    its time are a plugin's business. Every op but the regions tells the kernels that it stands for.

    Activations are `rows x columns`, a row for each token; `heads x rows x columns` where a matmul
    is done per head. Sizes are of the whole deployment until `--mansard-shard` makes them of one
    device; what may be cut, and how, is said by the `weight` and `kv_cache` ops alone.

    Element types are MLIR's own where MLIR has them: f64 f32 tf32 bf16 f16 f8E4M3FN f8E5M2 i8 i4
    i32. The block-scaled formats are types of this dialect, because LLVM 19 has no four-bit float
    and none with the scales inside: `!mansard.mxfp8`, `!mansard.mxfp4` (a scale of 8 bits for 32
    elements) and `!mansard.nvfp4` (for 16).
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

class Mansard_Type<string cppName, string keyword, string text> : TypeDef<Mansard_Dialect, cppName> {
  let mnemonic = keyword;
  let summary = text;
}
def Mansard_MxFp8 : Mansard_Type<"MxFp8", "mxfp8", "OCP MX: E4M3 elements, a scale for 32">;
def Mansard_MxFp4 : Mansard_Type<"MxFp4", "mxfp4", "OCP MX: E2M1 elements, a scale for 32">;
def Mansard_NvFp4 : Mansard_Type<"NvFp4", "nvfp4", "E2M1 elements, an FP8 scale for 16">;

def Mansard_Tensor : Type<And<[
    CPred<"::llvm::isa<::mlir::RankedTensorType>($_self)">,
    CPred<"::llvm::cast<::mlir::RankedTensorType>($_self).hasStaticShape()">,
    CPred<"::llvm::cast<::mlir::RankedTensorType>($_self).getRank() > 0">,
    CPred<"!::llvm::is_contained(::llvm::cast<::mlir::RankedTensorType>($_self).getShape(), 0)">,
    CPred<"::mansard::ir::dtypeOf(::llvm::cast<::mlir::RankedTensorType>($_self).getElementType())"
          ".has_value()">]>,
    "non-empty tensor of static shape and of an element type that kernels have (f64 f32 tf32 bf16 f16 "
    "f8E4M3FN f8E5M2 i8 i4 i32 !mansard.mxfp8 !mansard.mxfp4 !mansard.nvfp4)",
    "::mlir::RankedTensorType">;

// Enumerators that the C ABI has carry its codes.
class Mansard_Enum<string cppName, string text, list<I32EnumAttrCase> cases>
    : I32EnumAttr<cppName, text, cases> {
  let cppNamespace = "::mansard::ir";
}
class Case<string keyword, int value> : I32EnumAttrCase<keyword, value>;

def Mansard_Scaling : Mansard_Enum<"Scaling", "how quantised operands are scaled", [
  Case<"none", 0>, Case<"tensor", 1>, Case<"channel", 2>, Case<"token", 3>, Case<"block", 4>,
  Case<"group", 5>]>;
def Mansard_Shard : Mansard_Enum<"Shard", "how the devices of a replica share a parameter", [
  Case<"replicated", 0>,    // each device holds it all
  Case<"column", 1>,        // the outputs are cut: each device has part of every row's result
  Case<"row", 2>,           // the inputs are cut: each device has a summand of the result
  Case<"heads", 3>,         // the first dimension counts heads, and these are cut
  Case<"vocab", 4>,         // the words are cut
  Case<"router", 5>,        // replicated; works on the rows that are about to be exchanged
  Case<"expert_column", 6>, // experts are cut, then what is left of the ways along the outputs
  Case<"expert_row", 7>,    // experts are cut, then along the inputs
  Case<"shared_column", 8>, // of experts that see every token: as column, or replicated where rows
  Case<"shared_row", 9>]>;  // are exchanged; likewise as row
def Mansard_Phase : Mansard_Enum<"Phase", "prefill or decode", [
  Case<"prefill", 0>, Case<"decode", 1>]>;
def Mansard_ViewKind : Mansard_Enum<"ViewKind", "a rearrangement that moves nothing", [
  Case<"zeros", 0>, Case<"columns", 1>, Case<"heads", 2>, Case<"merge", 3>, Case<"rows", 4>,
  Case<"concat", 5>, Case<"transpose", 6>, Case<"join", 7>, Case<"reshape", 8>, Case<"part", 9>,
  Case<"bits", 10>, Case<"windows", 11>]>;
def Mansard_Activation : Mansard_Enum<"Activation", "what follows a matmul", [
  Case<"none", 0>, Case<"silu_mul", 4>, Case<"gelu", 8>]>; // MANSARD_EPILOGUE_*
def Mansard_ElementwiseKind : Mansard_Enum<"ElementwiseKind", "work on each element", [
  Case<"add", 0>, Case<"silu_mul", 4>, Case<"gelu", 5>, Case<"copy", 9>, Case<"mul", 14>]>;
def Mansard_NormKind : Mansard_Enum<"NormKind", "work along a row", [
  Case<"rmsnorm", 2>, Case<"layernorm", 3>, Case<"softmax", 6>]>;
def Mansard_CollectiveKind : Mansard_Enum<"CollectiveKind", "who gets what", [
  Case<"all_reduce", 0>, Case<"all_gather", 1>, Case<"reduce_scatter", 2>, Case<"alltoall", 3>,
  Case<"send", 4>]>;
def Mansard_ExchangeMode : Mansard_Enum<"ExchangeMode", "how tokens travel to their experts", [
  Case<"low_latency", 0>, Case<"normal", 1>, // MANSARD_EP_MODE_*
  Case<"all_gather", 2>]>;                   // all to all; a reduce-scatter on the way back

def Mansard_Experts : AttrDef<Mansard_Dialect, "Experts"> {
  let mnemonic = "experts";
  let summary = "a mixture's routing and how it is spread";
  let description = [{
    `tokens` are those of the whole group that shares one set of experts, before routing (more, if its
    experts make the device busier than others); each goes to `topk` of `experts`. A device holds the
    experts of one of `ep` parts, and 1/`tp` of their width.
  }];
  let parameters = (ins "int64_t":$tokens, "int64_t":$topk, "int64_t":$experts, "int64_t":$ep,
                        "int64_t":$tp);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Mansard_Tile : AttrDef<Mansard_Dialect, "Tile"> {
  let mnemonic = "tile";
  let summary = "a schedule that a compiler has fixed for a product";
  let description = [{
    Rows and columns of the result that a core works on at a time, how deep a step it makes along the
    inner dimension, and into how many parts that is split among cores. `k` and `split_k` may be 0: the
    target's model chooses.
  }];
  let parameters = (ins "int64_t":$m, "int64_t":$n, "int64_t":$k, "int64_t":$split_k);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def KernelOpInterface : OpInterface<"KernelOpInterface"> {
  let cppNamespace = "::mansard::ir";
  let description = "An op that stands for kernels: none, one or several, run in order.";
  let methods = [
    InterfaceMethod<"Appends the kernels of one run on one device. The op must have been verified.",
                    "void", "getKernels", (ins "::llvm::SmallVectorImpl<::mansard_kernel> &":$kernels)>,
    InterfaceMethod<[{
      The shapes of the results that operands and attributes imply; their own where they are free
      (parameters). What the verifiers check, and what passes call after changing operands. Operands
      must be of the right rank.
    }], "::mansard::ir::Shapes", "inferShapes", (ins)>];
}

class Mansard_Op<string mnemonic, list<Trait> traits = []>
    : Op<Mansard_Dialect, mnemonic,
         !listconcat(traits, [DeclareOpInterfaceMethods<KernelOpInterface>])> {
  let hasVerifier = 1;
}

#endif
