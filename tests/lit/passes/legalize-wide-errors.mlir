// RUN: not mansard-opt %s --mansard-legalize="native=bf16,tf32" 2>&1 | FileCheck %s

// CHECK: error: 'a' multiplies fp64, and the target has no such matrix unit nor one that stands in for it
func.func @step(%x: tensor<4x64xf64>, %w: tensor<64x64xf64>) -> tensor<4x64xf64> {
  %a = mansard.matmul "a" %x, %w : (tensor<4x64xf64>, tensor<64x64xf64>) -> tensor<4x64xf64>
  return %a : tensor<4x64xf64>
}
