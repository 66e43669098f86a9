// RUN: mansard-opt %s --split-input-file --verify-diagnostics --mansard-print-program

// expected-error @+1 {{the module has 2 functions; a step is one}}
module {
  func.func @a() {
    return
  }
  func.func @b() {
    return
  }
}

// -----

// expected-error @+1 {{@a has no body}}
module {
  func.func private @a()
}

// -----

// expected-error @+1 {{'func.call' has no kernels; only ops of the mansard dialect do}}
module {
  func.func @a() {
    func.call @a() : () -> ()
    return
  }
}
