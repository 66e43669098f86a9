// RUN: mansard-opt %s | mansard-opt | FileCheck %s

#local = #mansard.experts<tokens = 16, topk = 2, experts = 8, ep = 1, tp = 2>
#group = #mansard.experts<tokens = 16, topk = 2, experts = 8, ep = 4, tp = 1>

// CHECK-LABEL: @moe
func.func @moe(%x: tensor<16x64xbf16>, %choices: tensor<16x2xi32>) {
  %up = mansard.weight "up" expert_column : tensor<8x64x32x!mansard.mxfp4>
  %down = mansard.weight "down" expert_row : tensor<8x16x64x!mansard.mxfp4>
  %b = mansard.weight "b" expert_column : tensor<8x32xbf16>
  // CHECK: mansard.moe "experts" gated %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} biases %{{.*}} scaling group {experts = #mansard.experts<tokens = 16, topk = 2, experts = 8, ep = 1, tp = 2>} : {{.*}} -> tensor<16x64xbf16>
  %0 = mansard.moe "experts" gated %x, %choices, %up, %down biases %b scaling group {experts = #local} : (tensor<16x64xbf16>, tensor<16x2xi32>, tensor<8x64x32x!mansard.mxfp4>, tensor<8x16x64x!mansard.mxfp4>, tensor<8x32xbf16>) -> tensor<16x64xbf16>
  return
}

// CHECK-LABEL: @exchange
func.func @exchange(%x: tensor<4x64xf8E4M3FN>, %choices: tensor<4x2xi32>, %y: tensor<8x64xbf16>) {
  // CHECK: mansard.dispatch low_latency "dispatch" %{{.*}}, %{{.*}} scaling block {experts = #mansard.experts<tokens = 16, topk = 2, experts = 8, ep = 4, tp = 1>, node_limit = 4 : i64} : {{.*}} -> (tensor<8x64xf8E4M3FN>, tensor<8x1xi32>)
  %0:2 = mansard.dispatch low_latency "dispatch" %x, %choices scaling block {experts = #group, node_limit = 4 : i64} : (tensor<4x64xf8E4M3FN>, tensor<4x2xi32>) -> (tensor<8x64xf8E4M3FN>, tensor<8x1xi32>)
  // CHECK: mansard.combine normal %{{.*}}, %{{.*}} {experts = #mansard.experts<tokens = 16, topk = 2, experts = 8, ep = 4, tp = 1>} : (tensor<8x64xbf16>, tensor<4x2xi32>) -> tensor<4x64xbf16>
  %1 = mansard.combine normal %y, %choices {experts = #group} : (tensor<8x64xbf16>, tensor<4x2xi32>) -> tensor<4x64xbf16>
  return
}

// CHECK-LABEL: @collective
func.func @collective(%x: tensor<6x64xbf16>, %y: tensor<2x64xbf16>) {
  // CHECK: mansard.collective all_reduce "sum" %{{.*}} over 4 : (tensor<6x64xbf16>) -> tensor<6x64xbf16>
  %0 = mansard.collective all_reduce "sum" %x over 4 : (tensor<6x64xbf16>) -> tensor<6x64xbf16>
  // CHECK: mansard.collective reduce_scatter %{{.*}} over 4 : (tensor<6x64xbf16>) -> tensor<2x64xbf16>
  %1 = mansard.collective reduce_scatter %x over 4 : (tensor<6x64xbf16>) -> tensor<2x64xbf16>
  // CHECK: mansard.collective all_gather %{{.*}} over 4 : (tensor<2x64xbf16>) -> tensor<6x64xbf16>
  %2 = mansard.collective all_gather %1 over 4 : (tensor<2x64xbf16>) -> tensor<6x64xbf16>
  // CHECK: mansard.collective all_gather %{{.*}} over 4 {dim = 1 : i64} : (tensor<2x64xbf16>) -> tensor<2x256xbf16>
  %3 = mansard.collective all_gather %y over 4 {dim = 1 : i64} : (tensor<2x64xbf16>) -> tensor<2x256xbf16>
  // CHECK: mansard.collective alltoall %{{.*}} over 4
  %4 = mansard.collective alltoall %x over 4 : (tensor<6x64xbf16>) -> tensor<6x64xbf16>
  // CHECK: mansard.collective send %{{.*}} over 2
  %5 = mansard.collective send %x over 2 : (tensor<6x64xbf16>) -> tensor<6x64xbf16>
  return
}
