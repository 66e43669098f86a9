// A projection with bias, GELU and a residual, as a compiler has it before fusing: each step a
// kernel that writes its result and reads the one before.
#id = affine_map<(r, c) -> (r, c)>
#row = affine_map<(r, c) -> (c)>

func.func @ffn(%x: tensor<4096x4096xbf16>, %w: tensor<4096x4096xbf16>, %bias: tensor<4096xbf16>,
               %residual: tensor<4096x4096xbf16>) -> tensor<4096x4096xbf16> {
  %zero = arith.constant 0.0 : bf16
  %empty = tensor.empty() : tensor<4096x4096xbf16>
  %start = linalg.fill ins(%zero : bf16) outs(%empty : tensor<4096x4096xbf16>) -> tensor<4096x4096xbf16>
  %product = linalg.matmul ins(%x, %w : tensor<4096x4096xbf16>, tensor<4096x4096xbf16>)
      outs(%start : tensor<4096x4096xbf16>) -> tensor<4096x4096xbf16>
  %biased = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%product, %bias : tensor<4096x4096xbf16>, tensor<4096xbf16>)
      outs(%empty : tensor<4096x4096xbf16>) {
  ^bb0(%p: bf16, %b: bf16, %out: bf16):
    %sum = arith.addf %p, %b : bf16
    linalg.yield %sum : bf16
  } -> tensor<4096x4096xbf16>
  %activated = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%biased : tensor<4096x4096xbf16>) outs(%empty : tensor<4096x4096xbf16>) {
  ^bb0(%v: bf16, %out: bf16):
    %half = arith.constant 0.5 : bf16
    %one = arith.constant 1.0 : bf16
    %root = arith.constant 0.70703125 : bf16
    %scaled = arith.mulf %v, %root : bf16
    %erf = math.erf %scaled : bf16
    %shifted = arith.addf %erf, %one : bf16
    %halved = arith.mulf %v, %half : bf16
    %gelu = arith.mulf %halved, %shifted : bf16
    linalg.yield %gelu : bf16
  } -> tensor<4096x4096xbf16>
  %result = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%activated, %residual : tensor<4096x4096xbf16>, tensor<4096x4096xbf16>)
      outs(%empty : tensor<4096x4096xbf16>) {
  ^bb0(%a: bf16, %r: bf16, %out: bf16):
    %sum = arith.addf %a, %r : bf16
    linalg.yield %sum : bf16
  } -> tensor<4096x4096xbf16>
  return %result : tensor<4096x4096xbf16>
}
