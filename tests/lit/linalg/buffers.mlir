// RUN: mansard-opt %s --mansard-import-linalg | FileCheck %s

memref.global "private" constant @table : memref<64x32xbf16> = dense<1.0>

// Buffers hold what was written last; a fill right before a product only starts its sums; parts of
// a buffer are views of it.
// CHECK-LABEL: func.func @step
// CHECK: %[[T:.*]] = mansard.weight "table" replicated : tensor<64x32xbf16>
// CHECK: %[[P:.*]] = mansard.matmul "matmul:{{[0-9]+}}" %arg0, %[[T]] : (tensor<16x64xbf16>, tensor<64x32xbf16>) -> tensor<16x32xbf16>
// CHECK: %[[Q:.*]] = mansard.matmul "matmul:{{[0-9]+}}" %arg0, %[[T]] residual %[[P]]
// CHECK: %[[V:.*]] = mansard.view part %[[Q]] : (tensor<16x32xbf16>) -> tensor<8x32xbf16>
// CHECK: %[[C:.*]] = mansard.elementwise copy "copy:{{[0-9]+}}" %[[V]]
// CHECK: return %[[C]] : tensor<8x32xbf16>
func.func @step(%x: memref<16x64xbf16>, %out: memref<8x32xbf16>) {
  %z = arith.constant 0.0 : bf16
  %w = memref.get_global @table : memref<64x32xbf16>
  %c = memref.alloc() : memref<16x32xbf16>
  linalg.fill ins(%z : bf16) outs(%c : memref<16x32xbf16>)
  linalg.matmul ins(%x, %w : memref<16x64xbf16>, memref<64x32xbf16>) outs(%c : memref<16x32xbf16>)
  linalg.matmul ins(%x, %w : memref<16x64xbf16>, memref<64x32xbf16>) outs(%c : memref<16x32xbf16>)
  %s = memref.subview %c[8, 0] [8, 32] [1, 1] : memref<16x32xbf16> to memref<8x32xbf16, strided<[32, 1], offset: 256>>
  memref.copy %s, %out : memref<8x32xbf16, strided<[32, 1], offset: 256>> to memref<8x32xbf16>
  memref.dealloc %c : memref<16x32xbf16>
  return
}
