// The same on buffers: memref.subview.
// RUN: mansard-opt %s --mansard-import-linalg --split-input-file 2>/dev/null | FileCheck %s

// CHECK-LABEL: @mem
// CHECK-NEXT: mansard.matmul {{.*}} tile <m = 128, n = 128, k = 32, split_k = 1> : (tensor<1024x512xf16>, tensor<512x768xf16>, tensor<1024x768xf32>) -> tensor<1024x768xf32>
// CHECK-NEXT: return

// scf.parallel; the start of the sums is inside. The product's buffer is seen behind the loops.
// CHECK-LABEL: @par
// CHECK-NEXT: %[[P:.*]] = mansard.matmul "matmul:{{[0-9]+}}" %arg0, %arg1 tile <m = 64, n = 64, k = 0, split_k = 1> : (tensor<256x128xf16>, tensor<128x512xf16>) -> tensor<256x512xf32>
// CHECK-NEXT: %[[C:.*]] = mansard.elementwise copy "generic:{{[0-9]+}}" %[[P]]
// CHECK-NEXT: return %[[P]], %[[C]]

// The start of the sums before the loops is no kernel either.
// CHECK-LABEL: @filled
// CHECK-NOT: mansard.elementwise
// CHECK: mansard.matmul "matmul:{{[0-9]+}}" %arg0, %arg1 tile <m = 128, n = 128, k = 32, split_k = 1> : (tensor<1024x512xf16>, tensor<512x768xf16>) -> tensor<1024x768xf32>
// CHECK-NEXT: return
#map = affine_map<(d0) -> (d0 * 128)>
func.func @mem(%arg0: memref<1024x512xf16>, %arg1: memref<512x768xf16>, %arg2: memref<1024x768xf32>) {
  %c32 = arith.constant 32 : index
  %c512 = arith.constant 512 : index
  %c0 = arith.constant 0 : index
  scf.forall (%arg3, %arg4) in (8, 6) {
    %0 = affine.apply #map(%arg3)
    %1 = affine.apply #map(%arg4)
    %subview = memref.subview %arg0[%0, 0] [128, 512] [1, 1] : memref<1024x512xf16> to memref<128x512xf16, strided<[512, 1], offset: ?>>
    %subview_0 = memref.subview %arg1[0, %1] [512, 128] [1, 1] : memref<512x768xf16> to memref<512x128xf16, strided<[768, 1], offset: ?>>
    %subview_1 = memref.subview %arg2[%0, %1] [128, 128] [1, 1] : memref<1024x768xf32> to memref<128x128xf32, strided<[768, 1], offset: ?>>
    scf.for %arg5 = %c0 to %c512 step %c32 {
      %subview_2 = memref.subview %subview[0, %arg5] [128, 32] [1, 1] : memref<128x512xf16, strided<[512, 1], offset: ?>> to memref<128x32xf16, strided<[512, 1], offset: ?>>
      %subview_3 = memref.subview %subview_0[%arg5, 0] [32, 128] [1, 1] : memref<512x128xf16, strided<[768, 1], offset: ?>> to memref<32x128xf16, strided<[768, 1], offset: ?>>
      linalg.matmul ins(%subview_2, %subview_3 : memref<128x32xf16, strided<[512, 1], offset: ?>>, memref<32x128xf16, strided<[768, 1], offset: ?>>) outs(%subview_1 : memref<128x128xf32, strided<[768, 1], offset: ?>>)
    }
  }
  return
}

// -----

func.func @par(%a: memref<256x128xf16>, %b: memref<128x512xf16>, %c: memref<256x512xf32>, %d: memref<256x512xf16>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c256 = arith.constant 256 : index
  %c512 = arith.constant 512 : index
  %z = arith.constant 0.0 : f32
  scf.parallel (%i, %j) = (%c0, %c0) to (%c256, %c512) step (%c64, %c64) {
    %as = memref.subview %a[%i, 0] [64, 128] [1, 1] : memref<256x128xf16> to memref<64x128xf16, strided<[128, 1], offset: ?>>
    %bs = memref.subview %b[0, %j] [128, 64] [1, 1] : memref<128x512xf16> to memref<128x64xf16, strided<[512, 1], offset: ?>>
    %cs = memref.subview %c[%i, %j] [64, 64] [1, 1] : memref<256x512xf32> to memref<64x64xf32, strided<[512, 1], offset: ?>>
    %ds = memref.subview %d[%i, %j] [64, 64] [1, 1] : memref<256x512xf16> to memref<64x64xf16, strided<[512, 1], offset: ?>>
    linalg.fill ins(%z : f32) outs(%cs : memref<64x64xf32, strided<[512, 1], offset: ?>>)
    linalg.matmul ins(%as, %bs : memref<64x128xf16, strided<[128, 1], offset: ?>>, memref<128x64xf16, strided<[512, 1], offset: ?>>) outs(%cs : memref<64x64xf32, strided<[512, 1], offset: ?>>)
    linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%cs : memref<64x64xf32, strided<[512, 1], offset: ?>>) outs(%ds : memref<64x64xf16, strided<[512, 1], offset: ?>>) {
    ^bb0(%x: f32, %o: f16):
      %t = arith.truncf %x : f32 to f16
      linalg.yield %t : f16
    }
    scf.reduce
  }
  return
}

// -----

#map = affine_map<(d0) -> (d0 * 128)>
func.func @filled(%arg0: memref<1024x512xf16>, %arg1: memref<512x768xf16>, %arg2: memref<1024x768xf32>) {
  %c32 = arith.constant 32 : index
  %c512 = arith.constant 512 : index
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%arg2 : memref<1024x768xf32>)
  scf.forall (%arg3, %arg4) in (8, 6) {
    %0 = affine.apply #map(%arg3)
    %1 = affine.apply #map(%arg4)
    %subview = memref.subview %arg0[%0, 0] [128, 512] [1, 1] : memref<1024x512xf16> to memref<128x512xf16, strided<[512, 1], offset: ?>>
    %subview_0 = memref.subview %arg1[0, %1] [512, 128] [1, 1] : memref<512x768xf16> to memref<512x128xf16, strided<[768, 1], offset: ?>>
    %subview_1 = memref.subview %arg2[%0, %1] [128, 128] [1, 1] : memref<1024x768xf32> to memref<128x128xf32, strided<[768, 1], offset: ?>>
    scf.for %arg5 = %c0 to %c512 step %c32 {
      %subview_2 = memref.subview %subview[0, %arg5] [128, 32] [1, 1] : memref<128x512xf16, strided<[512, 1], offset: ?>> to memref<128x32xf16, strided<[512, 1], offset: ?>>
      %subview_3 = memref.subview %subview_0[%arg5, 0] [32, 128] [1, 1] : memref<512x128xf16, strided<[768, 1], offset: ?>> to memref<32x128xf16, strided<[768, 1], offset: ?>>
      linalg.matmul ins(%subview_2, %subview_3 : memref<128x32xf16, strided<[512, 1], offset: ?>>, memref<32x128xf16, strided<[768, 1], offset: ?>>) outs(%subview_1 : memref<128x128xf32, strided<[768, 1], offset: ?>>)
    }
  }
  return
}

