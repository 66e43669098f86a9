// RUN: mansard-opt %s | mansard-opt | FileCheck %s

// CHECK-LABEL: @movement
func.func @movement(%words: tensor<4xi32>, %choices: tensor<4x2xi32>, %x: tensor<4x64xbf16>, %cache: tensor<2x16x32xbf16>) {
  %table = mansard.weight "embed" vocab : tensor<100x64xbf16>
  // CHECK: mansard.gather "embed" %{{.*}}, %{{.*}} : (tensor<100x64xbf16>, tensor<4xi32>) -> tensor<4x64xbf16>
  %0 = mansard.gather "embed" %table, %words : (tensor<100x64xbf16>, tensor<4xi32>) -> tensor<4x64xbf16>
  // CHECK: mansard.gather %{{.*}}, %{{.*}} {experts = #mansard.experts<tokens = 4, topk = 2, experts = 8, ep = 2, tp = 1>} : {{.*}} -> tensor<4x64xbf16>
  %1 = mansard.gather %x, %choices {experts = #mansard.experts<tokens = 4, topk = 2, experts = 8, ep = 2, tp = 1>} : (tensor<4x64xbf16>, tensor<4x2xi32>) -> tensor<4x64xbf16>
  // CHECK: mansard.scatter %{{.*}} by %{{.*}} : (tensor<4x64xbf16>, tensor<4x2xi32>) -> tensor<4x64xbf16>
  %2 = mansard.scatter %1 by %choices : (tensor<4x64xbf16>, tensor<4x2xi32>) -> tensor<4x64xbf16>
  // CHECK: mansard.scatter "write" %{{.*}} into %{{.*}} : (tensor<4x64xbf16>, tensor<2x16x32xbf16>) -> tensor<2x16x32xbf16>
  %3 = mansard.scatter "write" %x into %cache : (tensor<4x64xbf16>, tensor<2x16x32xbf16>) -> tensor<2x16x32xbf16>
  // CHECK: mansard.gather "read" %{{.*}} : (tensor<2x16x32xbf16>) -> tensor<32x24xbf16>
  %4 = mansard.gather "read" %cache : (tensor<2x16x32xbf16>) -> tensor<32x24xbf16>
  return
}
