// RUN: mansard-opt %s -split-input-file -verify-diagnostics

func.func @step(%x: tensor<64x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<64x64xbf16> {
  // expected-error @+1 {{a tile's m is 0; it may be 1 to 2147483647}}
  %a = mansard.matmul %x, %w tile <m = 0, n = 16, k = 0, split_k = 0> : (tensor<64x64xbf16>, tensor<64x64xbf16>) -> tensor<64x64xbf16>
  return %a : tensor<64x64xbf16>
}

// -----

func.func @step(%x: tensor<64x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<64x64xbf16> {
  // expected-error @+1 {{a tile's split_k is -1; it may be 0 to 2147483647}}
  %a = mansard.matmul %x, %w tile <m = 16, n = 16, k = 0, split_k = -1> : (tensor<64x64xbf16>, tensor<64x64xbf16>) -> tensor<64x64xbf16>
  return %a : tensor<64x64xbf16>
}

// -----

func.func @step(%x: tensor<64x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<64x64xbf16> {
  // expected-error @+1 {{tile_n is 1024, more than the 64 that there are; tiles beyond the problem's size may have up to 512}}
  %a = mansard.matmul %x, %w tile <m = 64, n = 1024, k = 32, split_k = 1> : (tensor<64x64xbf16>, tensor<64x64xbf16>) -> tensor<64x64xbf16>
  return %a : tensor<64x64xbf16>
}

// -----

func.func @step(%x: tensor<64x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<64x64xbf16> {
  // expected-error @+1 {{split_k is 65, more than the 64 of k}}
  %a = mansard.matmul %x, %w tile <m = 64, n = 64, k = 32, split_k = 65> : (tensor<64x64xbf16>, tensor<64x64xbf16>) -> tensor<64x64xbf16>
  return %a : tensor<64x64xbf16>
}
