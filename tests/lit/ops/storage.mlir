// RUN: mansard-opt %s | mansard-opt | FileCheck %s

// CHECK-LABEL: @weights
func.func @weights() {
  // CHECK: mansard.weight "embed" vocab : tensor<1000x64xbf16>
  %0 = mansard.weight "embed" vocab : tensor<1000x64xbf16>
  // CHECK: mansard.weight "qkv" column parts [4, 2, 2] scaling token : tensor<64x128xi8>
  %1 = mansard.weight "qkv" column parts [4, 2, 2] scaling token : tensor<64x128xi8>
  // CHECK: mansard.weight "qkv" column parts [4, 2, 2] widths [16, 16, 8] : tensor<64x112xbf16>
  %qkv = mansard.weight "qkv" column parts [4, 2, 2] widths [16, 16, 8] : tensor<64x112xbf16>
  // CHECK: mansard.weight "up" expert_column scaling group : tensor<8x64x256x!mansard.mxfp4>
  %2 = mansard.weight "up" expert_column scaling group : tensor<8x64x256x!mansard.mxfp4>
  // CHECK: tensor<64x64x!mansard.mxfp8>
  %3 = mansard.weight "a" row : tensor<64x64x!mansard.mxfp8>
  // CHECK: tensor<64x64x!mansard.nvfp4>
  %4 = mansard.weight "b" replicated : tensor<64x64x!mansard.nvfp4>
  // CHECK: tensor<64x64xf8E4M3FN>
  %5 = mansard.weight "c" replicated : tensor<64x64xf8E4M3FN>
  // CHECK: tensor<64x64xi4>
  %6 = mansard.weight "d" replicated : tensor<64x64xi4>
  return
}

// CHECK-LABEL: @cache
func.func @cache() {
  // CHECK: mansard.kv_cache "attention" heads 2 : tensor<4x1024x64xf8E4M3FN>
  %0 = mansard.kv_cache "attention" heads 2 : tensor<4x1024x64xf8E4M3FN>
  return
}

// CHECK-LABEL: @views
func.func @views(%x: tensor<6x96xbf16>) {
  // CHECK: mansard.view zeros : () -> tensor<4x8xbf16>
  %0 = mansard.view zeros : () -> tensor<4x8xbf16>
  // CHECK: mansard.view columns %{{.*}} -> tensor<6x64xbf16>
  %1 = mansard.view columns %x : (tensor<6x96xbf16>) -> tensor<6x64xbf16>
  // CHECK: mansard.view heads %{{.*}} -> tensor<4x6x16xbf16>
  %2 = mansard.view heads %x : (tensor<6x96xbf16>) -> tensor<4x6x16xbf16>
  // CHECK: mansard.view merge %{{.*}} -> tensor<6x64xbf16>
  %3 = mansard.view merge %2 : (tensor<4x6x16xbf16>) -> tensor<6x64xbf16>
  // CHECK: mansard.view rows %{{.*}} {parts = 4 : i64} : (tensor<6x96xbf16>) -> tensor<2x96xbf16>
  %4 = mansard.view rows %x {parts = 4 : i64} : (tensor<6x96xbf16>) -> tensor<2x96xbf16>
  // CHECK: mansard.view rows %{{.*}} -> tensor<5x96xbf16>
  %5 = mansard.view rows %x : (tensor<6x96xbf16>) -> tensor<5x96xbf16>
  // CHECK: mansard.view concat %{{.*}}, %{{.*}} -> tensor<11x96xbf16>
  %6 = mansard.view concat %x, %5 : (tensor<6x96xbf16>, tensor<5x96xbf16>) -> tensor<11x96xbf16>
  // CHECK: mansard.view join %{{.*}}, %{{.*}} -> tensor<6x160xbf16>
  %7 = mansard.view join %x, %3 : (tensor<6x96xbf16>, tensor<6x64xbf16>) -> tensor<6x160xbf16>
  // CHECK: mansard.view transpose %{{.*}} -> tensor<96x6xbf16>
  %8 = mansard.view transpose %x : (tensor<6x96xbf16>) -> tensor<96x6xbf16>
  // CHECK: mansard.view reshape %{{.*}} -> tensor<2x3x96xbf16>
  %9 = mansard.view reshape %x : (tensor<6x96xbf16>) -> tensor<2x3x96xbf16>
  // CHECK: mansard.view part %{{.*}} -> tensor<100xbf16>
  %10 = mansard.view part %x : (tensor<6x96xbf16>) -> tensor<100xbf16>
  // CHECK: mansard.view windows %{{.*}} -> tensor<4x288xbf16>
  %11 = mansard.view windows %x : (tensor<6x96xbf16>) -> tensor<4x288xbf16>
  // CHECK: mansard.view bits %{{.*}} -> tensor<6x96xf16>
  %12 = mansard.view bits %x : (tensor<6x96xbf16>) -> tensor<6x96xf16>
  return
}
