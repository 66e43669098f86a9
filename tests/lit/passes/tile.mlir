// What the passes do with a stated schedule.
// RUN: mansard-opt %s --mansard-shard="tp=4" 2>&1 | FileCheck %s --check-prefix=SHARD
// RUN: mansard-opt %s --mansard-legalize="native=bf16" 2>&1 | FileCheck %s --check-prefix=LEGAL
// RUN: mansard-opt %s --mansard-fuse 2>&1 | FileCheck %s --check-prefix=FUSE

// Of "up" a device has 128 columns, half a tile; of "down" it has all columns and 128 of the inner
// dimension.
// SHARD: remark: its tile of 64 x 256 x 64 is larger than a device's share, 64 x 128 x 256, and is dropped
// SHARD: mansard.matmul "up" %{{[0-9a-z]+}}, %{{[0-9a-z]+}} :
// SHARD: mansard.matmul "down" {{.*}} tile <m = 64, n = 128, k = 64, split_k = 1>

// LEGAL: mansard.matmul "up" {{.*}} tile <m = 64, n = 256, k = 64, split_k = 0>
// LEGAL: mansard.matmul "down" {{.*}} tile <m = 64, n = 128, k = 64, split_k = 1>

// FUSE: mansard.matmul "up" {{.*}} activation gelu tile <m = 64, n = 256, k = 64, split_k = 0>
// FUSE: mansard.matmul "down" {{.*}} residual %{{.*}} tile <m = 64, n = 128, k = 64, split_k = 1>
func.func @step(%x: tensor<64x256xbf16>) -> tensor<64x256xbf16> attributes {mansard.sequences = 64 : i64} {
  %u = mansard.weight "up" column : tensor<256x512xbf16>
  %a = mansard.matmul "up" %x, %u tile <m = 64, n = 256, k = 64, split_k = 0> : (tensor<64x256xbf16>, tensor<256x512xbf16>) -> tensor<64x512xbf16>
  %b = mansard.elementwise gelu %a : (tensor<64x512xbf16>) -> tensor<64x512xbf16>
  %d = mansard.weight "down" row : tensor<512x256xbf16>
  %y = mansard.matmul "down" %b, %d tile <m = 64, n = 128, k = 64, split_k = 1> : (tensor<64x512xbf16>, tensor<512x256xbf16>) -> tensor<64x256xbf16>
  %z = mansard.elementwise add %x, %y : (tensor<64x256xbf16>, tensor<64x256xbf16>) -> tensor<64x256xbf16>
  return %z : tensor<64x256xbf16>
}
