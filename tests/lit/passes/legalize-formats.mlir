// RUN: mansard-opt %s --mansard-legalize="native=bf16,fp8" 2>&1 | FileCheck %s

// Block-scaled formats do not fall to FP8: their scales are of fewer elements than its units take.
// CHECK-DAG: remark: the target has no nvfp4 matrix unit
// CHECK-DAG: remark: the target has no mxfp8 matrix unit
// CHECK: %[[N:.*]], %{{.*}} = mansard.norm rmsnorm %arg0 residual %arg1 : {{.*}} -> (tensor<4x64xbf16>, tensor<4x64xbf16>)
// CHECK: mansard.matmul "a" %[[N]], %{{.*}} scaling group : (tensor<4x64xbf16>, tensor<64x64x!mansard.nvfp4>) -> tensor<4x64xbf16>
// CHECK: mansard.matmul "b" %{{.*}}, %{{.*}} scaling group : (tensor<4x64xbf16>, tensor<64x64x!mansard.mxfp8>)
func.func @step(%x: tensor<4x64xbf16>, %r: tensor<4x64xbf16>) {
  %n:2 = mansard.norm rmsnorm %x residual %r scaling group : (tensor<4x64xbf16>, tensor<4x64xbf16>) -> (tensor<4x64x!mansard.nvfp4>, tensor<4x64xbf16>)
  %a = mansard.weight "a" column : tensor<64x64x!mansard.nvfp4>
  %y = mansard.matmul "a" %n#0, %a scaling group : (tensor<4x64x!mansard.nvfp4>, tensor<64x64x!mansard.nvfp4>) -> tensor<4x64xbf16>
  %q = mansard.quantize "q" %y scaling group : (tensor<4x64xbf16>) -> tensor<4x64x!mansard.mxfp8>
  %b = mansard.weight "b" column : tensor<64x64x!mansard.mxfp8>
  %z = mansard.matmul "b" %q, %b scaling group : (tensor<4x64x!mansard.mxfp8>, tensor<64x64x!mansard.mxfp8>) -> tensor<4x64xbf16>
  return
}
