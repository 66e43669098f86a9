// RUN: mansard-opt %s --split-input-file --verify-diagnostics

func.func @inner(%x: tensor<4x64xbf16>, %w: tensor<128x32xbf16>) {
  // expected-error @+1 {{multiplies 4x64 by 128x32: the inner dimensions 64 and 128 differ}}
  %0 = mansard.matmul %x, %w : (tensor<4x64xbf16>, tensor<128x32xbf16>) -> tensor<4x32xbf16>
  return
}

// -----

func.func @result(%x: tensor<4x64xbf16>, %w: tensor<64x32xbf16>) {
  // expected-error @+1 {{result 0 is 4x31, but its operands imply 4x32}}
  %0 = mansard.matmul %x, %w : (tensor<4x64xbf16>, tensor<64x32xbf16>) -> tensor<4x31xbf16>
  return
}

// -----

func.func @rank(%x: tensor<2x4x64xbf16>, %w: tensor<64x32xbf16>) {
  // expected-error @+1 {{has a left operand of rank 3; it must be 2}}
  %0 = mansard.matmul %x, %w : (tensor<2x4x64xbf16>, tensor<64x32xbf16>) -> tensor<4x32xbf16>
  return
}

// -----

func.func @bias(%x: tensor<4x64xbf16>, %w: tensor<64x32xbf16>, %b: tensor<16xbf16>) {
  // expected-error @+1 {{adds a bias of 16 to 32 columns}}
  %0 = mansard.matmul %x, %w bias %b : (tensor<4x64xbf16>, tensor<64x32xbf16>, tensor<16xbf16>) -> tensor<4x32xbf16>
  return
}

// -----

func.func @residual(%x: tensor<4x64xbf16>, %w: tensor<64x32xbf16>, %r: tensor<4x16xbf16>) {
  // expected-error @+1 {{adds a residual of 4x16 to 4x32}}
  %0 = mansard.matmul %x, %w residual %r : (tensor<4x64xbf16>, tensor<64x32xbf16>, tensor<4x16xbf16>) -> tensor<4x32xbf16>
  return
}

// -----

func.func @odd(%x: tensor<4x64xbf16>, %w: tensor<64x31xbf16>) {
  // expected-error @+1 {{halves 31 columns}}
  %0 = mansard.matmul %x, %w activation silu_mul : (tensor<4x64xbf16>, tensor<64x31xbf16>) -> tensor<4x15xbf16>
  return
}

// -----

func.func @groups(%x: tensor<4x4x64xbf16>, %w: tensor<8x64x32xbf16>) {
  // expected-error @+1 {{has 4 groups on the left and 8 on the right}}
  %0 = mansard.grouped_matmul %x, %w : (tensor<4x4x64xbf16>, tensor<8x64x32xbf16>) -> tensor<4x4x32xbf16>
  return
}

// -----

func.func @grouped_inner(%x: tensor<30x48xbf16>, %w: tensor<8x64x32xbf16>) {
  // expected-error @+1 {{multiplies 30x48 by 8x64x32: the inner dimensions 48 and 64 differ}}
  %0 = mansard.grouped_matmul %x, %w : (tensor<30x48xbf16>, tensor<8x64x32xbf16>) -> tensor<30x32xbf16>
  return
}

// -----

func.func @grouped_bias(%x: tensor<30x64xbf16>, %w: tensor<8x64x32xbf16>, %b: tensor<32xbf16>) {
  // expected-error @+1 {{adds a bias of 32, not of 8x32}}
  %0 = mansard.grouped_matmul %x, %w bias %b : (tensor<30x64xbf16>, tensor<8x64x32xbf16>, tensor<32xbf16>) -> tensor<30x32xbf16>
  return
}
