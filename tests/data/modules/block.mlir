// A transformer's attention as a compiler has it before tiling: a norm in two ops, projections, the
// attention spelled out, and a residual. The number of sequences is open.
#x = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#col = affine_map<(i, j) -> (j)>
#scores = affine_map<(b, h, i, j, d) -> (b, h, i, j)>

func.func @block(%x: tensor<?x4096xbf16> {mansard.dims = ["tokens", ""]}, %gain: tensor<4096xbf16>,
                 %w: tensor<4096x4096xbf16>, %k: tensor<1x32x2048x128xbf16>,
                 %v: tensor<1x32x2048x128xbf16>) -> tensor<?x4096xbf16> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : bf16
  %zero32 = arith.constant 0.0 : f32
  %scale = arith.constant 0.088 : bf16
  %least = arith.constant 0xFF80 : bf16
  %width = arith.constant 4096.0 : f32
  %tiny = arith.constant 1.0e-5 : f32
  %n = tensor.dim %x, %c0 : tensor<?x4096xbf16>
  %rows = tensor.empty(%n) : tensor<?xf32>
  %none = linalg.fill ins(%zero32 : f32) outs(%rows : tensor<?xf32>) -> tensor<?xf32>
  %squares = linalg.generic {indexing_maps = [#x, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x4096xbf16>) outs(%none : tensor<?xf32>) {
  ^bb0(%a: bf16, %sum: f32):
    %b = arith.extf %a : bf16 to f32
    %c = arith.mulf %b, %b : f32
    %d = arith.addf %sum, %c : f32
    linalg.yield %d : f32
  } -> tensor<?xf32>
  %empty = tensor.empty(%n) : tensor<?x4096xbf16>
  %normed = linalg.generic {indexing_maps = [#x, #row, #col, #x], iterator_types = ["parallel", "parallel"]}
      ins(%x, %squares, %gain : tensor<?x4096xbf16>, tensor<?xf32>, tensor<4096xbf16>) outs(%empty : tensor<?x4096xbf16>) {
  ^bb0(%a: bf16, %s: f32, %g: bf16, %out: bf16):
    %mean = arith.divf %s, %width : f32
    %safe = arith.addf %mean, %tiny : f32
    %root = math.rsqrt %safe : f32
    %wide = arith.extf %a : bf16 to f32
    %scaled = arith.mulf %wide, %root : f32
    %back = arith.truncf %scaled : f32 to bf16
    %r = arith.mulf %back, %g : bf16
    linalg.yield %r : bf16
  } -> tensor<?x4096xbf16>
  %start = linalg.fill ins(%zero : bf16) outs(%empty : tensor<?x4096xbf16>) -> tensor<?x4096xbf16>
  %q2 = linalg.matmul ins(%normed, %w : tensor<?x4096xbf16>, tensor<4096x4096xbf16>) outs(%start : tensor<?x4096xbf16>) -> tensor<?x4096xbf16>
  %q = tensor.expand_shape %q2 [[0, 1], [2, 3]] output_shape [1, %n, 32, 128] : tensor<?x4096xbf16> into tensor<1x?x32x128xbf16>

  %es = tensor.empty(%n) : tensor<1x32x?x2048xbf16>
  %s0 = linalg.fill ins(%zero : bf16) outs(%es : tensor<1x32x?x2048xbf16>) -> tensor<1x32x?x2048xbf16>
  %raw = linalg.generic {indexing_maps = [affine_map<(b, h, i, j, d) -> (b, i, h, d)>, affine_map<(b, h, i, j, d) -> (b, h, j, d)>, #scores], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<1x?x32x128xbf16>, tensor<1x32x2048x128xbf16>) outs(%s0 : tensor<1x32x?x2048xbf16>) {
  ^bb0(%a: bf16, %b: bf16, %sum: bf16):
    %p = arith.mulf %a, %b : bf16
    %t = arith.addf %sum, %p : bf16
    linalg.yield %t : bf16
  } -> tensor<1x32x?x2048xbf16>
  %masked = linalg.generic {indexing_maps = [affine_map<(b, h, i, j) -> (b, h, i, j)>, affine_map<(b, h, i, j) -> (b, h, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%raw : tensor<1x32x?x2048xbf16>) outs(%es : tensor<1x32x?x2048xbf16>) {
  ^bb0(%a: bf16, %out: bf16):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %later = arith.cmpi ugt, %j, %i : index
    %p = arith.mulf %a, %scale : bf16
    %t = arith.select %later, %least, %p : bf16
    linalg.yield %t : bf16
  } -> tensor<1x32x?x2048xbf16>
  %chances = linalg.softmax dimension(3) ins(%masked : tensor<1x32x?x2048xbf16>) outs(%es : tensor<1x32x?x2048xbf16>) -> tensor<1x32x?x2048xbf16>
  %eo = tensor.empty(%n) : tensor<1x32x?x128xbf16>
  %o0 = linalg.fill ins(%zero : bf16) outs(%eo : tensor<1x32x?x128xbf16>) -> tensor<1x32x?x128xbf16>
  %heads = linalg.generic {indexing_maps = [affine_map<(b, h, i, d, j) -> (b, h, i, j)>, affine_map<(b, h, i, d, j) -> (b, h, j, d)>, affine_map<(b, h, i, d, j) -> (b, h, i, d)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%chances, %v : tensor<1x32x?x2048xbf16>, tensor<1x32x2048x128xbf16>) outs(%o0 : tensor<1x32x?x128xbf16>) {
  ^bb0(%a: bf16, %b: bf16, %sum: bf16):
    %p = arith.mulf %a, %b : bf16
    %t = arith.addf %sum, %p : bf16
    linalg.yield %t : bf16
  } -> tensor<1x32x?x128xbf16>
  %e4 = tensor.empty(%n) : tensor<1x?x32x128xbf16>
  %together = linalg.transpose ins(%heads : tensor<1x32x?x128xbf16>) outs(%e4 : tensor<1x?x32x128xbf16>) permutation = [0, 2, 1, 3]
  %o2 = tensor.collapse_shape %together [[0, 1], [2, 3]] : tensor<1x?x32x128xbf16> into tensor<?x4096xbf16>
  %projected = linalg.matmul ins(%o2, %w : tensor<?x4096xbf16>, tensor<4096x4096xbf16>) outs(%start : tensor<?x4096xbf16>) -> tensor<?x4096xbf16>
  %y = linalg.add ins(%projected, %x : tensor<?x4096xbf16>, tensor<?x4096xbf16>) outs(%empty : tensor<?x4096xbf16>) -> tensor<?x4096xbf16>
  return %y : tensor<?x4096xbf16>
}
