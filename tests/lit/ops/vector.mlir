// RUN: mansard-opt %s | mansard-opt | FileCheck %s

// CHECK-LABEL: @norm
func.func @norm(%x: tensor<4x64xbf16>, %r: tensor<4x64xbf16>) {
  %g = mansard.weight "g" replicated : tensor<64xbf16>
  %h = mansard.weight "h" replicated : tensor<16xbf16>
  // CHECK: mansard.norm rmsnorm "norm" %{{.*}} weight %{{.*}} : (tensor<4x64xbf16>, tensor<64xbf16>) -> tensor<4x64xbf16>
  %0 = mansard.norm rmsnorm "norm" %x weight %g : (tensor<4x64xbf16>, tensor<64xbf16>) -> tensor<4x64xbf16>
  // CHECK: mansard.norm rmsnorm %{{.*}} weight %{{.*}} residual %{{.*}} scaling token : {{.*}} -> (tensor<4x64xi8>, tensor<4x64xbf16>)
  %1:2 = mansard.norm rmsnorm %x weight %g residual %r scaling token : (tensor<4x64xbf16>, tensor<64xbf16>, tensor<4x64xbf16>) -> (tensor<4x64xi8>, tensor<4x64xbf16>)
  // CHECK: mansard.norm layernorm %{{.*}} {groups = array<i64: 2, 1>, width = 16 : i64}
  %2 = mansard.norm layernorm %x weight %h {groups = array<i64: 2, 1>, width = 16 : i64} : (tensor<4x64xbf16>, tensor<16xbf16>) -> tensor<4x64xbf16>
  // CHECK: mansard.norm softmax %{{.*}} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  %3 = mansard.norm softmax %x : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  return
}

// CHECK-LABEL: @elementwise
func.func @elementwise(%x: tensor<4x64xbf16>, %b: tensor<64xbf16>) {
  // CHECK: mansard.elementwise add "bias" %{{.*}}, %{{.*}} : (tensor<4x64xbf16>, tensor<64xbf16>) -> tensor<4x64xbf16>
  %0 = mansard.elementwise add "bias" %x, %b : (tensor<4x64xbf16>, tensor<64xbf16>) -> tensor<4x64xbf16>
  // CHECK: mansard.elementwise mul %{{.*}}, %{{.*}} : (tensor<4x64xbf16>, tensor<4x64xbf16>)
  %1 = mansard.elementwise mul %x, %x : (tensor<4x64xbf16>, tensor<4x64xbf16>) -> tensor<4x64xbf16>
  // CHECK: mansard.elementwise silu_mul %{{.*}} scaling block : (tensor<4x64xbf16>) -> tensor<4x32xf8E4M3FN>
  %2 = mansard.elementwise silu_mul %x scaling block : (tensor<4x64xbf16>) -> tensor<4x32xf8E4M3FN>
  // CHECK: mansard.elementwise gelu
  %3 = mansard.elementwise gelu %x : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  // CHECK: mansard.elementwise copy %{{.*}} -> tensor<4x64xf32>
  %4 = mansard.elementwise copy %x : (tensor<4x64xbf16>) -> tensor<4x64xf32>
  return
}

// CHECK-LABEL: @others
func.func @others(%x: tensor<4x64xbf16>) {
  // CHECK: mansard.quantize "q" %{{.*}} scaling token : (tensor<4x64xbf16>) -> tensor<4x64xf8E4M3FN>
  %0 = mansard.quantize "q" %x scaling token : (tensor<4x64xbf16>) -> tensor<4x64xf8E4M3FN>
  // CHECK: mansard.topk %{{.*}} {groups = 8 : i64, k = 6 : i64, kept = 4 : i64} : (tensor<4x64xbf16>) -> tensor<4x6xi32>
  %1 = mansard.topk %x {groups = 8 : i64, k = 6 : i64, kept = 4 : i64} : (tensor<4x64xbf16>) -> tensor<4x6xi32>
  return
}
