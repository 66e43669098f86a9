// What tile_using_forall and tile_using_for make of a product is one kernel of the whole product, in
// the tile that the outermost cuts state. (The inputs are what mlir-opt prints after these passes.)
// RUN: mansard-opt %s --mansard-import-linalg --split-input-file | FileCheck %s
// RUN: mansard-opt %s --mansard-import-linalg --split-input-file | mansard-opt --split-input-file | FileCheck %s

// CHECK-LABEL: @matmul
// CHECK-NEXT: %[[P:.*]] = mansard.matmul "matmul:{{[0-9]+}}" %arg0, %arg1 residual %arg2 tile <m = 128, n = 256, k = 64, split_k = 1> : (tensor<4096x4096xbf16>, tensor<4096x4096xbf16>, tensor<4096x4096xf32>) -> tensor<4096x4096xf32>
// CHECK-NEXT: return %[[P]]

// The last tiles are smaller: affine.min.
// CHECK-LABEL: @tails
// CHECK-NEXT: mansard.matmul {{.*}} tile <m = 100, n = 300, k = 48, split_k = 1> : (tensor<4096x4096xbf16>
// CHECK-NEXT: return

// Sequential loops.
// CHECK-LABEL: @loops
// CHECK-NEXT: mansard.matmul {{.*}} tile <m = 64, n = 64, k = 32, split_k = 1> :
// CHECK-NEXT: return

// Columns are not cut: a core has all of them.
// CHECK-LABEL: @rows
// CHECK-NEXT: mansard.matmul {{.*}} tile <m = 128, n = 4096, k = 64, split_k = 1> :
// CHECK-NEXT: return

// num_threads instead of sizes: affine.max and affine.min.
// CHECK-LABEL: @threads
// CHECK-NEXT: mansard.matmul {{.*}} tile <m = 137, n = 293, k = 64, split_k = 1> :
// CHECK-NEXT: return
#map = affine_map<(d0) -> (d0 * 128)>
#map1 = affine_map<(d0) -> (d0 * 256)>
func.func @matmul(%arg0: tensor<4096x4096xbf16>, %arg1: tensor<4096x4096xbf16>, %arg2: tensor<4096x4096xf32>) -> tensor<4096x4096xf32> {
  %c64 = arith.constant 64 : index
  %c4096 = arith.constant 4096 : index
  %c0 = arith.constant 0 : index
  %0 = scf.forall (%arg3, %arg4) in (32, 16) shared_outs(%arg5 = %arg2) -> (tensor<4096x4096xf32>) {
    %1 = affine.apply #map(%arg3)
    %2 = affine.apply #map1(%arg4)
    %extracted_slice = tensor.extract_slice %arg0[%1, 0] [128, 4096] [1, 1] : tensor<4096x4096xbf16> to tensor<128x4096xbf16>
    %extracted_slice_0 = tensor.extract_slice %arg1[0, %2] [4096, 256] [1, 1] : tensor<4096x4096xbf16> to tensor<4096x256xbf16>
    %extracted_slice_1 = tensor.extract_slice %arg5[%1, %2] [128, 256] [1, 1] : tensor<4096x4096xf32> to tensor<128x256xf32>
    %3 = scf.for %arg6 = %c0 to %c4096 step %c64 iter_args(%arg7 = %extracted_slice_1) -> (tensor<128x256xf32>) {
      %extracted_slice_2 = tensor.extract_slice %extracted_slice[0, %arg6] [128, 64] [1, 1] : tensor<128x4096xbf16> to tensor<128x64xbf16>
      %extracted_slice_3 = tensor.extract_slice %extracted_slice_0[%arg6, 0] [64, 256] [1, 1] : tensor<4096x256xbf16> to tensor<64x256xbf16>
      %4 = linalg.matmul ins(%extracted_slice_2, %extracted_slice_3 : tensor<128x64xbf16>, tensor<64x256xbf16>) outs(%arg7 : tensor<128x256xf32>) -> tensor<128x256xf32>
      scf.yield %4 : tensor<128x256xf32>
    }
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %3 into %arg5[%1, %2] [128, 256] [1, 1] : tensor<128x256xf32> into tensor<4096x4096xf32>
    }
  }
  return %0 : tensor<4096x4096xf32>
}

// -----

