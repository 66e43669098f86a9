// RUN: mansard-opt %s --mansard-fuse 2>&1 >/dev/null | FileCheck %s
// RUN: mansard-opt %s --mansard-fuse=explain=false 2>&1 >/dev/null | FileCheck %s --check-prefix=SILENT --allow-empty

// SILENT-NOT: remark

func.func @fused(%x: tensor<1024x512xbf16>, %w: tensor<512x2048xbf16>) -> tensor<1024x2048xbf16> {
  %0 = mansard.matmul "up" %x, %w : (tensor<1024x512xbf16>, tensor<512x2048xbf16>) -> tensor<1024x2048xbf16>
  // The 1024 x 2048 products of 2 bytes are neither written nor read again: 2 x 4.194 MB.
  // CHECK: [[#@LINE+1]]:{{[0-9]+}}: remark: 'act' (elementwise) is fused: 1 kernel and 8.389 MB of memory traffic less
  %1 = mansard.elementwise gelu "act" %0 : (tensor<1024x2048xbf16>) -> tensor<1024x2048xbf16>
  return %1 : tensor<1024x2048xbf16>
}

func.func @used_twice(%x: tensor<4x64xbf16>, %w: tensor<64x64xbf16>) -> (tensor<4x64xbf16>, tensor<4x64xbf16>) {
  %0 = mansard.matmul %x, %w : (tensor<4x64xbf16>, tensor<64x64xbf16>) -> tensor<4x64xbf16>
  // CHECK: [[#@LINE+1]]:{{[0-9]+}}: remark: {{.*}} stays a kernel of its own: the product has other uses and must be stored anyway
  %1 = mansard.elementwise gelu %0 : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  return %0, %1 : tensor<4x64xbf16>, tensor<4x64xbf16>
}

func.func @whole_row_scale(%x: tensor<4x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<4x64xi8> {
  %0 = mansard.matmul %x, %w : (tensor<4x64xbf16>, tensor<64x64xbf16>) -> tensor<4x64xbf16>
  // CHECK: [[#@LINE+1]]:{{[0-9]+}}: remark: {{.*}} stays a kernel of its own: its scale is that of a whole row or block
  %1 = mansard.quantize %0 scaling token : (tensor<4x64xbf16>) -> tensor<4x64xi8>
  return %1 : tensor<4x64xi8>
}
