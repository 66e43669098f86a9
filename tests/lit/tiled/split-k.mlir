// tile_reduction_using_forall: parts of the inner dimension have sums of their own, added up behind.
// RUN: mansard-opt %s --mansard-import-linalg | FileCheck %s
// RUN: mansard-opt %s --mansard-import-linalg --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=PROGRAM

// CHECK-LABEL: @splitk
// CHECK-NOT: mansard.custom
// CHECK: mansard.matmul {{.*}} residual %arg2 tile <m = 128, n = 256, k = 0, split_k = 8> : (tensor<128x16384xf32>, tensor<16384x256xf32>, tensor<128x256xf32>) -> tensor<128x256xf32>
// CHECK-NEXT: return
// PROGRAM: 1 x {{.*}}: gemm fp32 128x256x16384 tile 128x256 split 8
// PROGRAM-NEXT: 1 kernels, 1 steps
#map = affine_map<(d0) -> (d0 * 2048)>
func.func @splitk(%arg0: tensor<128x16384xf32>, %arg1: tensor<16384x256xf32>, %arg2: tensor<128x256xf32>) -> tensor<128x256xf32> {
  %cst = arith.constant 0.000000e+00 : f32
  %0 = tensor.empty() : tensor<128x256x8xf32>
  %1 = linalg.fill ins(%cst : f32) outs(%0 : tensor<128x256x8xf32>) -> tensor<128x256x8xf32>
  %2 = scf.forall (%arg3) in (8) shared_outs(%arg4 = %1) -> (tensor<128x256x8xf32>) {
    %extracted_slice = tensor.extract_slice %arg4[0, 0, %arg3] [128, 256, 1] [1, 1, 1] : tensor<128x256x8xf32> to tensor<128x256xf32>
    %3 = affine.apply #map(%arg3)
    %extracted_slice_0 = tensor.extract_slice %arg0[0, %3] [128, 2048] [1, 1] : tensor<128x16384xf32> to tensor<128x2048xf32>
    %extracted_slice_1 = tensor.extract_slice %arg1[%3, 0] [2048, 256] [1, 1] : tensor<16384x256xf32> to tensor<2048x256xf32>
    %4 = linalg.matmul ins(%extracted_slice_0, %extracted_slice_1 : tensor<128x2048xf32>, tensor<2048x256xf32>) outs(%extracted_slice : tensor<128x256xf32>) -> tensor<128x256xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %4 into %arg4[0, 0, %arg3] [128, 256, 1] [1, 1, 1] : tensor<128x256xf32> into tensor<128x256x8xf32>
    }
  }
  %reduced = linalg.reduce ins(%2 : tensor<128x256x8xf32>) outs(%arg2 : tensor<128x256xf32>) dimensions = [2] 
    (%in: f32, %init: f32) {
      %3 = arith.addf %in, %init : f32
      linalg.yield %3 : f32
    }
  return %reduced : tensor<128x256xf32>
}
