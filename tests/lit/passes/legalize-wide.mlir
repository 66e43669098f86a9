// RUN: mansard-opt %s --mansard-legalize="native=bf16,tf32" 2>&1 | FileCheck %s --check-prefix=TF32
// RUN: mansard-opt %s --mansard-legalize="native=bf16,fp16" 2>&1 | FileCheck %s --check-prefix=BF16
// RUN: mansard-opt %s --mansard-legalize="native=bf16,fp32" 2>&1 | FileCheck %s --check-prefix=FP32

// TF32 reads the same bits; without it, a kernel converts, once for both products. What is not
// multiplied stays as it is.
// TF32: remark: the target has no fp32 matrix unit: fp32 is multiplied as tf32
// TF32: %[[X:.*]] = mansard.view bits %arg0 : (tensor<4x64xf32>) -> tensor<4x64xtf32>
// TF32: mansard.matmul "a" %[[X]], %{{.*}} : (tensor<4x64xtf32>, tensor<64x64xtf32>) -> tensor<4x64xf32>
// TF32: mansard.elementwise add %{{.*}}, %arg0 : (tensor<4x64xf32>, tensor<4x64xf32>) -> tensor<4x64xf32>
// BF16: remark: the target has no fp32 matrix unit: fp32 is converted to bf16 by kernels of their own and multiplied so
// BF16: %[[X:.*]] = mansard.elementwise copy "a.convert" %arg0 : (tensor<4x64xf32>) -> tensor<4x64xbf16>
// BF16: mansard.matmul "a" %[[X]], %{{.*}} : (tensor<4x64xbf16>, tensor<64x64xbf16>) -> tensor<4x64xf32>
// BF16: mansard.matmul "b" %[[X]], %{{.*}} : (tensor<4x64xbf16>, tensor<64x64xbf16>) -> tensor<4x64xf32>
// FP32-NOT: remark
// FP32: mansard.matmul "a" %arg0, %arg1 : (tensor<4x64xf32>, tensor<64x64xf32>)
func.func @step(%x: tensor<4x64xf32>, %w: tensor<64x64xf32>) -> tensor<4x64xf32> {
  %a = mansard.matmul "a" %x, %w : (tensor<4x64xf32>, tensor<64x64xf32>) -> tensor<4x64xf32>
  %b = mansard.matmul "b" %x, %w : (tensor<4x64xf32>, tensor<64x64xf32>) -> tensor<4x64xf32>
  %c = mansard.elementwise add %a, %x : (tensor<4x64xf32>, tensor<4x64xf32>) -> tensor<4x64xf32>
  return %c : tensor<4x64xf32>
}
