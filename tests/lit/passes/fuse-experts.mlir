// RUN: mansard-opt %s --mansard-fuse | FileCheck %s
// RUN: mansard-opt %s --mansard-fuse="experts=false" | FileCheck %s --check-prefix=OFF

#experts = #mansard.experts<tokens = 8, topk = 2, experts = 4, ep = 1, tp = 1>

// OFF: mansard.gather "moe.permute"
// OFF: mansard.scatter

// CHECK-LABEL: @experts
func.func @experts(%x: tensor<8x64xi8>, %choices: tensor<8x2xi32>) -> tensor<8x64xbf16> {
  // CHECK: %[[M:.*]] = mansard.moe "moe.experts" gated %arg0, %arg1, %{{.*}}, %{{.*}} biases %{{.*}} scaling token {experts = #mansard.experts<tokens = 8, topk = 2, experts = 4, ep = 1, tp = 1>}
  // CHECK-NEXT: return %[[M]]
  %rows = mansard.gather "moe.permute" %x, %choices {experts = #experts} : (tensor<8x64xi8>, tensor<8x2xi32>) -> tensor<16x64xi8>
  %up_w = mansard.weight "up" expert_column : tensor<4x64x64xi8>
  %bias = mansard.weight "bias" expert_column : tensor<4x64xbf16>
  %up = mansard.grouped_matmul %rows, %up_w bias %bias scaling token : (tensor<16x64xi8>, tensor<4x64x64xi8>, tensor<4x64xbf16>) -> tensor<16x64xbf16>
  %active = mansard.elementwise silu_mul %up : (tensor<16x64xbf16>) -> tensor<16x32xbf16>
  %q = mansard.quantize %active scaling token : (tensor<16x32xbf16>) -> tensor<16x32xi8>
  %down_w = mansard.weight "down" expert_row : tensor<4x32x64xi8>
  %down = mansard.grouped_matmul %q, %down_w scaling token : (tensor<16x32xi8>, tensor<4x32x64xi8>) -> tensor<16x64xbf16>
  %y = mansard.scatter %down by %choices : (tensor<16x64xbf16>, tensor<8x2xi32>) -> tensor<8x64xbf16>
  return %y : tensor<8x64xbf16>
}
