// RUN: mansard-opt %s --split-input-file --verify-diagnostics

func.func @weight(%x: tensor<4x64xbf16>, %g: tensor<48xbf16>) {
  // expected-error @+1 {{has a weight of 48 for slices of 64 columns}}
  %0 = mansard.norm rmsnorm %x weight %g : (tensor<4x64xbf16>, tensor<48xbf16>) -> tensor<4x64xbf16>
  return
}

// -----

func.func @slices(%x: tensor<4x64xbf16>) {
  // expected-error @+1 {{normalises 5 slices of 16 columns of only 64}}
  %0 = mansard.norm rmsnorm %x {groups = array<i64: 4, 1>, width = 16 : i64} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  return
}

// -----

func.func @unequal(%x: tensor<4x64xbf16>) {
  // expected-error @+1 {{has 64 columns, which 3 slices do not share equally}}
  %0 = mansard.norm rmsnorm %x {groups = array<i64: 3>} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  return
}

// -----

func.func @residual(%x: tensor<4x64xbf16>, %r: tensor<8x64xbf16>) {
  // expected-error @+1 {{adds a residual of 8x64 to 4x64}}
  %0:2 = mansard.norm rmsnorm %x residual %r : (tensor<4x64xbf16>, tensor<8x64xbf16>) -> (tensor<4x64xbf16>, tensor<4x64xbf16>)
  return
}

// -----

func.func @no_sum(%x: tensor<4x64xbf16>, %r: tensor<4x64xbf16>) {
  // expected-error @+1 {{has the sum as its second result if it adds a residual, and only then}}
  %0 = mansard.norm rmsnorm %x residual %r : (tensor<4x64xbf16>, tensor<4x64xbf16>) -> tensor<4x64xbf16>
  return
}

// -----

func.func @one_input(%x: tensor<4x64xbf16>) {
  // expected-error @+1 {{add takes 2 inputs, not 1}}
  %0 = mansard.elementwise add %x : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  return
}

// -----

func.func @shapes(%x: tensor<4x64xbf16>, %y: tensor<4xbf16>) {
  // expected-error @+1 {{takes 4x64 and 4; the second must be as the first, or one row of it}}
  %0 = mansard.elementwise mul %x, %y : (tensor<4x64xbf16>, tensor<4xbf16>) -> tensor<4x64xbf16>
  return
}

// -----

func.func @odd(%x: tensor<4x63xbf16>) {
  // expected-error @+1 {{halves 63 columns}}
  %0 = mansard.elementwise silu_mul %x : (tensor<4x63xbf16>) -> tensor<4x31xbf16>
  return
}

// -----

func.func @not_halved(%x: tensor<4x64xbf16>) {
  // expected-error @+1 {{result 0 is 4x64, but its operands imply 4x32}}
  %0 = mansard.elementwise silu_mul %x : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  return
}

// -----

func.func @by_channel(%x: tensor<4x64xbf16>) {
  // expected-error @+1 {{scales by channel; activations are scaled by tensor, token, block or group}}
  %0 = mansard.quantize %x scaling channel : (tensor<4x64xbf16>) -> tensor<4x64xi8>
  return
}

// -----

func.func @wider(%x: tensor<4x64xbf16>) {
  // expected-error @+1 {{does not narrow bf16 to fp32}}
  %0 = mansard.quantize %x scaling token : (tensor<4x64xbf16>) -> tensor<4x64xf32>
  return
}

// -----

func.func @topk(%x: tensor<4x8xbf16>) {
  // expected-error @+1 {{keeps 9 of 8 columns}}
  %0 = mansard.topk %x {k = 9 : i64} : (tensor<4x8xbf16>) -> tensor<4x9xi32>
  return
}

// -----

func.func @topk_groups(%x: tensor<4x8xbf16>) {
  // expected-error @+1 {{keeps 2 of 3 groups of 8 columns}}
  %0 = mansard.topk %x {groups = 3 : i64, k = 2 : i64, kept = 2 : i64} : (tensor<4x8xbf16>) -> tensor<4x2xi32>
  return
}

// -----

func.func @whole_of_nothing(%x: tensor<4x64xbf16>) {
  // expected-error @+1 {{takes groups whole, but has none}}
  %0 = mansard.norm rmsnorm %x {whole} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  return
}

// -----

func.func @ranks_of_slices(%x: tensor<4x64xbf16>) {
  // expected-error @+1 {{is over 4 devices, but its slices have means of their own}}
  %0 = mansard.norm rmsnorm %x {groups = array<i64: 4>, ranks = 4 : i64} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  return
}
