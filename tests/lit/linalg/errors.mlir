// RUN: mansard-opt %s --mansard-import-linalg --split-input-file --verify-diagnostics

// expected-error @below {{the module has 2 functions that no other calls; say by --function where a step begins: @a @b}}
module {
  func.func @a(%x: tensor<4xf32>) -> tensor<4xf32> {
    %y = math.exp %x : tensor<4xf32>
    return %y : tensor<4xf32>
  }
  func.func @b() { return }
}

// -----

func.func @a(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = math.exp %x : tensor<4xf32>
  %z = func.call @b(%y) : (tensor<4xf32>) -> tensor<4xf32>
  return %z : tensor<4xf32>
}
func.func @b(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'func.call' calls @b, which is being called already}}
  %z = func.call @b(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %z : tensor<4xf32>
}

// -----

func.func private @outside(tensor<4xf32>) -> tensor<4xf32>
func.func @step(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'func.call' calls @outside, which has no body in this module}}
  %y = func.call @outside(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// expected-error @below {{argument 0 of type 'tensor<*xf32>' has no rank; give --arg-shape 0=4096x4096}}
func.func @step(%x: tensor<*xf32>) -> tensor<*xf32> {
  %y = math.exp %x : tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

// expected-error @below {{'func.func' has a tensor whose dimension 1 is 0; sizes are 1 to 1099511627776}}
func.func @step(%x: tensor<4x0xf32>) -> tensor<4x0xf32> {
  %y = math.exp %x : tensor<4x0xf32>
  return %y : tensor<4x0xf32>
}

// -----

// expected-error @below {{'func.func' has a tensor whose dimension 0 is 9223372036854775807; sizes are 1 to 1099511627776}}
func.func @step(%x: tensor<9223372036854775807x9223372036854775807xf32>) -> tensor<9223372036854775807x9223372036854775807xf32> {
  %y = math.exp %x : tensor<9223372036854775807x9223372036854775807xf32>
  return %y : tensor<9223372036854775807x9223372036854775807xf32>
}

// -----

// expected-error @below {{has elements of type 'complex<f32>'; known are f64 f32 tf32 bf16 f16}}
func.func @step(%x: tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>> {
  %y = tensor.cast %x : tensor<4xcomplex<f32>> to tensor<4xcomplex<f32>>
  return %y : tensor<4xcomplex<f32>>
}

// -----

func.func @step(%x: tensor<4xf32>, %n: index) -> tensor<4xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  // expected-error @below {{'scf.for' has an upper bound that is known only at run time; it must follow from constants, static shapes and what --dim gives}}
  %r = scf.for %i = %zero to %n step %one iter_args(%a = %x) -> (tensor<4xf32>) {
    %y = math.exp %a : tensor<4xf32>
    scf.yield %y : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// -----

func.func @step(%x: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
  // expected-error @below {{'scf.if' branches on what is known only at run time}}
  %r = scf.if %c -> (tensor<4xf32>) {
    %y = math.exp %x : tensor<4xf32>
    scf.yield %y : tensor<4xf32>
  } else {
    scf.yield %x : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// -----

func.func @step(%x: memref<4xf32>) {
  %zero = arith.constant 0 : index
  // expected-error @below {{'memref.load' has no price here; known are the ops of linalg}}
  %v = memref.load %x[%zero] : memref<4xf32>
  return
}

// -----

func.func @step(%x: tensor<4xf32>, %n: index) -> tensor<?xf32> {
  // expected-error @below {{'tensor.empty' has a result of type 'tensor<?xf32>' whose dimension 0 is not known; it must follow from constants, static shapes and what --dim or --arg-shape gives}}
  %e = tensor.empty(%n) : tensor<?xf32>
  return %e : tensor<?xf32>
}

// -----

func.func @step(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %many = arith.constant 9223372036854775807 : index
  // expected-error @below {{'scf.for' runs from 0 to 9223372036854775807; at most 2^40 are possible}}
  %r = scf.for %i = %zero to %many step %one iter_args(%a = %x) -> (tensor<4xf32>) {
    %y = math.exp %a : tensor<4xf32>
    scf.yield %y : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}
