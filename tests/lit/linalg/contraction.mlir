// RUN: mansard-opt %s --mansard-import-linalg="function=named" --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=NAMED
// RUN: mansard-opt %s --mansard-import-linalg="function=generics" --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=GENERIC
// RUN: mansard-opt %s --mansard-import-linalg="function=mixed" --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=MIXED
// RUN: mansard-opt %s --mansard-import-linalg="function=sums" | FileCheck %s --check-prefix=SUMS

// NAMED: 1 x matmul:{{[0-9]+}}: gemm bf16 64x32x128
// NAMED: 1 x matmul_transpose_a:{{[0-9]+}}: gemm bf16 64x32x128
// NAMED: 1 x matmul_transpose_b:{{[0-9]+}}: gemm bf16 64x32x128
// NAMED: 1 x batch_matmul:{{[0-9]+}}: grouped_gemm bf16 4 of 64x32x128
// A vector is one row, and the matrix beside it the weights.
// NAMED: 1 x matvec:{{[0-9]+}}: gemm bf16 1x64x128
// NAMED: 1 x vecmat:{{[0-9]+}}: gemm bf16 1x32x128
func.func @named(%a: tensor<64x128xbf16>, %b: tensor<128x32xbf16>, %at: tensor<128x64xbf16>,
                 %bt: tensor<32x128xbf16>, %ab: tensor<4x64x128xbf16>, %bb: tensor<4x128x32xbf16>,
                 %v: tensor<128xbf16>) {
  %z = arith.constant 0.0 : bf16
  %e = tensor.empty() : tensor<64x32xbf16>
  %c = linalg.fill ins(%z : bf16) outs(%e : tensor<64x32xbf16>) -> tensor<64x32xbf16>
  %0 = linalg.matmul ins(%a, %b : tensor<64x128xbf16>, tensor<128x32xbf16>) outs(%c : tensor<64x32xbf16>) -> tensor<64x32xbf16>
  %1 = linalg.matmul_transpose_a ins(%at, %b : tensor<128x64xbf16>, tensor<128x32xbf16>) outs(%c : tensor<64x32xbf16>) -> tensor<64x32xbf16>
  %2 = linalg.matmul_transpose_b ins(%a, %bt : tensor<64x128xbf16>, tensor<32x128xbf16>) outs(%c : tensor<64x32xbf16>) -> tensor<64x32xbf16>
  %e3 = tensor.empty() : tensor<4x64x32xbf16>
  %c3 = linalg.fill ins(%z : bf16) outs(%e3 : tensor<4x64x32xbf16>) -> tensor<4x64x32xbf16>
  %3 = linalg.batch_matmul ins(%ab, %bb : tensor<4x64x128xbf16>, tensor<4x128x32xbf16>) outs(%c3 : tensor<4x64x32xbf16>) -> tensor<4x64x32xbf16>
  %e4 = tensor.empty() : tensor<64xbf16>
  %c4 = linalg.fill ins(%z : bf16) outs(%e4 : tensor<64xbf16>) -> tensor<64xbf16>
  %4 = linalg.matvec ins(%a, %v : tensor<64x128xbf16>, tensor<128xbf16>) outs(%c4 : tensor<64xbf16>) -> tensor<64xbf16>
  %e5 = tensor.empty() : tensor<32xbf16>
  %c5 = linalg.fill ins(%z : bf16) outs(%e5 : tensor<32xbf16>) -> tensor<32xbf16>
  %5 = linalg.vecmat ins(%v, %b : tensor<128xbf16>, tensor<128x32xbf16>) outs(%c5 : tensor<32xbf16>) -> tensor<32xbf16>
  return
}

