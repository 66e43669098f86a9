// RUN: mansard-opt %s --mansard-fuse | FileCheck %s
// RUN: mansard-opt %s --mansard-fuse -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY
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

#spread = #mansard.experts<tokens = 4, topk = 2, experts = 4, ep = 2, tp = 1>

// Rows that an exchange has brought for these experts alone need no kernel that routes.
// CHECK-LABEL: @dispatched
// CHECK: mansard.gather "moe.permute"
// CHECK: mansard.scatter "moe.unpermute"
// WHY: 'moe.unpermute' (scatter) stays a kernel of its own: the exchange
func.func @dispatched(%x: tensor<2x64xbf16>, %choices: tensor<2x2xi32>) -> tensor<2x64xbf16> {
  %sent, %of = mansard.dispatch normal "moe.dispatch" %x, %choices {experts = #spread} : (tensor<2x64xbf16>, tensor<2x2xi32>) -> (tensor<4x64xbf16>, tensor<4x1xi32>)
  %rows = mansard.gather "moe.permute" %sent, %of {experts = #spread} : (tensor<4x64xbf16>, tensor<4x1xi32>) -> tensor<4x64xbf16>
  %up_w = mansard.weight "up" expert_column : tensor<2x64x64xbf16>
  %up = mansard.grouped_matmul %rows, %up_w : (tensor<4x64xbf16>, tensor<2x64x64xbf16>) -> tensor<4x64xbf16>
  %active = mansard.elementwise silu_mul %up : (tensor<4x64xbf16>) -> tensor<4x32xbf16>
  %down_w = mansard.weight "down" expert_row : tensor<2x32x64xbf16>
  %down = mansard.grouped_matmul %active, %down_w : (tensor<4x32xbf16>, tensor<2x32x64xbf16>) -> tensor<4x64xbf16>
  %put = mansard.scatter "moe.unpermute" %down by %of : (tensor<4x64xbf16>, tensor<4x1xi32>) -> tensor<4x64xbf16>
  %y = mansard.combine normal "moe.combine" %put, %choices {experts = #spread} : (tensor<4x64xbf16>, tensor<2x2xi32>) -> tensor<2x64xbf16>
  return %y : tensor<2x64xbf16>
}

// Whole tokens do.
// CHECK-LABEL: @gathered
// CHECK: mansard.moe "moe.experts" gated
// CHECK-NOT: mansard.grouped_matmul
func.func @gathered(%x: tensor<2x64xbf16>, %choices: tensor<2x2xi32>) -> tensor<2x64xbf16> {
  %sent, %of = mansard.dispatch all_gather "moe.dispatch" %x, %choices {experts = #spread} : (tensor<2x64xbf16>, tensor<2x2xi32>) -> (tensor<4x64xbf16>, tensor<4x2xi32>)
  %rows = mansard.gather "moe.permute" %sent, %of {experts = #spread} : (tensor<4x64xbf16>, tensor<4x2xi32>) -> tensor<4x64xbf16>
  %up_w = mansard.weight "up" expert_column : tensor<2x64x64xbf16>
  %up = mansard.grouped_matmul %rows, %up_w : (tensor<4x64xbf16>, tensor<2x64x64xbf16>) -> tensor<4x64xbf16>
  %active = mansard.elementwise silu_mul %up : (tensor<4x64xbf16>) -> tensor<4x32xbf16>
  %down_w = mansard.weight "down" expert_row : tensor<2x32x64xbf16>
  %down = mansard.grouped_matmul %active, %down_w : (tensor<4x32xbf16>, tensor<2x32x64xbf16>) -> tensor<4x64xbf16>
  %put = mansard.scatter "moe.unpermute" %down by %of : (tensor<4x64xbf16>, tensor<4x2xi32>) -> tensor<4x64xbf16>
  %y = mansard.combine all_gather "moe.combine" %put, %choices {experts = #spread} : (tensor<4x64xbf16>, tensor<2x2xi32>) -> tensor<2x64xbf16>
  return %y : tensor<2x64xbf16>
}
