// RUN: cd %S && mansard-opt --mansard-count-kernels=target=h100-sxm --split-input-file --verify-diagnostics %s

func.func @missing_argument(%x: tensor<4x256xf32>) {
  // expected-error @+1 {{cannot be counted: @scale: which way is taken depends on n: give --arg n=...}}
  mansard.custom @scale %x {file = "Inputs/scale.ll", grid = array<i64: 4>, block = array<i64: 256>} : (tensor<4x256xf32>) -> ()
  return
}

// -----

func.func @no_such_function(%x: tensor<4x256xf32>) {
  // expected-error @+1 {{has no function @scales; it has @scale}}
  mansard.custom @scales %x {file = "Inputs/scale.ll", grid = array<i64: 4>, block = array<i64: 256>} : (tensor<4x256xf32>) -> ()
  return
}

// -----

func.func @no_such_symbol(%x: tensor<4x256xf32>) {
  // expected-error @+1 {{the module has no function @scale in the LLVM dialect}}
  mansard.custom @scale %x {grid = array<i64: 4>, block = array<i64: 256>} : (tensor<4x256xf32>) -> ()
  return
}

// -----

func.func @no_geometry(%x: tensor<4x256xf32>) {
  // expected-error @+1 {{the threads of a group are not known}}
  mansard.custom @scale %x {file = "Inputs/scale.ll", args = {n = 1000}} : (tensor<4x256xf32>) -> ()
  return
}

// -----

func.func @both(%x: tensor<4x256xf32>) {
  // expected-error @+1 {{names a kernel and gives counts}}
  mansard.custom @scale %x {file = "Inputs/scale.ll", read_bytes = 1.0 : f64} : (tensor<4x256xf32>) -> ()
  return
}

// -----

func.func @geometry_of_nothing(%x: tensor<4x256xf32>) {
  // expected-error @+1 {{has 'grid' and names no kernel}}
  mansard.custom %x {grid = array<i64: 4>} : (tensor<4x256xf32>) -> ()
  return
}

// -----

func.func @empty_grid(%x: tensor<4x256xf32>) {
  // expected-error @+1 {{has a grid with an extent of 0}}
  mansard.custom @scale %x {file = "Inputs/scale.ll", grid = array<i64: 0>} : (tensor<4x256xf32>) -> ()
  return
}