// Operands in the other order; a weight shared by a batch is one matmul with more rows; a head
// dimension in the middle.
// GENERIC: gemm bf16 64x32x128
// GENERIC: gemm bf16 192x32x128
// GENERIC: grouped_gemm bf16 6 of 16x24x64
// GENERIC: 3 kernels, 3 steps
func.func @generics(%a: tensor<64x128xbf16>, %b: tensor<128x32xbf16>, %x: tensor<3x64x128xbf16>,
                    %q: tensor<2x16x3x64xbf16>, %k: tensor<2x24x3x64xbf16>) {
  %c = tensor.empty() : tensor<64x32xbf16>
  %0 = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%b, %a : tensor<128x32xbf16>, tensor<64x128xbf16>) outs(%c : tensor<64x32xbf16>) {
  ^bb0(%l: bf16, %r: bf16, %s: bf16):
    %p = arith.mulf %l, %r : bf16
    %t = arith.addf %p, %s : bf16
    linalg.yield %t : bf16
  } -> tensor<64x32xbf16>
  %c1 = tensor.empty() : tensor<3x64x32xbf16>
  %1 = linalg.generic {indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (k, n)>, affine_map<(b, m, n, k) -> (b, m, n)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %b : tensor<3x64x128xbf16>, tensor<128x32xbf16>) outs(%c1 : tensor<3x64x32xbf16>) {
  ^bb0(%l: bf16, %r: bf16, %s: bf16):
    %p = arith.mulf %l, %r : bf16
    %t = arith.addf %s, %p : bf16
    linalg.yield %t : bf16
  } -> tensor<3x64x32xbf16>
  %c2 = tensor.empty() : tensor<2x3x16x24xbf16>
  %2 = linalg.generic {indexing_maps = [affine_map<(b, h, i, j, d) -> (b, i, h, d)>, affine_map<(b, h, i, j, d) -> (b, j, h, d)>, affine_map<(b, h, i, j, d) -> (b, h, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<2x16x3x64xbf16>, tensor<2x24x3x64xbf16>) outs(%c2 : tensor<2x3x16x24xbf16>) {
  ^bb0(%l: bf16, %r: bf16, %s: bf16):
    %t = math.fma %l, %r, %s : bf16
    linalg.yield %t : bf16
  } -> tensor<2x3x16x24xbf16>
  return
}

// Conversions inside of the body; a weight stored narrow, with a scale for each group, is the right
// operand wherever it stands.
// MIXED: gemm fp8 64x32x128
// MIXED: gemm int8 64x32x128
// MIXED: gemm bf16 x int4 64x32x128
func.func @mixed(%a8: tensor<64x128xf8E4M3FN>, %b8: tensor<128x32xf8E5M2>, %ai: tensor<64x128xi8>,
                 %bi: tensor<128x32xi8>, %a: tensor<64x128xbf16>, %w: tensor<32x128xi4>,
                 %scale: tensor<32x4xbf16>) {
  %zf = arith.constant 0.0 : f32
  %zi = arith.constant 0 : i32
  %ef = tensor.empty() : tensor<64x32xf32>
  %cf = linalg.fill ins(%zf : f32) outs(%ef : tensor<64x32xf32>) -> tensor<64x32xf32>
  %0 = linalg.matmul ins(%a8, %b8 : tensor<64x128xf8E4M3FN>, tensor<128x32xf8E5M2>) outs(%cf : tensor<64x32xf32>) -> tensor<64x32xf32>
  %ei = tensor.empty() : tensor<64x32xi32>
  %ci = linalg.fill ins(%zi : i32) outs(%ei : tensor<64x32xi32>) -> tensor<64x32xi32>
  %1 = linalg.matmul ins(%ai, %bi : tensor<64x128xi8>, tensor<128x32xi8>) outs(%ci : tensor<64x32xi32>) -> tensor<64x32xi32>
  %2 = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (n, k floordiv 32)>, affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%w, %scale, %a : tensor<32x128xi4>, tensor<32x4xbf16>, tensor<64x128xbf16>) outs(%cf : tensor<64x32xf32>) {
  ^bb0(%l: i4, %f: bf16, %r: bf16, %s: f32):
    %d = arith.sitofp %l : i4 to bf16
    %g = arith.mulf %d, %f : bf16
    %h = arith.extf %g : bf16 to f32
    %i = arith.extf %r : bf16 to f32
    %p = arith.mulf %h, %i : f32
    %t = arith.addf %s, %p : f32
    linalg.yield %t : f32
  } -> tensor<64x32xf32>
  return
}

// SUMS: %[[C:.*]] = mansard.matmul "matmul:{{[0-9]+}}" %arg0, %arg1 residual %arg2 : (tensor<64x128xbf16>, tensor<128x32xbf16>, tensor<64x32xbf16>) -> tensor<64x32xbf16>
// SUMS: mansard.grouped_matmul "batch_matmul:[[L:[0-9]+]]"
// SUMS: mansard.elementwise add "batch_matmul:[[L]].add"
// A sum of products of two vectors is the vector unit's.
// SUMS: mansard.custom "dot:{{[0-9]+}}" %arg5, %arg7 {{.*}}vector_operations = 2.560000e+02
func.func @sums(%a: tensor<64x128xbf16>, %b: tensor<128x32xbf16>, %c: tensor<64x32xbf16>,
                %ab: tensor<4x64x128xbf16>, %bb: tensor<4x128x32xbf16>, %v: tensor<128xbf16>,
                %cb: tensor<4x64x32xbf16>, %w: tensor<128xbf16>) {
  %0 = linalg.matmul ins(%a, %b : tensor<64x128xbf16>, tensor<128x32xbf16>) outs(%c : tensor<64x32xbf16>) -> tensor<64x32xbf16>
  %1 = linalg.batch_matmul ins(%ab, %bb : tensor<4x64x128xbf16>, tensor<4x128x32xbf16>) outs(%cb : tensor<4x64x32xbf16>) -> tensor<4x64x32xbf16>
  %z = arith.constant dense<0.0> : tensor<bf16>
  %2 = linalg.dot ins(%v, %w : tensor<128xbf16>, tensor<128xbf16>) outs(%z : tensor<bf16>) -> tensor<bf16>
  return
}
