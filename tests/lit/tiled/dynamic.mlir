// Rows that only the command line gives.
// RUN: mansard-opt %s --mansard-import-linalg="arg-shape=0=1000x4096 arg-shape=2=1000x4096" | FileCheck %s
// RUN: not mansard-opt %s --mansard-import-linalg 2>&1 | FileCheck %s --check-prefix=OPEN

// CHECK-LABEL: @dynamic
// CHECK-NEXT: mansard.matmul {{.*}} tile <m = 128, n = 256, k = 64, split_k = 1> : (tensor<1000x4096xbf16>
// CHECK-NEXT: return
// OPEN: error:
#map = affine_map<()[s0] -> (s0 ceildiv 128)>
#map1 = affine_map<(d0)[s0] -> (d0 * -128 + s0, 128)>
#map2 = affine_map<(d0) -> (d0 * 128)>
#map3 = affine_map<(d0) -> (d0 * 256)>
func.func @dynamic(%arg0: tensor<?x4096xbf16>, %arg1: tensor<4096x4096xbf16>, %arg2: tensor<?x4096xf32>) -> tensor<?x4096xf32> {
  %c64 = arith.constant 64 : index
  %c4096 = arith.constant 4096 : index
  %c0 = arith.constant 0 : index
  %dim = tensor.dim %arg0, %c0 : tensor<?x4096xbf16>
  %0 = affine.apply #map()[%dim]
  %1 = scf.forall (%arg3, %arg4) in (%0, 16) shared_outs(%arg5 = %arg2) -> (tensor<?x4096xf32>) {
    %2 = affine.min #map1(%arg3)[%dim]
    %3 = affine.apply #map2(%arg3)
    %4 = affine.apply #map3(%arg4)
    %extracted_slice = tensor.extract_slice %arg0[%3, 0] [%2, 4096] [1, 1] : tensor<?x4096xbf16> to tensor<?x4096xbf16>
    %extracted_slice_0 = tensor.extract_slice %arg1[0, %4] [4096, 256] [1, 1] : tensor<4096x4096xbf16> to tensor<4096x256xbf16>
    %extracted_slice_1 = tensor.extract_slice %arg5[%3, %4] [%2, 256] [1, 1] : tensor<?x4096xf32> to tensor<?x256xf32>
    %5 = scf.for %arg6 = %c0 to %c4096 step %c64 iter_args(%arg7 = %extracted_slice_1) -> (tensor<?x256xf32>) {
      %extracted_slice_2 = tensor.extract_slice %extracted_slice[0, %arg6] [%2, 64] [1, 1] : tensor<?x4096xbf16> to tensor<?x64xbf16>
      %extracted_slice_3 = tensor.extract_slice %extracted_slice_0[%arg6, 0] [64, 256] [1, 1] : tensor<4096x256xbf16> to tensor<64x256xbf16>
      %extracted_slice_4 = tensor.extract_slice %arg7[0, 0] [%2, 256] [1, 1] : tensor<?x256xf32> to tensor<?x256xf32>
      %6 = linalg.matmul ins(%extracted_slice_2, %extracted_slice_3 : tensor<?x64xbf16>, tensor<64x256xbf16>) outs(%extracted_slice_4 : tensor<?x256xf32>) -> tensor<?x256xf32>
      %inserted_slice = tensor.insert_slice %6 into %arg7[0, 0] [%2, 256] [1, 1] : tensor<?x256xf32> into tensor<?x256xf32>
      scf.yield %inserted_slice : tensor<?x256xf32>
    }
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %5 into %arg5[%3, %4] [%2, 256] [1, 1] : tensor<?x256xf32> into tensor<?x4096xf32>
    }
  }
  return %1 : tensor<?x4096xf32>
}
