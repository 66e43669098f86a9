// RUN: mansard-opt %s --mansard-shard="tp=4" | FileCheck %s --check-prefix=TP
// RUN: mansard-opt %s --mansard-shard="dp=3" | FileCheck %s --check-prefix=DP
// RUN: mansard-opt %s --mansard-shard="pp=3" | FileCheck %s --check-prefix=PP
// RUN: mansard-opt %s --mansard-shard="tp=8" | FileCheck %s --check-prefix=COPIES

// The words are cut and their rows summed; heads and widths are cut and their products summed; the
// logits are gathered.
// TP-LABEL: func.func @step(%arg0: tensor<8xi32>)
// TP-SAME:  mansard.devices = 4 : i64
// TP:       mansard.weight "embed" vocab : tensor<25x64xbf16>
// TP:       mansard.gather "embed"
// TP-NEXT:  mansard.collective all_reduce "embed.all_reduce" %{{.*}} over 4 : (tensor<8x64xbf16>)
// TP:       mansard.repeat 6
// TP:       mansard.weight "attention.qkv" column parts [2, 1, 1] : tensor<64x64xbf16>
// TP:       mansard.kv_cache "attention" heads 1 : tensor<8x32x32xbf16>
// TP:       mansard.attention decode {{.*}} heads = 2 : i64, kv_heads = 1 : i64{{.*}} -> tensor<8x32xbf16>
// TP:       mansard.weight "attention.o" row : tensor<32x64xbf16>
// TP:       %[[O:.*]] = mansard.matmul "attention.o"
// TP-NEXT:  mansard.collective all_reduce "attention.all_reduce" %[[O]] over 4
// TP-NEXT:  mansard.elementwise add
// TP:       mansard.weight "head" vocab : tensor<25x64xbf16>
// TP:       mansard.matmul "head" {{.*}} -> tensor<8x25xbf16>
// TP-NEXT:  mansard.collective all_gather "head.all_gather" %{{.*}} over 4 {dim = 1 : i64} : (tensor<8x25xbf16>) -> tensor<8x100xbf16>

// Of eight sequences the busiest of three replicas has three. No collective.
// DP-LABEL: func.func @step(%arg0: tensor<3xi32>) -> tensor<3x100xbf16>
// DP-SAME:  mansard.devices = 3 : i64{{.*}}mansard.sequences = 3 : i64
// DP-NOT:   mansard.collective
// DP:       mansard.kv_cache "attention" heads 2 : tensor<3x32x64xbf16>

// A micro-batch, and two sends between three stages.
// PP-LABEL: func.func @step(%arg0: tensor<3xi32>)
// PP-SAME:  mansard.stages = 3 : i64
// PP:       %[[L:.*]] = mansard.repeat 6
// PP:       %[[S:.*]] = mansard.repeat 2 (%[[X:.*]] = %[[L]])
// PP-NEXT:  mansard.collective send "pipeline.send" %[[X]] over 3
// PP:       mansard.view transpose
// PP:       mansard.matmul "head" %[[S]]

// Eight devices share two key-value heads: each is held by four of them.
// COPIES:   mansard.weight "attention.qkv" column parts [1, 1, 1] : tensor<64x48xbf16>
// COPIES:   mansard.kv_cache "attention" heads 1
func.func @step(%words: tensor<8xi32>) -> tensor<8x100xbf16> attributes {mansard.sequences = 8 : i64} {
  %table = mansard.weight "embed" vocab : tensor<100x64xbf16>
  %x0 = mansard.gather "embed" %table, %words : (tensor<100x64xbf16>, tensor<8xi32>) -> tensor<8x64xbf16>
  %r = mansard.repeat 6 (%x = %x0) : tensor<8x64xbf16> attributes {mansard.layers = 1 : i64} {
    %qkv_w = mansard.weight "attention.qkv" column parts [8, 2, 2] : tensor<64x192xbf16>
    %qkv = mansard.matmul "attention.qkv" %x, %qkv_w : (tensor<8x64xbf16>, tensor<64x192xbf16>) -> tensor<8x192xbf16>
    %turned = mansard.rope "attention.rope" %qkv {head_dim = 16 : i64, heads = array<i64: 8, 2>, rope_dim = 16 : i64} : (tensor<8x192xbf16>) -> tensor<8x192xbf16>
    %cache = mansard.kv_cache "attention" heads 2 : tensor<8x32x64xbf16>
    %o = mansard.attention decode "attention" %turned, %cache {head_dim = 16 : i64, heads = 8 : i64, kv_heads = 2 : i64, kv_len = 32 : i64} : (tensor<8x192xbf16>, tensor<8x32x64xbf16>) -> tensor<8x128xbf16>
    %o_w = mansard.weight "attention.o" row : tensor<128x64xbf16>
    %y = mansard.matmul "attention.o" %o, %o_w : (tensor<8x128xbf16>, tensor<128x64xbf16>) -> tensor<8x64xbf16>
    %z = mansard.elementwise add %x, %y : (tensor<8x64xbf16>, tensor<8x64xbf16>) -> tensor<8x64xbf16>
    mansard.yield %z : tensor<8x64xbf16>
  }
  %head = mansard.weight "head" vocab : tensor<100x64xbf16>
  %head_t = mansard.view transpose %head : (tensor<100x64xbf16>) -> tensor<64x100xbf16>
  %logits = mansard.matmul "head" %r, %head_t : (tensor<8x64xbf16>, tensor<64x100xbf16>) -> tensor<8x100xbf16>
  return %logits : tensor<8x100xbf16>
}
