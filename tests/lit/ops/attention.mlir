// RUN: mansard-opt %s | mansard-opt | FileCheck %s

// CHECK-LABEL: @attention
func.func @attention(%qkv: tensor<8x128xbf16>, %cache: tensor<2x64x64xbf16>) {
  %sinks = mansard.weight "sinks" heads : tensor<4xbf16>
  // CHECK: mansard.attention prefill "attend" %{{.*}}, %{{.*}} {causal, head_dim = 16 : i64, heads = 4 : i64, kv_heads = 2 : i64, kv_len = 4 : i64} : {{.*}} -> tensor<8x64xbf16>
  %0 = mansard.attention prefill "attend" %qkv, %cache {causal, head_dim = 16 : i64, heads = 4 : i64, kv_heads = 2 : i64, kv_len = 4 : i64} : (tensor<8x128xbf16>, tensor<2x64x64xbf16>) -> tensor<8x64xbf16>
  // CHECK: mansard.attention decode %{{.*}}, %{{.*}} sinks %{{.*}} {head_dim = 16 : i64, heads = 4 : i64, kv_heads = 2 : i64, kv_len = 500 : i64, window = 64 : i64}
  %1 = mansard.attention decode %qkv, %cache sinks %sinks {head_dim = 16 : i64, heads = 4 : i64, kv_heads = 2 : i64, kv_len = 500 : i64, window = 64 : i64} : (tensor<8x128xbf16>, tensor<2x64x64xbf16>, tensor<4xbf16>) -> tensor<8x64xbf16>
  return
}

// CHECK-LABEL: @narrow_values_in_chunks
func.func @narrow_values_in_chunks(%qkv: tensor<8x144xbf16>, %cache: tensor<2x64x48xbf16>) {
  // CHECK: mansard.attention prefill %{{.*}}, %{{.*}} {causal, chunk = 3 : i64, head_dim = 16 : i64, heads = 6 : i64, kv_heads = 2 : i64, kv_len = 4 : i64, value_dim = 8 : i64} : {{.*}} -> tensor<8x48xbf16>
  %0 = mansard.attention prefill %qkv, %cache {causal, chunk = 3 : i64, head_dim = 16 : i64, heads = 6 : i64, kv_heads = 2 : i64, kv_len = 4 : i64, value_dim = 8 : i64} : (tensor<8x144xbf16>, tensor<2x64x48xbf16>) -> tensor<8x48xbf16>
  return
}

// CHECK-LABEL: @mla
func.func @mla(%q: tensor<6x96xbf16>, %kv: tensor<6x128xbf16>, %l: tensor<4x6x32xbf16>, %cache: tensor<2x64x40xbf16>) {
  // CHECK: mansard.mla "attend" %{{.*}}, %{{.*}}, %{{.*}} {heads = 4 : i64, latent_dim = 32 : i64, nope_dim = 16 : i64, rope_dim = 8 : i64, value_dim = 16 : i64} : {{.*}} -> tensor<6x64xbf16>
  %0 = mansard.mla "attend" %q, %kv, %cache {heads = 4 : i64, latent_dim = 32 : i64, nope_dim = 16 : i64, rope_dim = 8 : i64, value_dim = 16 : i64} : (tensor<6x96xbf16>, tensor<6x128xbf16>, tensor<2x64x40xbf16>) -> tensor<6x64xbf16>
  // CHECK: mansard.mla absorbed %{{.*}}, %{{.*}}, %{{.*}} {{.*}} -> tensor<4x6x32xbf16>
  %1 = mansard.mla absorbed %q, %l, %cache {heads = 4 : i64, latent_dim = 32 : i64, nope_dim = 16 : i64, rope_dim = 8 : i64, value_dim = 16 : i64} : (tensor<6x96xbf16>, tensor<4x6x32xbf16>, tensor<2x64x40xbf16>) -> tensor<4x6x32xbf16>
  return
}

// CHECK-LABEL: @rope
func.func @rope(%qkv: tensor<8x128xbf16>, %k: tensor<8x40xbf16>, %cache: tensor<2x64x40xbf16>) {
  // CHECK: mansard.rope "rope" %{{.*}} {head_dim = 16 : i64, heads = array<i64: 4, 2>, rope_dim = 16 : i64} : (tensor<8x128xbf16>) -> tensor<8x128xbf16>
  %0 = mansard.rope "rope" %qkv {head_dim = 16 : i64, heads = array<i64: 4, 2>, rope_dim = 16 : i64} : (tensor<8x128xbf16>) -> tensor<8x128xbf16>
  // CHECK: mansard.rope %{{.*}} key %{{.*}} cache %{{.*}} {{.*}} -> (tensor<8x128xbf16>, tensor<8x40xbf16>, tensor<2x64x40xbf16>)
  %1:3 = mansard.rope %qkv key %k cache %cache {head_dim = 32 : i64, heads = array<i64: 4>, rope_dim = 8 : i64} : (tensor<8x128xbf16>, tensor<8x40xbf16>, tensor<2x64x40xbf16>) -> (tensor<8x128xbf16>, tensor<8x40xbf16>, tensor<2x64x40xbf16>)
  return
}
