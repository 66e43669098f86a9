// RUN: mansard-opt %s --mansard-shard="tp=2" | FileCheck %s

// What waits to be added up over the devices may first be added to its like, and to a bias, so that
// one all-reduce does for all.
// CHECK-LABEL: @step
// CHECK:      %[[A:.*]] = mansard.matmul "ffn.a"
// CHECK-NOT:  mansard.collective
// CHECK:      mansard.elementwise add "ffn.bias" %[[A]]
// CHECK:      %[[B:.*]] = mansard.matmul "ffn.b"
// CHECK-NOT:  mansard.collective
// CHECK:      %[[S:.*]] = mansard.elementwise add "ffn.sum"
// CHECK-NEXT: mansard.collective all_reduce "ffn.all_reduce" %[[S]] over 2
// CHECK-NEXT: mansard.norm
// CHECK-NOT:  mansard.collective
func.func @step(%x: tensor<4x64xbf16>) -> tensor<4x64xbf16> attributes {mansard.sequences = 4 : i64} {
  %u = mansard.weight "ffn.up" column : tensor<64x64xbf16>
  %h = mansard.matmul "ffn.up" %x, %u : (tensor<4x64xbf16>, tensor<64x64xbf16>) -> tensor<4x64xbf16>
  %a = mansard.weight "ffn.a" row : tensor<64x64xbf16>
  %ya = mansard.matmul "ffn.a" %h, %a : (tensor<4x64xbf16>, tensor<64x64xbf16>) -> tensor<4x64xbf16>
  %bias = mansard.weight "ffn.bias" replicated : tensor<64xbf16>
  %yb = mansard.elementwise add "ffn.bias" %ya, %bias : (tensor<4x64xbf16>, tensor<64xbf16>) -> tensor<4x64xbf16>
  %b = mansard.weight "ffn.b" row : tensor<64x64xbf16>
  %yc = mansard.matmul "ffn.b" %h, %b : (tensor<4x64xbf16>, tensor<64x64xbf16>) -> tensor<4x64xbf16>
  %s = mansard.elementwise add "ffn.sum" %yb, %yc : (tensor<4x64xbf16>, tensor<4x64xbf16>) -> tensor<4x64xbf16>
  %n = mansard.norm rmsnorm %s : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  return %n : tensor<4x64xbf16>
}
