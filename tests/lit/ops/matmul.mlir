// RUN: mansard-opt %s | mansard-opt | FileCheck %s

// CHECK-LABEL: @matmul
func.func @matmul(%x: tensor<4x64xf8E4M3FN>, %y: tensor<4x64xbf16>, %r: tensor<4x32xbf16>) {
  %w = mansard.weight "w" column scaling block : tensor<64x32xf8E4M3FN>
  %v = mansard.weight "v" replicated : tensor<64x32xi4>
  %b = mansard.weight "b" column : tensor<32xbf16>
  // CHECK: mansard.matmul "proj" %{{.*}}, %{{.*}} scaling block : (tensor<4x64xf8E4M3FN>, tensor<64x32xf8E4M3FN>) -> tensor<4x32xbf16>
  %0 = mansard.matmul "proj" %x, %w scaling block : (tensor<4x64xf8E4M3FN>, tensor<64x32xf8E4M3FN>) -> tensor<4x32xbf16>
  // CHECK: mansard.matmul %{{.*}}, %{{.*}} bias %{{.*}} residual %{{.*}} : (tensor<4x64xbf16>, tensor<64x32xi4>, tensor<32xbf16>, tensor<4x32xbf16>) -> tensor<4x32xbf16>
  %1 = mansard.matmul %y, %v bias %b residual %r : (tensor<4x64xbf16>, tensor<64x32xi4>, tensor<32xbf16>, tensor<4x32xbf16>) -> tensor<4x32xbf16>
  // CHECK: mansard.matmul %{{.*}}, %{{.*}} activation silu_mul scaling group : {{.*}} -> tensor<4x16xbf16>
  %2 = mansard.matmul %y, %v activation silu_mul scaling group : (tensor<4x64xbf16>, tensor<64x32xi4>) -> tensor<4x16xbf16>
  // CHECK: activation gelu : {{.*}} -> tensor<4x32x!mansard.nvfp4>
  %3 = mansard.matmul %y, %v activation gelu : (tensor<4x64xbf16>, tensor<64x32xi4>) -> tensor<4x32x!mansard.nvfp4>
  return
}

// CHECK-LABEL: @grouped
func.func @grouped(%x: tensor<8x4x64xbf16>, %rows: tensor<30x64xbf16>) {
  %w = mansard.weight "w" heads : tensor<8x64x32xbf16>
  %b = mansard.weight "b" expert_column : tensor<8x32xbf16>
  // CHECK: mansard.grouped_matmul "heads" %{{.*}}, %{{.*}} : (tensor<8x4x64xbf16>, tensor<8x64x32xbf16>) -> tensor<8x4x32xbf16>
  %0 = mansard.grouped_matmul "heads" %x, %w : (tensor<8x4x64xbf16>, tensor<8x64x32xbf16>) -> tensor<8x4x32xbf16>
  // CHECK: mansard.grouped_matmul %{{.*}}, %{{.*}} bias %{{.*}} scaling group : {{.*}} -> tensor<30x32xbf16>
  %1 = mansard.grouped_matmul %rows, %w bias %b scaling group : (tensor<30x64xbf16>, tensor<8x64x32xbf16>, tensor<8x32xbf16>) -> tensor<30x32xbf16>
  return
}
