// RUN: mansard-opt %s --split-input-file --verify-diagnostics

func.func @never(%x: tensor<4x64xbf16>) {
  // expected-error @+1 {{has count 0; it must be positive}}
  %0 = mansard.repeat 0 (%a = %x) : tensor<4x64xbf16> {
    mansard.yield %a : tensor<4x64xbf16>
  }
  return
}

// -----

func.func @carried(%x: tensor<4x64xbf16>) {
  // expected-error @+1 {{as value 0 into its region as 'tensor<4x64xbf16>', yields 'tensor<4x32xbf16>'}}
  %0 = mansard.repeat 2 (%a = %x) : tensor<4x64xbf16> {
    %1 = mansard.elementwise silu_mul %a : (tensor<4x64xbf16>) -> tensor<4x32xbf16>
    mansard.yield %1 : tensor<4x32xbf16>
  }
  return
}

// -----

func.func @lost(%x: tensor<4x64xbf16>) {
  // expected-error @+1 {{takes 1 values, its region 1, yields 0 and returns 1; these must be the same}}
  %0 = mansard.repeat 2 (%a = %x) : tensor<4x64xbf16> {
    mansard.yield
  }
  return
}

// -----

func.func @types(%x: tensor<4x64xbf16>) {
  // expected-error @+1 {{has 1 values and 2 types}}
  %0 = mansard.repeat 2 (%a = %x) : tensor<4x64xbf16>, tensor<4x64xbf16> {
    mansard.yield %a : tensor<4x64xbf16>
  }
  return
}

// -----

func.func @no_lane(%x: tensor<4x64xbf16>) {
  mansard.overlap {
    // expected-error @+1 {{is inside of an overlap and must say its lane: mansard.lane = 0 : i64}}
    %1 = mansard.elementwise gelu %x : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  }
  return
}

// -----

func.func @one_lane(%x: tensor<4x64xbf16>) {
  // expected-error @+1 {{has 1 lanes; what runs side by side is two or more}}
  mansard.overlap {
    %1 = mansard.elementwise gelu %x {mansard.lane = 0 : i64} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  }
  return
}

// -----

func.func @stages(%x: tensor<4x64xbf16>) {
  mansard.overlap {
    %1 = mansard.elementwise gelu %x {mansard.lane = 0 : i64} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
    // expected-error @+1 {{has the stage 1 : i64; a staggered overlap has 0 to 4095, any other has none}}
    %2 = mansard.collective all_reduce %x over 2 {mansard.lane = 1 : i64, mansard.stage = 1 : i64} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  }
  return
}

// -----

func.func @dependent(%x: tensor<4x64xbf16>) {
  mansard.overlap {
    %1 = mansard.elementwise gelu %x {mansard.lane = 0 : i64} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
    // expected-error @+1 {{is in lane 1 and uses what lane 0 makes at the same time; only a staggered overlap allows that}}
    %2 = mansard.collective all_reduce %1 over 2 {mansard.lane = 1 : i64} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  }
  return
}

// -----

func.func @nested(%x: tensor<4x64xbf16>) {
  mansard.overlap {
    // expected-error @+1 {{may not be inside of an overlap}}
    mansard.repeat 2 () {
    }
  }
  return
}

// -----

func.func @yields(%x: tensor<4x64xbf16>) {
  // expected-error @+1 {{does not return what its region yields}}
  %0 = mansard.overlap -> (tensor<4x32xbf16>) {
    %1 = mansard.elementwise gelu %x {mansard.lane = 0 : i64} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
    %2 = mansard.collective all_reduce %x over 2 {mansard.lane = 1 : i64} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
    mansard.yield %2 : tensor<4x64xbf16>
  }
  return
}

// -----

func.func @negative() {
  // expected-error @+1 {{has read_bytes -1.000000e+00; a count is not negative}}
  mansard.custom {read_bytes = -1.0 : f64} : () -> ()
  return
}
