// RUN: mansard-opt %s --split-input-file --mansard-shard="cp=2" | FileCheck %s

// Each device has four of the eight tokens of both prompts, two early and two late ones, and the
// keys and values of all.
// CHECK-LABEL: @prefill(%arg0: tensor<8x192xbf16>
// CHECK:      %[[C:.*]] = mansard.kv_cache "attention" heads 2 : tensor<2x4x64xbf16>
// CHECK:      %[[W:.*]] = mansard.scatter "attention.kv_write" %arg0 into %[[C]]
// CHECK-NEXT: %[[K:.*]] = mansard.collective all_gather "attention.kv_gather" %[[W]] over 2 {dim = 1 : i64} : (tensor<2x4x64xbf16>) -> tensor<2x8x64xbf16>
// CHECK:      %[[A:.*]] = mansard.attention prefill {{.*}} %[[K]] {{.*}} kv_len = 2 : i64} : (tensor<4x192xbf16>, {{.*}} -> tensor<4x128xbf16>
// CHECK:      %[[B:.*]] = mansard.attention prefill {{.*}} %[[K]] {{.*}} kv_len = 8 : i64} : (tensor<4x192xbf16>, {{.*}} -> tensor<4x128xbf16>
// CHECK-NEXT: mansard.view concat %[[A]], %[[B]] : {{.*}} -> tensor<8x128xbf16>
func.func @prefill(%qkv: tensor<16x192xbf16>) -> tensor<16x128xbf16> attributes {mansard.sequences = 2 : i64, mansard.phase = "prefill"} {
  %cache = mansard.kv_cache "attention" heads 2 : tensor<2x8x64xbf16>
  %written = mansard.scatter "attention.kv_write" %qkv into %cache : (tensor<16x192xbf16>, tensor<2x8x64xbf16>) -> tensor<2x8x64xbf16>
  %o = mansard.attention prefill "attention.attend" %qkv, %written {causal, head_dim = 16 : i64, heads = 8 : i64, kv_heads = 2 : i64, kv_len = 8 : i64} : (tensor<16x192xbf16>, tensor<2x8x64xbf16>) -> tensor<16x128xbf16>
  return %o : tensor<16x128xbf16>
}

// -----

// Each device has two of the four tokens and half of all positions: queries are gathered, partial
// results weighed and added up where their tokens are. The new keys are written where they belong.
// CHECK-LABEL: @decode(%arg0: tensor<2x192xbf16>
// CHECK:      %[[R:.*]] = mansard.rope "attention.rope" %arg0
// CHECK-NEXT: %[[Q:.*]] = mansard.collective all_gather "attention.query_gather" %[[R]] over 2 : (tensor<2x192xbf16>) -> tensor<4x192xbf16>
// CHECK:      %[[C:.*]] = mansard.kv_cache "attention" heads 2 : tensor<4x16x64xbf16>
// CHECK:      %[[W:.*]] = mansard.scatter "attention.kv_write" %[[R]] into %[[C]]
// CHECK:      %[[P:.*]] = mansard.attention decode "attention.attend" %[[Q]], %[[W]] {{.*}} kv_len = 16 : i64, window = 4 : i64}
// CHECK:      mansard.collective all_gather "attention.lse_gather" %{{.*}} over 2 : (tensor<4x8xf32>) -> tensor<8x8xf32>
// CHECK-NEXT: %[[E:.*]] = mansard.elementwise copy "attention.lse_weigh" %[[P]]
// CHECK-NEXT: %[[S:.*]] = mansard.collective reduce_scatter "attention.context_reduce_scatter" %[[E]] over 2 : (tensor<4x128xbf16>) -> tensor<2x128xbf16>
// CHECK-NEXT: return %[[S]]
func.func @decode(%qkv: tensor<4x192xbf16>) -> tensor<4x128xbf16> attributes {mansard.sequences = 4 : i64, mansard.phase = "decode"} {
  %turned = mansard.rope "attention.rope" %qkv {head_dim = 16 : i64, heads = array<i64: 8, 2>, rope_dim = 16 : i64} : (tensor<4x192xbf16>) -> tensor<4x192xbf16>
  %cache = mansard.kv_cache "attention" heads 2 : tensor<4x32x64xbf16>
  %written = mansard.scatter "attention.kv_write" %turned into %cache : (tensor<4x192xbf16>, tensor<4x32x64xbf16>) -> tensor<4x32x64xbf16>
  %o = mansard.attention decode "attention.attend" %turned, %written {causal, head_dim = 16 : i64, heads = 8 : i64, kv_heads = 2 : i64, kv_len = 32 : i64, window = 8 : i64} : (tensor<4x192xbf16>, tensor<4x32x64xbf16>) -> tensor<4x128xbf16>
  return %o : tensor<4x128xbf16>
}

// -----

// A device expands the latents of all positions, which it reads from the gathered cache.
// CHECK-LABEL: @latent
// CHECK:      %[[K:.*]] = mansard.collective all_gather "mla.kv_gather" %{{.*}} over 2 {dim = 1 : i64} : (tensor<2x4x40xbf16>) -> tensor<2x8x40xbf16>
// CHECK:      %[[L:.*]] = mansard.gather "mla.kv_read" %[[K]] : (tensor<2x8x40xbf16>) -> tensor<16x32xbf16>
// CHECK:      %[[X:.*]] = mansard.matmul "mla.kv_b_proj" %[[L]], {{.*}} -> tensor<16x128xbf16>
// CHECK:      mansard.mla "mla.attend" {{.*}} : (tensor<4x96xbf16>, tensor<4x128xbf16>, tensor<2x2x40xbf16>) -> tensor<4x64xbf16>
// CHECK:      mansard.mla "mla.attend" {{.*}} %[[X]], %[[K]] {{.*}} : (tensor<4x96xbf16>, tensor<16x128xbf16>, tensor<2x8x40xbf16>) -> tensor<4x64xbf16>
func.func @latent(%q: tensor<16x96xbf16>, %kv: tensor<16x40xbf16>) -> tensor<16x64xbf16> attributes {mansard.sequences = 2 : i64, mansard.phase = "prefill"} {
  %cache = mansard.kv_cache "mla" heads 1 : tensor<2x8x40xbf16>
  %written = mansard.scatter "mla.kv_write" %kv into %cache : (tensor<16x40xbf16>, tensor<2x8x40xbf16>) -> tensor<2x8x40xbf16>
  %latent = mansard.view columns %kv : (tensor<16x40xbf16>) -> tensor<16x32xbf16>
  %w = mansard.weight "mla.kv_b_proj" column : tensor<32x128xbf16>
  %x = mansard.matmul "mla.kv_b_proj" %latent, %w : (tensor<16x32xbf16>, tensor<32x128xbf16>) -> tensor<16x128xbf16>
  %o = mansard.mla "mla.attend" %q, %x, %written {heads = 4 : i64, latent_dim = 32 : i64, rope_dim = 8 : i64, nope_dim = 16 : i64, value_dim = 16 : i64} : (tensor<16x96xbf16>, tensor<16x128xbf16>, tensor<2x8x40xbf16>) -> tensor<16x64xbf16>
  return %o : tensor<16x64xbf16>
}
