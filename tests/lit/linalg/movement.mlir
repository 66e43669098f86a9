// RUN: mansard-opt %s --mansard-import-linalg | FileCheck %s

// What is only seen in another way costs nothing; what is put elsewhere is a copy.
// CHECK-LABEL: func.func @step
// CHECK: mansard.weight "constant:{{[0-9]+}}" replicated : tensor<2x2xf32>
// CHECK: mansard.view reshape %arg0 : (tensor<64x128xbf16>) -> tensor<8192xbf16>
// CHECK: mansard.view reshape {{.*}} -> tensor<32x256xbf16>
// CHECK: mansard.view part %arg0 : (tensor<64x128xbf16>) -> tensor<32x128xbf16>
// CHECK: mansard.elementwise copy "insert_slice:{{[0-9]+}}" {{.*}} : (tensor<32x128xbf16>) -> tensor<32x128xbf16>
// CHECK: mansard.custom "pad:{{[0-9]+}}" %arg0 {read_bytes = 1.638400e+04 : f64, write_bytes = 1.689600e+04 : f64} : (tensor<64x128xbf16>) -> tensor<66x128xbf16>
// CHECK: mansard.custom "concat:{{[0-9]+}}" {{.*}} {read_bytes = 2.457600e+04 : f64, write_bytes = 2.457600e+04 : f64} {{.*}} -> tensor<96x128xbf16>
// CHECK: mansard.custom "pack:{{[0-9]+}}" %arg0 {read_bytes = 1.638400e+04 : f64, write_bytes = 1.638400e+04 : f64} {{.*}} -> tensor<4x8x16x16xbf16>
// CHECK: mansard.custom "broadcast:{{[0-9]+}}" %arg1 {read_bytes = 2.560000e+02 : f64, write_bytes = 1.638400e+04 : f64}
// CHECK: mansard.custom "reduce:{{[0-9]+}}" %arg0 {read_bytes = 1.638400e+04 : f64, vector_operations = 8.192000e+03 : f64, write_bytes = 1.280000e+02 : f64}
// A fill that is read is written; one that only starts a sum is not.
// CHECK: mansard.custom "fill:{{[0-9]+}}" {write_bytes = 1.638400e+04 : f64}
func.func @step(%x: tensor<64x128xbf16>, %b: tensor<128xbf16>) -> (tensor<32x256xbf16>, tensor<64x128xbf16>, tensor<2x2xf32>) {
  %c = tensor.collapse_shape %x [[0, 1]] : tensor<64x128xbf16> into tensor<8192xbf16>
  %r = tensor.expand_shape %c [[0, 1]] output_shape [32, 256] : tensor<8192xbf16> into tensor<32x256xbf16>
  %s = tensor.extract_slice %x[16, 0] [32, 128] [1, 1] : tensor<64x128xbf16> to tensor<32x128xbf16>
  %i = tensor.insert_slice %s into %x[0, 0] [32, 128] [1, 1] : tensor<32x128xbf16> into tensor<64x128xbf16>
  %z = arith.constant 0.0 : bf16
  %p = tensor.pad %x low[1, 0] high[1, 0] {
  ^bb0(%k: index, %l: index):
    tensor.yield %z : bf16
  } : tensor<64x128xbf16> to tensor<66x128xbf16>
  %cc = tensor.concat dim(0) %x, %s : (tensor<64x128xbf16>, tensor<32x128xbf16>) -> tensor<96x128xbf16>
  %ep = tensor.empty() : tensor<4x8x16x16xbf16>
  %pk = tensor.pack %x inner_dims_pos = [0, 1] inner_tiles = [16, 16] into %ep : tensor<64x128xbf16> -> tensor<4x8x16x16xbf16>
  %e = tensor.empty() : tensor<64x128xbf16>
  %bc = linalg.broadcast ins(%b : tensor<128xbf16>) outs(%e : tensor<64x128xbf16>) dimensions = [0]
  %er = tensor.empty() : tensor<64xbf16>
  %cr = linalg.fill ins(%z : bf16) outs(%er : tensor<64xbf16>) -> tensor<64xbf16>
  %red = linalg.reduce { arith.addf } ins(%x : tensor<64x128xbf16>) outs(%cr : tensor<64xbf16>) dimensions = [1]
  %f = linalg.fill ins(%z : bf16) outs(%e : tensor<64x128xbf16>) -> tensor<64x128xbf16>
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  return %r, %f, %w : tensor<32x256xbf16>, tensor<64x128xbf16>, tensor<2x2xf32>
}