#map = affine_map<(d0) -> (d0 * -100 + 4096, 100)>
#map1 = affine_map<(d0) -> (d0 * -300 + 4096, 300)>
#map2 = affine_map<(d0) -> (d0 * 100)>
#map3 = affine_map<(d0) -> (d0 * 300)>
#map4 = affine_map<(d0) -> (-d0 + 4096, 48)>
func.func @tails(%arg0: tensor<4096x4096xbf16>, %arg1: tensor<4096x4096xbf16>, %arg2: tensor<4096x4096xf32>) -> tensor<4096x4096xf32> {
  %c48 = arith.constant 48 : index
  %c4096 = arith.constant 4096 : index
  %c0 = arith.constant 0 : index
  %0 = scf.forall (%arg3, %arg4) in (41, 14) shared_outs(%arg5 = %arg2) -> (tensor<4096x4096xf32>) {
    %1 = affine.min #map(%arg3)
    %2 = affine.min #map1(%arg4)
    %3 = affine.apply #map2(%arg3)
    %4 = affine.apply #map3(%arg4)
    %extracted_slice = tensor.extract_slice %arg0[%3, 0] [%1, 4096] [1, 1] : tensor<4096x4096xbf16> to tensor<?x4096xbf16>
    %extracted_slice_0 = tensor.extract_slice %arg1[0, %4] [4096, %2] [1, 1] : tensor<4096x4096xbf16> to tensor<4096x?xbf16>
    %extracted_slice_1 = tensor.extract_slice %arg5[%3, %4] [%1, %2] [1, 1] : tensor<4096x4096xf32> to tensor<?x?xf32>
    %5 = scf.for %arg6 = %c0 to %c4096 step %c48 iter_args(%arg7 = %extracted_slice_1) -> (tensor<?x?xf32>) {
      %6 = affine.min #map4(%arg6)
      %extracted_slice_2 = tensor.extract_slice %extracted_slice[0, %arg6] [%1, %6] [1, 1] : tensor<?x4096xbf16> to tensor<?x?xbf16>
      %extracted_slice_3 = tensor.extract_slice %extracted_slice_0[%arg6, 0] [%6, %2] [1, 1] : tensor<4096x?xbf16> to tensor<?x?xbf16>
      %extracted_slice_4 = tensor.extract_slice %arg7[0, 0] [%1, %2] [1, 1] : tensor<?x?xf32> to tensor<?x?xf32>
      %7 = linalg.matmul ins(%extracted_slice_2, %extracted_slice_3 : tensor<?x?xbf16>, tensor<?x?xbf16>) outs(%extracted_slice_4 : tensor<?x?xf32>) -> tensor<?x?xf32>
      %inserted_slice = tensor.insert_slice %7 into %arg7[0, 0] [%1, %2] [1, 1] : tensor<?x?xf32> into tensor<?x?xf32>
      scf.yield %inserted_slice : tensor<?x?xf32>
    }
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %5 into %arg5[%3, %4] [%1, %2] [1, 1] : tensor<?x?xf32> into tensor<4096x4096xf32>
    }
  }
  return %0 : tensor<4096x4096xf32>
}

// -----

func.func @loops(%arg0: tensor<4096x4096xbf16>, %arg1: tensor<4096x4096xbf16>, %arg2: tensor<4096x4096xf32>) -> tensor<4096x4096xf32> {
  %c32 = arith.constant 32 : index
  %c0 = arith.constant 0 : index
  %c4096 = arith.constant 4096 : index
  %c64 = arith.constant 64 : index
  %0 = scf.for %arg3 = %c0 to %c4096 step %c64 iter_args(%arg4 = %arg2) -> (tensor<4096x4096xf32>) {
    %1 = scf.for %arg5 = %c0 to %c4096 step %c64 iter_args(%arg6 = %arg4) -> (tensor<4096x4096xf32>) {
      %extracted_slice = tensor.extract_slice %arg0[%arg3, 0] [64, 4096] [1, 1] : tensor<4096x4096xbf16> to tensor<64x4096xbf16>
      %extracted_slice_0 = tensor.extract_slice %arg1[0, %arg5] [4096, 64] [1, 1] : tensor<4096x4096xbf16> to tensor<4096x64xbf16>
      %extracted_slice_1 = tensor.extract_slice %arg6[%arg3, %arg5] [64, 64] [1, 1] : tensor<4096x4096xf32> to tensor<64x64xf32>
      %2 = scf.for %arg7 = %c0 to %c4096 step %c32 iter_args(%arg8 = %extracted_slice_1) -> (tensor<64x64xf32>) {
        %extracted_slice_2 = tensor.extract_slice %extracted_slice[0, %arg7] [64, 32] [1, 1] : tensor<64x4096xbf16> to tensor<64x32xbf16>
        %extracted_slice_3 = tensor.extract_slice %extracted_slice_0[%arg7, 0] [32, 64] [1, 1] : tensor<4096x64xbf16> to tensor<32x64xbf16>
        %3 = linalg.matmul ins(%extracted_slice_2, %extracted_slice_3 : tensor<64x32xbf16>, tensor<32x64xbf16>) outs(%arg8 : tensor<64x64xf32>) -> tensor<64x64xf32>
        scf.yield %3 : tensor<64x64xf32>
      }
      %inserted_slice = tensor.insert_slice %2 into %arg6[%arg3, %arg5] [64, 64] [1, 1] : tensor<64x64xf32> into tensor<4096x4096xf32>
      scf.yield %inserted_slice : tensor<4096x4096xf32>
    }
    scf.yield %1 : tensor<4096x4096xf32>
  }
  return %0 : tensor<4096x4096xf32>
}

// -----

