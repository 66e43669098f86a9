// RUN: mansard-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{a token cannot go to 9 of 8 experts}}
#e = #mansard.experts<tokens = 16, topk = 9, experts = 8, ep = 1, tp = 1>

// -----

// expected-error @+1 {{8 experts cannot be spread evenly over ep = 3}}
#e = #mansard.experts<tokens = 16, topk = 2, experts = 8, ep = 3, tp = 1>

// -----

// expected-error @+1 {{tokens, topk, experts, ep and tp of a mixture must be positive}}
#e = #mansard.experts<tokens = 0, topk = 2, experts = 8, ep = 1, tp = 1>

// -----

#e = #mansard.experts<tokens = 16, topk = 2, experts = 8, ep = 2, tp = 1>
func.func @local(%x: tensor<16x64xbf16>, %c: tensor<16x2xi32>, %up: tensor<8x64x32xbf16>, %down: tensor<8x16x64xbf16>) {
  // expected-error @+1 {{holds 8 up and 8 down projections; of 8 experts over ep = 2 it holds 4}}
  %0 = mansard.moe gated %x, %c, %up, %down {experts = #e} : (tensor<16x64xbf16>, tensor<16x2xi32>, tensor<8x64x32xbf16>, tensor<8x16x64xbf16>) -> tensor<16x64xbf16>
  return
}

// -----

#e = #mansard.experts<tokens = 16, topk = 2, experts = 8, ep = 1, tp = 1>
func.func @widths(%x: tensor<16x64xbf16>, %c: tensor<16x2xi32>, %up: tensor<8x64x32xbf16>, %down: tensor<8x32x64xbf16>) {
  // expected-error @+1 {{goes up by 8x64x32 and down by 8x32x64; with 64 input columns that must be 8x64x64 and 8x32x64}}
  %0 = mansard.moe gated %x, %c, %up, %down {experts = #e} : (tensor<16x64xbf16>, tensor<16x2xi32>, tensor<8x64x32xbf16>, tensor<8x32x64xbf16>) -> tensor<16x64xbf16>
  return
}

// -----

#e = #mansard.experts<tokens = 16, topk = 2, experts = 8, ep = 4, tp = 1>
func.func @choices(%x: tensor<4x64xbf16>, %c: tensor<4x3xi32>) {
  // expected-error @+1 {{has indices of 3 choices; its routing takes 2}}
  %0:2 = mansard.dispatch normal %x, %c {experts = #e} : (tensor<4x64xbf16>, tensor<4x3xi32>) -> (tensor<8x64xbf16>, tensor<8x1xi32>)
  return
}

// -----

#e = #mansard.experts<tokens = 16, topk = 2, experts = 8, ep = 4, tp = 1>
func.func @rows(%x: tensor<4x64xbf16>, %c: tensor<5x2xi32>) {
  // expected-error @+1 {{sends 4 rows by the choices of 5}}
  %0:2 = mansard.dispatch normal %x, %c {experts = #e} : (tensor<4x64xbf16>, tensor<5x2xi32>) -> (tensor<8x64xbf16>, tensor<8x1xi32>)
  return
}

// -----

#e = #mansard.experts<tokens = 16, topk = 2, experts = 8, ep = 4, tp = 1>
func.func @received(%x: tensor<4x64xbf16>, %c: tensor<4x2xi32>) {
  // expected-error @+1 {{result 0 is 9x64, but its operands imply 8x64}}
  %0:2 = mansard.dispatch normal %x, %c {experts = #e} : (tensor<4x64xbf16>, tensor<4x2xi32>) -> (tensor<9x64xbf16>, tensor<8x1xi32>)
  return
}

// -----

#e = #mansard.experts<tokens = 16, topk = 2, experts = 8, ep = 4, tp = 1>
func.func @retyped(%x: tensor<4x64xbf16>, %c: tensor<4x2xi32>) {
  // expected-error @+1 {{sends bf16 and receives int8}}
  %0:2 = mansard.dispatch normal %x, %c {experts = #e} : (tensor<4x64xbf16>, tensor<4x2xi32>) -> (tensor<8x64xi8>, tensor<8x1xi32>)
  return
}

// -----

#e = #mansard.experts<tokens = 16, topk = 2, experts = 8, ep = 4, tp = 1>
func.func @back(%x: tensor<7x64xbf16>, %c: tensor<4x2xi32>) {
  // expected-error @+1 {{sends back 7 rows, but 8 came to this device's experts}}
  %0 = mansard.combine normal %x, %c {experts = #e} : (tensor<7x64xbf16>, tensor<4x2xi32>) -> tensor<4x64xbf16>
  return
}

// -----

func.func @alone(%x: tensor<6x64xbf16>) {
  // expected-error @+1 {{is over 1 devices; it takes two or more}}
  %0 = mansard.collective all_reduce %x over 1 : (tensor<6x64xbf16>) -> tensor<6x64xbf16>
  return
}

// -----

func.func @dimension(%x: tensor<6x64xbf16>) {
  // expected-error @+1 {{cuts dimension 2 of 6x64}}
  %0 = mansard.collective all_gather %x over 2 {dim = 2 : i64} : (tensor<6x64xbf16>) -> tensor<12x64xbf16>
  return
}

// -----

func.func @gathered(%x: tensor<6x64xbf16>) {
  // expected-error @+1 {{result 0 is 10x64, but its operands imply 12x64}}
  %0 = mansard.collective all_gather %x over 2 : (tensor<6x64xbf16>) -> tensor<10x64xbf16>
  return
}

// -----

func.func @changed(%x: tensor<6x64xbf16>) {
  // expected-error @+1 {{changes the element type}}
  %0 = mansard.collective all_reduce %x over 2 : (tensor<6x64xbf16>) -> tensor<6x64xf16>
  return
}
