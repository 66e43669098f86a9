// RUN: mansard-opt %s --mansard-fuse | FileCheck %s
// RUN: mansard-opt %s --mansard-fuse="normalise=false quantise=false epilogue=false" | FileCheck %s --check-prefix=OFF

// OFF-LABEL: @residual_norm_quantise
// OFF: mansard.elementwise add
// OFF: mansard.norm rmsnorm %{{.*}} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
// OFF: mansard.quantize

// CHECK-LABEL: @residual_norm_quantise
func.func @residual_norm_quantise(%x: tensor<4x64xbf16>, %d: tensor<4x64xbf16>) -> (tensor<4x64xi8>, tensor<4x64xbf16>) {
  // CHECK-NEXT: %[[N:.*]], %[[S:.*]] = mansard.norm rmsnorm %arg1 residual %arg0 scaling token : (tensor<4x64xbf16>, tensor<4x64xbf16>) -> (tensor<4x64xi8>, tensor<4x64xbf16>)
  // CHECK-NEXT: return %[[N]], %[[S]]
  %0 = mansard.elementwise add %x, %d : (tensor<4x64xbf16>, tensor<4x64xbf16>) -> tensor<4x64xbf16>
  %1 = mansard.norm rmsnorm %0 : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  %2 = mansard.quantize %1 scaling token : (tensor<4x64xbf16>) -> tensor<4x64xi8>
  return %2, %0 : tensor<4x64xi8>, tensor<4x64xbf16>
}

// A router needs the row as it was.
// CHECK-LABEL: @both_precisions
func.func @both_precisions(%x: tensor<4x64xbf16>) -> (tensor<4x64xi8>, tensor<4x64xbf16>) {
  // CHECK: mansard.norm {{.*}} -> tensor<4x64xbf16>
  // CHECK: mansard.quantize
  %0 = mansard.norm rmsnorm %x : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  %1 = mansard.quantize %0 scaling token : (tensor<4x64xbf16>) -> tensor<4x64xi8>
  return %1, %0 : tensor<4x64xi8>, tensor<4x64xbf16>
}

// A row's scale is not known in the matmul's epilogue: the activation goes with the quantisation.
// CHECK-LABEL: @activation_and_quantise
func.func @activation_and_quantise(%x: tensor<4x64xi8>, %w: tensor<64x64xi8>) -> tensor<4x32xi8> {
  // CHECK: mansard.matmul %{{.*}}, %{{.*}} : {{.*}} -> tensor<4x64xbf16>
  // CHECK: mansard.elementwise silu_mul %{{.*}} scaling token : (tensor<4x64xbf16>) -> tensor<4x32xi8>
  %0 = mansard.matmul %x, %w : (tensor<4x64xi8>, tensor<64x64xi8>) -> tensor<4x64xbf16>
  %1 = mansard.elementwise silu_mul %0 : (tensor<4x64xbf16>) -> tensor<4x32xbf16>
  %2 = mansard.quantize %1 scaling token : (tensor<4x32xbf16>) -> tensor<4x32xi8>
  return %2 : tensor<4x32xi8>
}

// Neighbours that share a scale are together in a tile.
// CHECK-LABEL: @matmul_and_quantise
func.func @matmul_and_quantise(%x: tensor<4x64xbf16>, %w: tensor<64x64xbf16>) -> (tensor<4x64x!mansard.nvfp4>, tensor<4x64xi8>) {
  // CHECK: mansard.matmul "a" {{.*}} -> tensor<4x64x!mansard.nvfp4>
  // CHECK: mansard.matmul "b" {{.*}} -> tensor<4x64xbf16>
  // CHECK: mansard.quantize
  %0 = mansard.matmul "a" %x, %w : (tensor<4x64xbf16>, tensor<64x64xbf16>) -> tensor<4x64xbf16>
  %1 = mansard.quantize %0 scaling group : (tensor<4x64xbf16>) -> tensor<4x64x!mansard.nvfp4>
  %2 = mansard.matmul "b" %x, %w : (tensor<4x64xbf16>, tensor<64x64xbf16>) -> tensor<4x64xbf16>
  %3 = mansard.quantize %2 scaling token : (tensor<4x64xbf16>) -> tensor<4x64xi8>
  return %1, %3 : tensor<4x64x!mansard.nvfp4>, tensor<4x64xi8>
}

// The sum is needed before the norm.
// CHECK-LABEL: @used_before
func.func @used_before(%x: tensor<4x64xbf16>, %d: tensor<4x64xbf16>) -> (tensor<4x64xbf16>, tensor<4x64xbf16>) {
  // CHECK: mansard.elementwise add
  // CHECK: mansard.elementwise gelu
  // CHECK: mansard.norm rmsnorm %{{.*}} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  %0 = mansard.elementwise add %x, %d : (tensor<4x64xbf16>, tensor<4x64xbf16>) -> tensor<4x64xbf16>
  %1 = mansard.elementwise gelu %0 : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  %2 = mansard.norm rmsnorm %0 : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  return %1, %2 : tensor<4x64xbf16>, tensor<4x64xbf16>
}

// The sum is needed inside of a region before the norm.
// CHECK-LABEL: @used_in_region
func.func @used_in_region(%x: tensor<4x64xbf16>, %d: tensor<4x64xbf16>) -> tensor<4x64xbf16> {
  // CHECK: mansard.elementwise add
  // CHECK: mansard.repeat
  // CHECK: mansard.norm rmsnorm %{{.*}} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  %0 = mansard.elementwise add %x, %d : (tensor<4x64xbf16>, tensor<4x64xbf16>) -> tensor<4x64xbf16>
  mansard.repeat 2 () {
    %1 = mansard.elementwise gelu %0 : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  }
  %2 = mansard.norm rmsnorm %0 : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  return %2 : tensor<4x64xbf16>
}
