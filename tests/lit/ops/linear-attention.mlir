// RUN: mansard-opt %s | mansard-opt | FileCheck %s

// CHECK-LABEL: @selected
func.func @selected(%q: tensor<6x96xbf16>, %l: tensor<4x6x32xbf16>, %cache: tensor<2x64x40xbf16>, %iq: tensor<6x32xf8E4M3FN>, %w: tensor<6x2xbf16>, %keys: tensor<2x64x16xf8E4M3FN>) {
  // CHECK: mansard.index "select" %{{.*}}, %{{.*}}, %{{.*}} {head_dim = 16 : i64, index_heads = 2 : i64, k = 8 : i64} : {{.*}} -> tensor<6x8xi32>
  %0 = mansard.index "select" %iq, %w, %keys {head_dim = 16 : i64, index_heads = 2 : i64, k = 8 : i64} : (tensor<6x32xf8E4M3FN>, tensor<6x2xbf16>, tensor<2x64x16xf8E4M3FN>) -> tensor<6x8xi32>
  // CHECK: mansard.mla absorbed %{{.*}}, %{{.*}}, %{{.*}} selected %{{.*}} {heads = 4 : i64
  %1 = mansard.mla absorbed %q, %l, %cache selected %0 {heads = 4 : i64, latent_dim = 32 : i64, nope_dim = 16 : i64, rope_dim = 8 : i64, value_dim = 16 : i64} : (tensor<6x96xbf16>, tensor<4x6x32xbf16>, tensor<2x64x40xbf16>, tensor<6x8xi32>) -> tensor<4x6x32xbf16>
  return
}

// CHECK-LABEL: @delta_rule
func.func @delta_rule(%x: tensor<8x96xbf16>, %decay: tensor<8x8xbf16>, %state: tensor<2x8x32xf32>, %window: tensor<2x3x64xbf16>) {
  %norm = mansard.weight "norm" replicated : tensor<8xbf16>
  // CHECK: mansard.delta_rule prefill "attend" %{{.*}}, %{{.*}} state %{{.*}}, %{{.*}} parameters %{{.*}} {head_dim = 8 : i64, heads = 4 : i64, kv_heads = 2 : i64} : {{.*}} -> tensor<8x32xbf16>
  %0 = mansard.delta_rule prefill "attend" %x, %decay state %state, %window parameters %norm {head_dim = 8 : i64, heads = 4 : i64, kv_heads = 2 : i64} : (tensor<8x96xbf16>, tensor<8x8xbf16>, tensor<2x8x32xf32>, tensor<2x3x64xbf16>, tensor<8xbf16>) -> tensor<8x32xbf16>
  // CHECK: mansard.delta_rule decode %{{.*}}, %{{.*}} state %{{.*}}, %{{.*}} {head_dim
  %1 = mansard.delta_rule decode %x, %decay state %state, %window {head_dim = 8 : i64, heads = 4 : i64, kv_heads = 2 : i64} : (tensor<8x96xbf16>, tensor<8x8xbf16>, tensor<2x8x32xf32>, tensor<2x3x64xbf16>) -> tensor<8x32xbf16>
  return
}

// CHECK-LABEL: @gated
func.func @gated(%qkv: tensor<8x192xbf16>, %cache: tensor<2x64x64xbf16>) {
  // CHECK: mansard.attention prefill %{{.*}}, %{{.*}} {causal, gated, head_dim = 16 : i64
  %0 = mansard.attention prefill %qkv, %cache {causal, gated, head_dim = 16 : i64, heads = 4 : i64, kv_heads = 2 : i64, kv_len = 4 : i64} : (tensor<8x192xbf16>, tensor<2x64x64xbf16>) -> tensor<8x64xbf16>
  return
}
