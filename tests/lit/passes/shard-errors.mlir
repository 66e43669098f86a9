// RUN: mansard-opt %s --split-input-file --verify-diagnostics --mansard-shard="tp=3 dp=1"

// expected-error @+1 {{does not say to how many sequences its rows belong (mansard.sequences)}}
func.func @step(%x: tensor<8x64xbf16>) {
  return
}

// -----

// expected-error @+1 {{is sharded already}}
func.func @step(%x: tensor<8x64xbf16>) attributes {mansard.sequences = 8 : i64, mansard.devices = 1 : i64} {
  return
}

// -----

// expected-error @+1 {{has 9 rows, which do not belong to 8 sequences equally}}
func.func @step(%x: tensor<9x64xbf16>) attributes {mansard.sequences = 8 : i64} {
  return
}

// -----

func.func @step() attributes {mansard.sequences = 8 : i64} {
  // expected-error @+1 {{'up' has 64 columns, which tp = 3 does not divide; the nearest that does is 2}}
  %0 = mansard.weight "up" column : tensor<64x64xbf16>
  return
}

// -----

func.func @step() attributes {mansard.sequences = 8 : i64} {
  // expected-error @+1 {{'kv' has 4 heads, which tp = 3 does not divide; the nearest that does is 2}}
  %0 = mansard.kv_cache "kv" heads 4 : tensor<8x16x64xbf16>
  return
}

// -----

func.func @step(%x: tensor<8x64xbf16>) attributes {mansard.sequences = 8 : i64} {
  // expected-error @+1 {{'mansard.collective' cannot be sharded; sharding comes first, on modules of the whole deployment}}
  %0 = mansard.collective all_reduce %x over 2 : (tensor<8x64xbf16>) -> tensor<8x64xbf16>
  return
}

// -----

// expected-error @+1 {{takes 'i32'; only tensors can be sharded}}
func.func @step(%x: i32) attributes {mansard.sequences = 8 : i64} {
  return
}
