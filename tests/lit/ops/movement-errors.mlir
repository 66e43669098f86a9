// RUN: mansard-opt %s --split-input-file --verify-diagnostics

func.func @numbers(%t: tensor<100x64xbf16>, %i: tensor<4xf32>) {
  // expected-error @+1 {{picks rows by fp32; their numbers are i32}}
  %0 = mansard.gather %t, %i : (tensor<100x64xbf16>, tensor<4xf32>) -> tensor<4x64xbf16>
  return
}

// -----

func.func @rows(%t: tensor<100x64xbf16>, %i: tensor<4xi32>) {
  // expected-error @+1 {{result 0 is 5x64, but its operands imply 4x64}}
  %0 = mansard.gather %t, %i : (tensor<100x64xbf16>, tensor<4xi32>) -> tensor<5x64xbf16>
  return
}

// -----

func.func @both(%x: tensor<4x64xbf16>, %c: tensor<2x16x32xbf16>, %i: tensor<4x2xi32>) {
  // expected-error @+1 {{writes into a cache or puts rows back by indices: one of the two}}
  %0 = mansard.scatter %x into %c by %i : (tensor<4x64xbf16>, tensor<2x16x32xbf16>, tensor<4x2xi32>) -> tensor<2x16x32xbf16>
  return
}

// -----

func.func @narrow(%x: tensor<4x16xbf16>, %c: tensor<2x16x32xbf16>) {
  // expected-error @+1 {{writes 16 columns into a cache of 32}}
  %0 = mansard.scatter %x into %c : (tensor<4x16xbf16>, tensor<2x16x32xbf16>) -> tensor<2x16x32xbf16>
  return
}

// -----

func.func @beyond(%c: tensor<2x16x32xbf16>) {
  // expected-error @+1 {{takes 40 columns of a cache of 32}}
  %0 = mansard.gather %c : (tensor<2x16x32xbf16>) -> tensor<32x40xbf16>
  return
}

// -----

func.func @positions(%c: tensor<2x16x32xbf16>) {
  // expected-error @+1 {{result 0 is 16x24, but its operands imply 32x24}}
  %0 = mansard.gather %c : (tensor<2x16x32xbf16>) -> tensor<16x24xbf16>
  return
}
