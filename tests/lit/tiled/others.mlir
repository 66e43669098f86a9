// Products that are no plain matmul are recognised whole, too.
// RUN: mansard-opt %s --mansard-import-linalg --split-input-file | FileCheck %s

// CHECK-LABEL: @batch
// CHECK-SAME: a batch of products is priced in the schedule that the target's model finds
// CHECK: mansard.grouped_matmul {{.*}} : (tensor<8x1024x64xbf16>, tensor<8x64x1024xbf16>) -> tensor<8x1024x1024xf32>

// The implicit product's rows are images, heights and widths: 1 x 8 x 8 at a time.
// CHECK-LABEL: @conv
// CHECK: mansard.matmul "conv_2d_nhwc_hwcf:{{[0-9]+}}" {{.*}} tile <m = 64, n = 64, k = 0, split_k = 1> : (tensor<25088x576xbf16>, tensor<576x128xbf16>, tensor<25088x128xf32>)
#map = affine_map<(d0) -> (d0 * 128)>
func.func @batch(%arg0: tensor<8x1024x64xbf16>, %arg1: tensor<8x64x1024xbf16>, %arg2: tensor<8x1024x1024xf32>) -> tensor<8x1024x1024xf32> {
  %0 = scf.forall (%arg3, %arg4, %arg5) in (8, 8, 8) shared_outs(%arg6 = %arg2) -> (tensor<8x1024x1024xf32>) {
    %1 = affine.apply #map(%arg4)
    %2 = affine.apply #map(%arg5)
    %extracted_slice = tensor.extract_slice %arg0[%arg3, %1, 0] [1, 128, 64] [1, 1, 1] : tensor<8x1024x64xbf16> to tensor<1x128x64xbf16>
    %extracted_slice_0 = tensor.extract_slice %arg1[%arg3, 0, %2] [1, 64, 128] [1, 1, 1] : tensor<8x64x1024xbf16> to tensor<1x64x128xbf16>
    %extracted_slice_1 = tensor.extract_slice %arg6[%arg3, %1, %2] [1, 128, 128] [1, 1, 1] : tensor<8x1024x1024xf32> to tensor<1x128x128xf32>
    %3 = linalg.batch_matmul ins(%extracted_slice, %extracted_slice_0 : tensor<1x128x64xbf16>, tensor<1x64x128xbf16>) outs(%extracted_slice_1 : tensor<1x128x128xf32>) -> tensor<1x128x128xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %3 into %arg6[%arg3, %1, %2] [1, 128, 128] [1, 1, 1] : tensor<1x128x128xf32> into tensor<8x1024x1024xf32>
    }
  }
  return %0 : tensor<8x1024x1024xf32>
}

// -----

#map = affine_map<(d0) -> (d0 * 8)>
#map1 = affine_map<(d0) -> (d0 * 64)>
func.func @conv(%arg0: tensor<8x58x58x64xbf16>, %arg1: tensor<3x3x64x128xbf16>, %arg2: tensor<8x56x56x128xf32>) -> tensor<8x56x56x128xf32> {
  %0 = scf.forall (%arg3, %arg4, %arg5, %arg6) in (8, 7, 7, 2) shared_outs(%arg7 = %arg2) -> (tensor<8x56x56x128xf32>) {
    %1 = affine.apply #map(%arg4)
    %2 = affine.apply #map(%arg5)
    %3 = affine.apply #map1(%arg6)
    %extracted_slice = tensor.extract_slice %arg0[%arg3, %1, %2, 0] [1, 10, 10, 64] [1, 1, 1, 1] : tensor<8x58x58x64xbf16> to tensor<1x10x10x64xbf16>
    %extracted_slice_0 = tensor.extract_slice %arg1[0, 0, 0, %3] [3, 3, 64, 64] [1, 1, 1, 1] : tensor<3x3x64x128xbf16> to tensor<3x3x64x64xbf16>
    %extracted_slice_1 = tensor.extract_slice %arg7[%arg3, %1, %2, %3] [1, 8, 8, 64] [1, 1, 1, 1] : tensor<8x56x56x128xf32> to tensor<1x8x8x64xf32>
    %4 = linalg.conv_2d_nhwc_hwcf ins(%extracted_slice, %extracted_slice_0 : tensor<1x10x10x64xbf16>, tensor<3x3x64x64xbf16>) outs(%extracted_slice_1 : tensor<1x8x8x64xf32>) -> tensor<1x8x8x64xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %4 into %arg7[%arg3, %1, %2, %3] [1, 8, 8, 64] [1, 1, 1, 1] : tensor<1x8x8x64xf32> into tensor<8x56x56x128xf32>
    }
  }
  return %0 : tensor<8x56x56x128xf32>
}