#map = affine_map<(d0) -> (d0 * 128)>
func.func @rows(%arg0: tensor<4096x4096xbf16>, %arg1: tensor<4096x4096xbf16>, %arg2: tensor<4096x4096xf32>) -> tensor<4096x4096xf32> {
  %c64 = arith.constant 64 : index
  %c4096 = arith.constant 4096 : index
  %c0 = arith.constant 0 : index
  %0 = scf.forall (%arg3) in (32) shared_outs(%arg4 = %arg2) -> (tensor<4096x4096xf32>) {
    %1 = affine.apply #map(%arg3)
    %extracted_slice = tensor.extract_slice %arg0[%1, 0] [128, 4096] [1, 1] : tensor<4096x4096xbf16> to tensor<128x4096xbf16>
    %extracted_slice_0 = tensor.extract_slice %arg4[%1, 0] [128, 4096] [1, 1] : tensor<4096x4096xf32> to tensor<128x4096xf32>
    %2 = scf.for %arg5 = %c0 to %c4096 step %c64 iter_args(%arg6 = %extracted_slice_0) -> (tensor<128x4096xf32>) {
      %extracted_slice_1 = tensor.extract_slice %extracted_slice[0, %arg5] [128, 64] [1, 1] : tensor<128x4096xbf16> to tensor<128x64xbf16>
      %extracted_slice_2 = tensor.extract_slice %arg1[%arg5, 0] [64, 4096] [1, 1] : tensor<4096x4096xbf16> to tensor<64x4096xbf16>
      %3 = linalg.matmul ins(%extracted_slice_1, %extracted_slice_2 : tensor<128x64xbf16>, tensor<64x4096xbf16>) outs(%arg6 : tensor<128x4096xf32>) -> tensor<128x4096xf32>
      scf.yield %3 : tensor<128x4096xf32>
    }
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %2 into %arg4[%1, 0] [128, 4096] [1, 1] : tensor<128x4096xf32> into tensor<4096x4096xf32>
    }
  }
  return %0 : tensor<4096x4096xf32>
}

// -----

#map = affine_map<(d0) -> (d0 * -137 + 4096, 137)>
#map1 = affine_map<(d0) -> (0, d0)>
#map2 = affine_map<(d0) -> (d0 * -293 + 4096, 293)>
#map3 = affine_map<(d0) -> (d0 * 137)>
#map4 = affine_map<(d0) -> (d0 * 293)>
func.func @threads(%arg0: tensor<4096x4096xbf16>, %arg1: tensor<4096x4096xbf16>, %arg2: tensor<4096x4096xf32>) -> tensor<4096x4096xf32> {
  %c64 = arith.constant 64 : index
  %c4096 = arith.constant 4096 : index
  %c0 = arith.constant 0 : index
  %0 = scf.forall (%arg3, %arg4) in (30, 14) shared_outs(%arg5 = %arg2) -> (tensor<4096x4096xf32>) {
    %1 = affine.min #map(%arg3)
    %2 = affine.max #map1(%1)
    %3 = affine.min #map2(%arg4)
    %4 = affine.max #map1(%3)
    %5 = affine.apply #map3(%arg3)
    %6 = affine.apply #map4(%arg4)
    %extracted_slice = tensor.extract_slice %arg0[%5, 0] [%2, 4096] [1, 1] : tensor<4096x4096xbf16> to tensor<?x4096xbf16>
    %extracted_slice_0 = tensor.extract_slice %arg1[0, %6] [4096, %4] [1, 1] : tensor<4096x4096xbf16> to tensor<4096x?xbf16>
    %extracted_slice_1 = tensor.extract_slice %arg5[%5, %6] [%2, %4] [1, 1] : tensor<4096x4096xf32> to tensor<?x?xf32>
    %7 = scf.for %arg6 = %c0 to %c4096 step %c64 iter_args(%arg7 = %extracted_slice_1) -> (tensor<?x?xf32>) {
      %extracted_slice_2 = tensor.extract_slice %extracted_slice[0, %arg6] [%2, 64] [1, 1] : tensor<?x4096xbf16> to tensor<?x64xbf16>
      %extracted_slice_3 = tensor.extract_slice %extracted_slice_0[%arg6, 0] [64, %4] [1, 1] : tensor<4096x?xbf16> to tensor<64x?xbf16>
      %extracted_slice_4 = tensor.extract_slice %arg7[0, 0] [%2, %4] [1, 1] : tensor<?x?xf32> to tensor<?x?xf32>
      %8 = linalg.matmul ins(%extracted_slice_2, %extracted_slice_3 : tensor<?x64xbf16>, tensor<64x?xbf16>) outs(%extracted_slice_4 : tensor<?x?xf32>) -> tensor<?x?xf32>
      %inserted_slice = tensor.insert_slice %8 into %arg7[0, 0] [%2, %4] [1, 1] : tensor<?x?xf32> into tensor<?x?xf32>
      scf.yield %inserted_slice : tensor<?x?xf32>
    }
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %7 into %arg5[%5, %6] [%2, %4] [1, 1] : tensor<?x?xf32> into tensor<4096x4096xf32>
    }
  }
  return %0 : tensor<4096x4096xf32>
}
