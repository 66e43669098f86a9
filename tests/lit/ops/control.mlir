// RUN: mansard-opt %s | mansard-opt | FileCheck %s

// CHECK-LABEL: @repeat
func.func @repeat(%x: tensor<4x64xbf16>, %y: tensor<4x64xbf16>) -> tensor<4x64xbf16> {
  // CHECK: %[[R:.*]]:2 = mansard.repeat 3 (%[[A:.*]] = %{{.*}}, %[[B:.*]] = %{{.*}}) : tensor<4x64xbf16>, tensor<4x64xbf16> attributes {mansard.layers = 1 : i64} {
  %0:2 = mansard.repeat 3 (%a = %x, %b = %y) : tensor<4x64xbf16>, tensor<4x64xbf16> attributes {mansard.layers = 1 : i64} {
    %1 = mansard.elementwise add %a, %b : (tensor<4x64xbf16>, tensor<4x64xbf16>) -> tensor<4x64xbf16>
    // CHECK: mansard.yield %[[B]], %{{.*}} : tensor<4x64xbf16>, tensor<4x64xbf16>
    mansard.yield %b, %1 : tensor<4x64xbf16>, tensor<4x64xbf16>
  }
  // CHECK: mansard.repeat 2 () {
  mansard.repeat 2 () {
    %2 = mansard.weight "w" replicated : tensor<4xbf16>
  }
  // CHECK: return %[[R]]#1
  return %0#1 : tensor<4x64xbf16>
}

// CHECK-LABEL: @overlap
func.func @overlap(%x: tensor<4x64xbf16>) -> tensor<4x64xbf16> {
  // CHECK: mansard.overlap -> (tensor<4x64xbf16>, tensor<4x64xbf16>) {
  %0:2 = mansard.overlap -> (tensor<4x64xbf16>, tensor<4x64xbf16>) {
    %1 = mansard.elementwise gelu %x {mansard.lane = 0 : i64} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
    %2 = mansard.collective all_reduce %x over 2 {mansard.lane = 1 : i64} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
    mansard.yield %1, %2 : tensor<4x64xbf16>, tensor<4x64xbf16>
  }
  // CHECK: mansard.overlap staggered -> (tensor<4x64xbf16>) {
  %3 = mansard.overlap staggered -> (tensor<4x64xbf16>) {
    %4 = mansard.elementwise gelu %x {mansard.lane = 0 : i64} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
    %5 = mansard.collective all_reduce %4 over 2 {mansard.lane = 1 : i64} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
    mansard.yield %5 : tensor<4x64xbf16>
  }
  return %3 : tensor<4x64xbf16>
}

// CHECK-LABEL: @custom
func.func @custom(%x: tensor<4x64xbf16>) {
  // CHECK: mansard.custom "scan" %{{.*}} {read_bytes = 5.120000e+02 : f64, vector_operations = 1.000000e+03 : f64} : (tensor<4x64xbf16>) -> tensor<4xbf16>
  %0 = mansard.custom "scan" %x {read_bytes = 512.0 : f64, vector_operations = 1000.0 : f64} : (tensor<4x64xbf16>) -> tensor<4xbf16>
  return
}
