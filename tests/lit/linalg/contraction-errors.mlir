// RUN: mansard-opt %s --mansard-import-linalg="function=near" --mansard-print-program -o /dev/null | FileCheck %s
// RUN: not mansard-opt %s --mansard-import-linalg="function=sizes dim=arg0.1=64,arg1.0=65" 2>&1 | FileCheck %s --check-prefix=SIZES
// RUN: not mansard-opt %s --mansard-import-linalg="function=nowhere" 2>&1 | FileCheck %s --check-prefix=NOWHERE

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// What is no sum of products is the vector unit's: another sum, another product, a square, a function
// of an operand, types that no matrix unit has.
// CHECK-NOT: gemm
// CHECK-COUNT-5: custom
// CHECK: 5 steps
func.func @near(%x: tensor<8x16xbf16>, %y: tensor<16x32xbf16>, %i: tensor<8x16xi64>, %j: tensor<16x32xi64>) {
  %e = tensor.empty() : tensor<8x32xbf16>
  %0 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %y : tensor<8x16xbf16>, tensor<16x32xbf16>) outs(%e : tensor<8x32xbf16>) {
  ^bb0(%l: bf16, %r: bf16, %s: bf16):
    %p = arith.mulf %l, %r : bf16
    %t = arith.maximumf %s, %p : bf16
    linalg.yield %t : bf16
  } -> tensor<8x32xbf16>
  %1 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %y : tensor<8x16xbf16>, tensor<16x32xbf16>) outs(%e : tensor<8x32xbf16>) {
  ^bb0(%l: bf16, %r: bf16, %s: bf16):
    %p = arith.subf %l, %r : bf16
    %t = arith.addf %s, %p : bf16
    linalg.yield %t : bf16
  } -> tensor<8x32xbf16>
  %2 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %y : tensor<8x16xbf16>, tensor<16x32xbf16>) outs(%e : tensor<8x32xbf16>) {
  ^bb0(%l: bf16, %r: bf16, %s: bf16):
    %p = arith.mulf %l, %l : bf16
    %t = arith.addf %s, %p : bf16
    linalg.yield %t : bf16
  } -> tensor<8x32xbf16>
  %3 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %y : tensor<8x16xbf16>, tensor<16x32xbf16>) outs(%e : tensor<8x32xbf16>) {
  ^bb0(%l: bf16, %r: bf16, %s: bf16):
    %q = math.exp %l : bf16
    %p = arith.mulf %q, %r : bf16
    %t = arith.addf %s, %p : bf16
    linalg.yield %t : bf16
  } -> tensor<8x32xbf16>
  %ei = tensor.empty() : tensor<8x32xi64>
  %4 = linalg.matmul ins(%i, %j : tensor<8x16xi64>, tensor<16x32xi64>) outs(%ei : tensor<8x32xi64>) -> tensor<8x32xi64>
  return
}

// SIZES: error: 'linalg.matmul' has a loop d2 of 64 iterations by operand 0 and of 65 by dimension 0 of operand 1; they must be the same
func.func @sizes(%x: tensor<8x?xbf16>, %y: tensor<?x32xbf16>, %z: tensor<8x32xbf16>) {
  %0 = linalg.matmul ins(%x, %y : tensor<8x?xbf16>, tensor<?x32xbf16>) outs(%z : tensor<8x32xbf16>) -> tensor<8x32xbf16>
  return
}

// NOWHERE: error: the module has no function @nowhere with a body; it has @near @sizes
