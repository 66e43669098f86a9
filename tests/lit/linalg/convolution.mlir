// RUN: mansard-opt %s --mansard-import-linalg --mansard-print-program -o /dev/null | FileCheck %s
// RUN: mansard-opt %s --mansard-import-linalg | FileCheck %s --check-prefix=OPS

// A row for each pixel of the result, an inner dimension of window and channels.
// CHECK: 1 x conv_2d_nhwc_hwcf:{{[0-9]+}}: gemm bf16 2048x64x288
// CHECK: 1 x conv_2d_nchw_fchw:{{[0-9]+}}: gemm bf16 512x64x288
// CHECK: 1 x conv_1d_nwc_wcf:{{[0-9]+}}: gemm bf16 60x16x160
// An affine map of its own, with stride 2 and dilation 3.
// CHECK: 1 x generic:{{[0-9]+}}: gemm bf16 13x8x20
// One filter a channel: nothing for a matrix unit.
// CHECK: 1 x depthwise_conv_2d_nhwc_hwc:{{[0-9]+}}: custom
// CHECK: 1 x pooling_nhwc_max:{{[0-9]+}}: custom

// OPS: mansard.view windows %arg0 : (tensor<2x34x34x32xbf16>) -> tensor<2048x288xbf16>
// Every pixel is read once, however many windows cover it: 2 x 18 x 18 x 32 and 3 x 3 x 32 elements.
// OPS: mansard.custom "depthwise_conv_2d_nhwc_hwc:{{[0-9]+}}" {{.*}}read_bytes = 4.204800e+04 {{.*}}vector_operations = 2.949120e+05 {{.*}}write_bytes = 3.276800e+04
func.func @step(%x: tensor<2x34x34x32xbf16>, %f: tensor<3x3x32x64xbf16>,
                %y: tensor<2x32x33x33xbf16>, %g: tensor<64x32x3x3xbf16>,
                %s: tensor<2x34x32xbf16>, %h: tensor<5x32x16xbf16>, %t: tensor<37x4xbf16>,
                %i: tensor<5x4x8xbf16>, %u: tensor<2x18x18x32xbf16>, %j: tensor<3x3x32xbf16>) {
  %z = arith.constant 0.0 : bf16
  %e0 = tensor.empty() : tensor<2x32x32x64xbf16>
  %c0 = linalg.fill ins(%z : bf16) outs(%e0 : tensor<2x32x32x64xbf16>) -> tensor<2x32x32x64xbf16>
  %0 = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%x, %f : tensor<2x34x34x32xbf16>, tensor<3x3x32x64xbf16>) outs(%c0 : tensor<2x32x32x64xbf16>) -> tensor<2x32x32x64xbf16>
  %e1 = tensor.empty() : tensor<2x64x16x16xbf16>
  %c1 = linalg.fill ins(%z : bf16) outs(%e1 : tensor<2x64x16x16xbf16>) -> tensor<2x64x16x16xbf16>
  %1 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>} ins(%y, %g : tensor<2x32x33x33xbf16>, tensor<64x32x3x3xbf16>) outs(%c1 : tensor<2x64x16x16xbf16>) -> tensor<2x64x16x16xbf16>
  %e2 = tensor.empty() : tensor<2x30x16xbf16>
  %c2 = linalg.fill ins(%z : bf16) outs(%e2 : tensor<2x30x16xbf16>) -> tensor<2x30x16xbf16>
  %2 = linalg.conv_1d_nwc_wcf {dilations = dense<1> : tensor<1xi64>, strides = dense<1> : tensor<1xi64>} ins(%s, %h : tensor<2x34x32xbf16>, tensor<5x32x16xbf16>) outs(%c2 : tensor<2x30x16xbf16>) -> tensor<2x30x16xbf16>
  %e3 = tensor.empty() : tensor<13x8xbf16>
  %c3 = linalg.fill ins(%z : bf16) outs(%e3 : tensor<13x8xbf16>) -> tensor<13x8xbf16>
  %3 = linalg.generic {indexing_maps = [affine_map<(o, f, w, c) -> (o * 2 + w * 3, c)>, affine_map<(o, f, w, c) -> (w, c, f)>, affine_map<(o, f, w, c) -> (o, f)>], iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%t, %i : tensor<37x4xbf16>, tensor<5x4x8xbf16>) outs(%c3 : tensor<13x8xbf16>) {
  ^bb0(%l: bf16, %r: bf16, %a: bf16):
    %p = arith.mulf %l, %r : bf16
    %q = arith.addf %a, %p : bf16
    linalg.yield %q : bf16
  } -> tensor<13x8xbf16>
  %e4 = tensor.empty() : tensor<2x16x16x32xbf16>
  %c4 = linalg.fill ins(%z : bf16) outs(%e4 : tensor<2x16x16x32xbf16>) -> tensor<2x16x16x32xbf16>
  %4 = linalg.depthwise_conv_2d_nhwc_hwc {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%u, %j : tensor<2x18x18x32xbf16>, tensor<3x3x32xbf16>) outs(%c4 : tensor<2x16x16x32xbf16>) -> tensor<2x16x16x32xbf16>
  %w = tensor.empty() : tensor<3x3xbf16>
  %5 = linalg.pooling_nhwc_max {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%u, %w : tensor<2x18x18x32xbf16>, tensor<3x3xbf16>) outs(%c4 : tensor<2x16x16x32xbf16>) -> tensor<2x16x16x32xbf16>
  return
}
