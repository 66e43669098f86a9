// RUN: mansard-opt %s --mansard-import-linalg --mansard-print-program -o /dev/null | FileCheck %s
// RUN: mansard-opt %s --mansard-import-linalg | FileCheck %s --check-prefix=OPS

// A loop with constant bounds repeats what is in it; a function that is called is where it is
// called.
// CHECK: 24 x matmul:[[L:[0-9]+]]: gemm bf16 16x64x64
// CHECK: 24 x exp:{{[0-9]+}}: custom
// CHECK: 1 x matmul:[[L]]: gemm bf16 16x64x64
// OPS: %[[R:.*]] = mansard.repeat 24 (%[[X:.*]] = %arg0) : tensor<16x64xbf16>
// OPS: mansard.matmul "matmul:{{[0-9]+}}" %[[X]], %arg1
// OPS: mansard.yield
// OPS: mansard.matmul "matmul:{{[0-9]+}}" %[[R]], %arg1
func.func private @project(%x: tensor<16x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<16x64xbf16> {
  %z = arith.constant 0.0 : bf16
  %e = tensor.empty() : tensor<16x64xbf16>
  %c = linalg.fill ins(%z : bf16) outs(%e : tensor<16x64xbf16>) -> tensor<16x64xbf16>
  %y = linalg.matmul ins(%x, %w : tensor<16x64xbf16>, tensor<64x64xbf16>) outs(%c : tensor<16x64xbf16>) -> tensor<16x64xbf16>
  return %y : tensor<16x64xbf16>
}

func.func @step(%x: tensor<16x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<16x64xbf16> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %three = arith.constant 3 : index
  %eight = arith.constant 8 : index
  %layers = arith.muli %three, %eight : index
  %y = scf.for %i = %zero to %layers step %one iter_args(%h = %x) -> (tensor<16x64xbf16>) {
    %p = func.call @project(%h, %w) : (tensor<16x64xbf16>, tensor<64x64xbf16>) -> tensor<16x64xbf16>
    %e = tensor.empty() : tensor<16x64xbf16>
    %q = linalg.exp ins(%p : tensor<16x64xbf16>) outs(%e : tensor<16x64xbf16>) -> tensor<16x64xbf16>
    scf.yield %q : tensor<16x64xbf16>
  }
  %p = func.call @project(%y, %w) : (tensor<16x64xbf16>, tensor<64x64xbf16>) -> tensor<16x64xbf16>
  return %p : tensor<16x64xbf16>
}
