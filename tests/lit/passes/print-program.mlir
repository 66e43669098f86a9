// RUN: mansard-opt %s --mansard-print-program -o /dev/null | FileCheck %s

// CHECK: 6 x proj: gemm bf16 4x64x64
// CHECK-NEXT: 6 x act: gelu bf16 4x64 [overlap 1 lane 0]
// CHECK-NEXT: 6 x sum: all_reduce 2 ranks 512 bytes [overlap 1 lane 1]
// CHECK-NEXT: 1 x norm: add bf16 4x64
// CHECK-NEXT: 1 x norm: layernorm bf16 4x64
// CHECK-NEXT: 5 kernels, 5 steps
// CHECK-NEXT: weights 49152 B, cache 0 B
// CHECK-NEXT: 4 tokens on 2 devices
// CHECK-NEXT: note: of interest
func.func @step(%x0: tensor<4x64xbf16>) attributes {mansard.tokens = 4.0 : f64, mansard.devices = 2 : i64, mansard.notes = ["of interest"]} {
  %r = mansard.repeat 6 (%x = %x0) : tensor<4x64xbf16> {
    %w = mansard.weight "proj" replicated : tensor<64x64xbf16>
    %y = mansard.matmul "proj" %x, %w : (tensor<4x64xbf16>, tensor<64x64xbf16>) -> tensor<4x64xbf16>
    %z:2 = mansard.overlap -> (tensor<4x64xbf16>, tensor<4x64xbf16>) {
      %1 = mansard.elementwise gelu "act" %y {mansard.lane = 0 : i64} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
      %2 = mansard.collective all_reduce "sum" %y over 2 {mansard.lane = 1 : i64} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
      mansard.yield %1, %2 : tensor<4x64xbf16>, tensor<4x64xbf16>
    }
    mansard.yield %z#0 : tensor<4x64xbf16>
  }
  %n:2 = mansard.norm layernorm "norm" %r residual %x0 : (tensor<4x64xbf16>, tensor<4x64xbf16>) -> (tensor<4x64xbf16>, tensor<4x64xbf16>)
  return
}
