// RUN: mansard-opt %s --split-input-file --verify-diagnostics

func.func @too_many(%iq: tensor<6x32xbf16>, %w: tensor<6x2xbf16>, %keys: tensor<2x64x16xbf16>) {
  // expected-error @+1 {{picks 65 of only 64 positions}}
  %0 = mansard.index %iq, %w, %keys {head_dim = 16 : i64, index_heads = 2 : i64, k = 65 : i64} : (tensor<6x32xbf16>, tensor<6x2xbf16>, tensor<2x64x16xbf16>) -> tensor<6x65xi32>
  return
}

// -----

func.func @weights(%iq: tensor<6x32xbf16>, %w: tensor<6x3xbf16>, %keys: tensor<2x64x16xbf16>) {
  // expected-error @+1 {{has weights of 6x3, not of 6x2}}
  %0 = mansard.index %iq, %w, %keys {head_dim = 16 : i64, index_heads = 2 : i64, k = 8 : i64} : (tensor<6x32xbf16>, tensor<6x3xbf16>, tensor<2x64x16xbf16>) -> tensor<6x8xi32>
  return
}

// -----

func.func @numbers(%iq: tensor<6x32xbf16>, %w: tensor<6x2xbf16>, %keys: tensor<2x64x16xbf16>) {
  // expected-error @+1 {{picks positions as bf16; their numbers are i32}}
  %0 = mansard.index %iq, %w, %keys {head_dim = 16 : i64, index_heads = 2 : i64, k = 8 : i64} : (tensor<6x32xbf16>, tensor<6x2xbf16>, tensor<2x64x16xbf16>) -> tensor<6x8xbf16>
  return
}

// -----

func.func @expanded(%q: tensor<6x96xbf16>, %kv: tensor<6x128xbf16>, %cache: tensor<2x64x40xbf16>, %s: tensor<6x8xi32>) {
  // expected-error @+1 {{selects positions, which only absorbed attention does}}
  %0 = mansard.mla %q, %kv, %cache selected %s {heads = 4 : i64, latent_dim = 32 : i64, nope_dim = 16 : i64, rope_dim = 8 : i64, value_dim = 16 : i64} : (tensor<6x96xbf16>, tensor<6x128xbf16>, tensor<2x64x40xbf16>, tensor<6x8xi32>) -> tensor<6x64xbf16>
  return
}

// -----

func.func @selected(%q: tensor<6x96xbf16>, %l: tensor<4x6x32xbf16>, %cache: tensor<2x64x40xbf16>, %s: tensor<4x8xi32>) {
  // expected-error @+1 {{has selected positions of 4x8 for 6 rows and 64 positions}}
  %0 = mansard.mla absorbed %q, %l, %cache selected %s {heads = 4 : i64, latent_dim = 32 : i64, nope_dim = 16 : i64, rope_dim = 8 : i64, value_dim = 16 : i64} : (tensor<6x96xbf16>, tensor<4x6x32xbf16>, tensor<2x64x40xbf16>, tensor<4x8xi32>) -> tensor<4x6x32xbf16>
  return
}

// -----

func.func @heads(%x: tensor<8x96xbf16>, %decay: tensor<8x8xbf16>, %state: tensor<2x8x32xf32>, %window: tensor<2x3x64xbf16>) {
  // expected-error @+1 {{has 4 heads, which 3 heads of queries and keys do not share equally}}
  %0 = mansard.delta_rule decode %x, %decay state %state, %window {head_dim = 8 : i64, heads = 4 : i64, kv_heads = 3 : i64} : (tensor<8x96xbf16>, tensor<8x8xbf16>, tensor<2x8x32xf32>, tensor<2x3x64xbf16>) -> tensor<8x32xbf16>
  return
}

// -----

func.func @state(%x: tensor<8x96xbf16>, %decay: tensor<8x8xbf16>, %state: tensor<2x12x32xf32>, %window: tensor<2x3x64xbf16>) {
  // expected-error @+1 {{has a state of 2x12x32, not of 2x8x32}}
  %0 = mansard.delta_rule decode %x, %decay state %state, %window {head_dim = 8 : i64, heads = 4 : i64, kv_heads = 2 : i64} : (tensor<8x96xbf16>, tensor<8x8xbf16>, tensor<2x12x32xf32>, tensor<2x3x64xbf16>) -> tensor<8x32xbf16>
  return
}

// -----

func.func @sequences(%x: tensor<8x96xbf16>, %decay: tensor<8x8xbf16>, %state: tensor<3x8x32xf32>, %window: tensor<3x3x64xbf16>) {
  // expected-error @+1 {{has 8 rows, which 3 sequences of the state do not share equally}}
  %0 = mansard.delta_rule decode %x, %decay state %state, %window {head_dim = 8 : i64, heads = 4 : i64, kv_heads = 2 : i64} : (tensor<8x96xbf16>, tensor<8x8xbf16>, tensor<3x8x32xf32>, tensor<3x3x64xbf16>) -> tensor<8x32xbf16>
  return
}
