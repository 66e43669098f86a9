// RUN: mansard-opt %s --split-input-file --verify-diagnostics

func.func @no_such_type() {
  // expected-error @+1 {{must be non-empty tensor of static shape and of an element type that kernels have}}
  %0 = mansard.weight "w" replicated : tensor<4x4xi7>
  return
}

// -----

func.func @dynamic() {
  // expected-error @+1 {{must be non-empty tensor of static shape}}
  %0 = mansard.weight "w" replicated : tensor<?x4xbf16>
  return
}

// -----

func.func @empty() {
  // expected-error @+1 {{must be non-empty tensor of static shape}}
  %0 = mansard.weight "w" replicated : tensor<0x4xbf16>
  return
}

// -----

func.func @parts_of_rows() {
  // expected-error @+1 {{has parts, but only columns are cut in parts}}
  %0 = mansard.weight "w" row parts [2, 1] : tensor<6x4xbf16>
  return
}

// -----

func.func @widths_alone() {
  // expected-error @+1 {{has widths, but no parts that have them}}
  %0 = mansard.weight "w" column widths [16] : tensor<4x64xbf16>
  return
}

// -----

func.func @widths_of_other_parts() {
  // expected-error @+1 {{has 2 parts of 1 widths}}
  %0 = mansard.weight "w" column parts [3, 1] widths [16] : tensor<4x64xbf16>
  return
}

// -----

func.func @widths_do_not_fit() {
  // expected-error @+1 {{has 64 columns, but its heads have 56}}
  %0 = mansard.weight "w" column parts [3, 1] widths [16, 8] : tensor<4x64xbf16>
  return
}

// -----

func.func @parts_do_not_fit() {
  // expected-error @+1 {{has 64 columns, which 5 heads do not share equally}}
  %0 = mansard.weight "w" column parts [3, 2] : tensor<4x64xbf16>
  return
}

// -----

func.func @vector_by_rows() {
  // expected-error @+1 {{is cut by rows, so it must be a matrix}}
  %0 = mansard.weight "w" row : tensor<4xbf16>
  return
}

// -----

func.func @experts_of_rank_one() {
  // expected-error @+1 {{has a parameter of experts of rank 1; it must be 2 or 3}}
  %0 = mansard.weight "w" expert_row : tensor<4xbf16>
  return
}

// -----

func.func @flat_cache() {
  // expected-error @+1 {{has a cache of rank 2; it must be 3}}
  %0 = mansard.kv_cache "c" heads 2 : tensor<4x64xbf16>
  return
}

// -----

func.func @cache_heads() {
  // expected-error @+1 {{has 64 columns, which 3 heads do not share equally}}
  %0 = mansard.kv_cache "c" heads 3 : tensor<4x16x64xbf16>
  return
}

// -----

func.func @zeros_of(%x: tensor<4x8xbf16>) {
  // expected-error @+1 {{of zeros looks at nothing, but has inputs}}
  %0 = mansard.view zeros %x : (tensor<4x8xbf16>) -> tensor<4x8xbf16>
  return
}

// -----

func.func @concat_of_one(%x: tensor<4x8xbf16>) {
  // expected-error @+1 {{concat looks at two tensors or more, not 1}}
  %0 = mansard.view concat %x : (tensor<4x8xbf16>) -> tensor<4x8xbf16>
  return
}

// -----

func.func @wider(%x: tensor<4x8xbf16>) {
  // expected-error @+1 {{shows 9 columns of only 8}}
  %0 = mansard.view columns %x : (tensor<4x8xbf16>) -> tensor<4x9xbf16>
  return
}

// -----

func.func @more_rows(%x: tensor<4x8xbf16>) {
  // expected-error @+1 {{shows 5 rows of only 4}}
  %0 = mansard.view rows %x : (tensor<4x8xbf16>) -> tensor<5x8xbf16>
  return
}

// -----

func.func @part_of_rows(%x: tensor<4x8xbf16>) {
  // expected-error @+1 {{result 0 is 3x8, but its operands imply 2x8}}
  %0 = mansard.view rows %x {parts = 2 : i64} : (tensor<4x8xbf16>) -> tensor<3x8xbf16>
  return
}

// -----

func.func @heads(%x: tensor<4x96xbf16>) {
  // expected-error @+1 {{takes 32 columns for each of 4 heads from 96}}
  %0 = mansard.view heads %x : (tensor<4x96xbf16>) -> tensor<4x4x32xbf16>
  return
}

// -----

func.func @retype(%x: tensor<4x8xbf16>) {
  // expected-error @+1 {{changes the element type}}
  %0 = mansard.view rows %x : (tensor<4x8xbf16>) -> tensor<4x8xf16>
  return
}

// -----

func.func @ragged(%x: tensor<4x8xbf16>, %y: tensor<4x6xbf16>) {
  // expected-error @+1 {{puts 4x6 below 4x8}}
  %0 = mansard.view concat %x, %y : (tensor<4x8xbf16>, tensor<4x6xbf16>) -> tensor<8x8xbf16>
  return
}

// -----

func.func @reshape(%x: tensor<4x8xbf16>) {
  // expected-error @+1 {{shows 33 of 4x8, which has fewer elements}}
  %0 = mansard.view reshape %x : (tensor<4x8xbf16>) -> tensor<33xbf16>
  return
}

// -----

func.func @part(%x: tensor<4x8xbf16>) {
  // expected-error @+1 {{shows 33 of 4x8, which has fewer elements}}
  %0 = mansard.view part %x : (tensor<4x8xbf16>) -> tensor<33xbf16>
  return
}

// -----

func.func @windows(%x: tensor<4x8xbf16>) {
  // expected-error @+1 {{changes the element type}}
  %0 = mansard.view windows %x : (tensor<4x8xbf16>) -> tensor<4x72xf16>
  return
}

// -----

func.func @bits(%x: tensor<4x8xbf16>) {
  // expected-error @+1 {{takes bf16 for fp32, which is not as wide}}
  %0 = mansard.view bits %x : (tensor<4x8xbf16>) -> tensor<4x8xf32>
  return
}
