// RUN: mansard-opt %s --mansard-shard="tp=4 sp=true" | FileCheck %s

// Layers hand on a quarter of the rows. What is summed is scattered, what is normalised and
// quantised is gathered, in 8 bits.
// CHECK-LABEL: @step(%arg0: tensor<8xi32>
// CHECK:      mansard.gather "embed"
// CHECK-NEXT: %[[X:.*]] = mansard.collective reduce_scatter "embed.reduce_scatter" %{{.*}} over 4 : (tensor<8x64xbf16>) -> tensor<2x64xbf16>
// CHECK:      %[[L:.*]] = mansard.repeat 6 (%[[Y:.*]] = %[[X]]) : tensor<2x64xbf16>
// CHECK:      mansard.norm rmsnorm "ffn_norm" %[[Y]] {{.*}} -> tensor<2x64xbf16>
// CHECK:      %[[Q:.*]] = mansard.quantize {{.*}} -> tensor<2x64xi8>
// CHECK-NEXT: %[[G:.*]] = mansard.collective all_gather "ffn.all_gather" %[[Q]] over 4 : (tensor<2x64xi8>) -> tensor<8x64xi8>
// CHECK:      mansard.matmul "ffn.up" %[[G]], {{.*}} -> tensor<8x16xbf16>
// CHECK:      %[[D:.*]] = mansard.matmul "ffn.down" {{.*}} -> tensor<8x64xbf16>
// CHECK-NEXT: %[[S:.*]] = mansard.collective reduce_scatter "ffn.reduce_scatter" %[[D]] over 4
// CHECK:      %[[Z:.*]] = mansard.elementwise add %[[Y]], %[[S]] : {{.*}} -> tensor<2x64xbf16>
// CHECK-NEXT: mansard.yield %[[Z]]
// The device that has a last token contributes it.
// CHECK:      %[[T:.*]] = mansard.gather "last_token" %[[L]], {{.*}} -> tensor<2x64xbf16>
// CHECK-NEXT: mansard.collective all_reduce "last_token.all_reduce" %[[T]] over 4
func.func @step(%words: tensor<8xi32>, %last: tensor<2xi32>) -> tensor<2x64xbf16> attributes {mansard.sequences = 2 : i64, mansard.phase = "prefill"} {
  %table = mansard.weight "embed" vocab : tensor<100x64xbf16>
  %x0 = mansard.gather "embed" %table, %words : (tensor<100x64xbf16>, tensor<8xi32>) -> tensor<8x64xbf16>
  %r = mansard.repeat 6 (%x = %x0) : tensor<8x64xbf16> attributes {mansard.layers = 1 : i64} {
    %gain = mansard.weight "ffn_norm" replicated : tensor<64xbf16>
    %n = mansard.norm rmsnorm "ffn_norm" %x weight %gain : (tensor<8x64xbf16>, tensor<64xbf16>) -> tensor<8x64xbf16>
    %q = mansard.quantize "ffn.quantize" %n scaling token : (tensor<8x64xbf16>) -> tensor<8x64xi8>
    %up = mansard.weight "ffn.up" column : tensor<64x64xi8>
    %h = mansard.matmul "ffn.up" %q, %up : (tensor<8x64xi8>, tensor<64x64xi8>) -> tensor<8x64xbf16>
    %down = mansard.weight "ffn.down" row : tensor<64x64xbf16>
    %y = mansard.matmul "ffn.down" %h, %down : (tensor<8x64xbf16>, tensor<64x64xbf16>) -> tensor<8x64xbf16>
    %z = mansard.elementwise add %x, %y : (tensor<8x64xbf16>, tensor<8x64xbf16>) -> tensor<8x64xbf16>
    mansard.yield %z : tensor<8x64xbf16>
  }
  %t = mansard.gather "last_token" %r, %last : (tensor<8x64xbf16>, tensor<2xi32>) -> tensor<2x64xbf16>
  return %t : tensor<2x64xbf16>
}
