// RUN: mansard-opt %s --split-input-file --verify-diagnostics

func.func @heads(%q: tensor<8x64xbf16>, %cache: tensor<2x64x96xbf16>) {
  // expected-error @+1 {{has 4 heads, which 3 key-value heads do not share equally}}
  %0 = mansard.attention decode %q, %cache {head_dim = 16 : i64, heads = 4 : i64, kv_heads = 3 : i64, kv_len = 64 : i64} : (tensor<8x64xbf16>, tensor<2x64x96xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @cache(%q: tensor<8x64xbf16>, %cache: tensor<2x64x32xbf16>) {
  // expected-error @+1 {{has a cache of 32 columns; its heads need 64}}
  %0 = mansard.attention decode %q, %cache {head_dim = 16 : i64, heads = 4 : i64, kv_heads = 2 : i64, kv_len = 64 : i64} : (tensor<8x64xbf16>, tensor<2x64x32xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @sequences(%q: tensor<8x64xbf16>, %cache: tensor<3x64x64xbf16>) {
  // expected-error @+1 {{has 8 rows, which 3 sequences of the cache do not share equally}}
  %0 = mansard.attention decode %q, %cache {head_dim = 16 : i64, heads = 4 : i64, kv_heads = 2 : i64, kv_len = 64 : i64} : (tensor<8x64xbf16>, tensor<3x64x64xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @no_keys(%q: tensor<8x80xbf16>, %cache: tensor<2x64x64xbf16>) {
  // expected-error @+1 {{has a query of 80 columns; its heads need 128}}
  %0 = mansard.attention prefill %q, %cache {head_dim = 16 : i64, heads = 4 : i64, kv_heads = 2 : i64, kv_len = 64 : i64} : (tensor<8x80xbf16>, tensor<2x64x64xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @too_short(%q: tensor<8x64xbf16>, %cache: tensor<2x64x64xbf16>) {
  // expected-error @+1 {{has kv_len 3, which counts the 4 queries of a sequence too}}
  %0 = mansard.attention decode %q, %cache {head_dim = 16 : i64, heads = 4 : i64, kv_heads = 2 : i64, kv_len = 3 : i64} : (tensor<8x64xbf16>, tensor<2x64x64xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @window(%q: tensor<8x64xbf16>, %cache: tensor<2x64x64xbf16>) {
  // expected-error @+1 {{has window -1; 0 means none, otherwise it is positive}}
  %0 = mansard.attention decode %q, %cache {head_dim = 16 : i64, heads = 4 : i64, kv_heads = 2 : i64, kv_len = 64 : i64, window = -1 : i64} : (tensor<8x64xbf16>, tensor<2x64x64xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @chunk(%q: tensor<8x64xbf16>, %cache: tensor<2x64x64xbf16>) {
  // expected-error @+1 {{has chunk -1; 0 means none, otherwise it is positive}}
  %0 = mansard.attention decode %q, %cache {chunk = -1 : i64, head_dim = 16 : i64, heads = 4 : i64, kv_heads = 2 : i64, kv_len = 64 : i64} : (tensor<8x64xbf16>, tensor<2x64x64xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @chunk_and_window(%q: tensor<8x64xbf16>, %cache: tensor<2x64x64xbf16>) {
  // expected-error @+1 {{has a window and chunks}}
  %0 = mansard.attention decode %q, %cache {chunk = 8 : i64, head_dim = 16 : i64, heads = 4 : i64, kv_heads = 2 : i64, kv_len = 64 : i64, window = 8 : i64} : (tensor<8x64xbf16>, tensor<2x64x64xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @values(%q: tensor<8x64xbf16>, %cache: tensor<2x64x64xbf16>) {
  // expected-error @+1 {{has a cache of 64 columns; its heads need 48}}
  %0 = mansard.attention decode %q, %cache {head_dim = 16 : i64, heads = 4 : i64, kv_heads = 2 : i64, kv_len = 64 : i64, value_dim = 8 : i64} : (tensor<8x64xbf16>, tensor<2x64x64xbf16>) -> tensor<8x32xbf16>
  return
}

// -----

func.func @sinks(%q: tensor<8x64xbf16>, %cache: tensor<2x64x64xbf16>, %s: tensor<3xbf16>) {
  // expected-error @+1 {{has sinks of 3 for 4 heads}}
  %0 = mansard.attention decode %q, %cache sinks %s {head_dim = 16 : i64, heads = 4 : i64, kv_heads = 2 : i64, kv_len = 64 : i64} : (tensor<8x64xbf16>, tensor<2x64x64xbf16>, tensor<3xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @mla_query(%q: tensor<6x80xbf16>, %kv: tensor<6x128xbf16>, %cache: tensor<2x64x40xbf16>) {
  // expected-error @+1 {{has a query of 80 columns; its heads need 96}}
  %0 = mansard.mla %q, %kv, %cache {heads = 4 : i64, latent_dim = 32 : i64, nope_dim = 16 : i64, rope_dim = 8 : i64, value_dim = 16 : i64} : (tensor<6x80xbf16>, tensor<6x128xbf16>, tensor<2x64x40xbf16>) -> tensor<6x64xbf16>
  return
}

// -----

func.func @mla_cache(%q: tensor<6x96xbf16>, %kv: tensor<6x128xbf16>, %cache: tensor<2x64x32xbf16>) {
  // expected-error @+1 {{has a cache of 32 columns; its heads need 40}}
  %0 = mansard.mla %q, %kv, %cache {heads = 4 : i64, latent_dim = 32 : i64, nope_dim = 16 : i64, rope_dim = 8 : i64, value_dim = 16 : i64} : (tensor<6x96xbf16>, tensor<6x128xbf16>, tensor<2x64x32xbf16>) -> tensor<6x64xbf16>
  return
}

// -----

func.func @mla_absorbed(%q: tensor<6x96xbf16>, %l: tensor<4x6x16xbf16>, %cache: tensor<2x64x40xbf16>) {
  // expected-error @+1 {{has an absorbed query of 4x6x16, not of 4x6x32}}
  %0 = mansard.mla absorbed %q, %l, %cache {heads = 4 : i64, latent_dim = 32 : i64, nope_dim = 16 : i64, rope_dim = 8 : i64, value_dim = 16 : i64} : (tensor<6x96xbf16>, tensor<4x6x16xbf16>, tensor<2x64x40xbf16>) -> tensor<4x6x32xbf16>
  return
}

// -----

func.func @mla_positions(%q: tensor<6x96xbf16>, %kv: tensor<6x128xbf16>, %cache: tensor<2x2x40xbf16>) {
  // expected-error @+1 {{has a cache of 2 positions, which count the 3 queries of a sequence too}}
  %0 = mansard.mla %q, %kv, %cache {heads = 4 : i64, latent_dim = 32 : i64, nope_dim = 16 : i64, rope_dim = 8 : i64, value_dim = 16 : i64} : (tensor<6x96xbf16>, tensor<6x128xbf16>, tensor<2x2x40xbf16>) -> tensor<6x64xbf16>
  return
}

// -----

func.func @rope_dim(%x: tensor<8x64xbf16>) {
  // expected-error @+1 {{turns 32 of only 16 columns of a head}}
  %0 = mansard.rope %x {head_dim = 16 : i64, heads = array<i64: 4>, rope_dim = 32 : i64} : (tensor<8x64xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @rope_heads(%x: tensor<8x64xbf16>) {
  // expected-error @+1 {{has an input of 64 columns; its heads need 96}}
  %0 = mansard.rope %x {head_dim = 16 : i64, heads = array<i64: 4, 2>, rope_dim = 16 : i64} : (tensor<8x64xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

func.func @rope_key(%x: tensor<8x64xbf16>, %k: tensor<4x64xbf16>) {
  // expected-error @+1 {{has 8 rows of queries and 4 of keys}}
  %0:2 = mansard.rope %x key %k {head_dim = 16 : i64, heads = array<i64: 4>, rope_dim = 16 : i64} : (tensor<8x64xbf16>, tensor<4x64xbf16>) -> (tensor<8x64xbf16>, tensor<4x64xbf16>)
  return
}

// -----

func.func @rope_results(%x: tensor<8x64xbf16>, %k: tensor<8x64xbf16>) {
  // expected-error @+1 {{has 1 results; its operands imply 2}}
  %0 = mansard.rope %x key %k {head_dim = 16 : i64, heads = array<i64: 4>, rope_dim = 16 : i64} : (tensor<8x64xbf16>, tensor<8x64xbf16>) -> tensor<8x64xbf16>
  return
}
