// Loops on slices that are no tiling of one kernel are priced turn by turn, and say why.
// RUN: mansard-opt %s --mansard-import-linalg --split-input-file --verify-diagnostics | FileCheck %s

// Half of the columns only.
// CHECK-LABEL: @half
// CHECK: mansard.repeat 2
// CHECK: mansard.matmul {{.*}} -> tensor<64x64xf32>
func.func @half(%a: tensor<64x64xbf16>, %b: tensor<64x256xbf16>, %c: tensor<64x256xf32>) -> tensor<64x256xf32> {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  // expected-remark @+1 {{'scf.for' is priced turn by turn, not as one tiled kernel: 'linalg.matmul' works on parts of 64 of 256, and 2 turns do not cover them once}}
  %r = scf.for %j = %c0 to %c128 step %c64 iter_args(%o = %c) -> (tensor<64x256xf32>) {
    %bs = tensor.extract_slice %b[0, %j] [64, 64] [1, 1] : tensor<64x256xbf16> to tensor<64x64xbf16>
    %os = tensor.extract_slice %o[0, %j] [64, 64] [1, 1] : tensor<64x256xf32> to tensor<64x64xf32>
    %p = linalg.matmul ins(%a, %bs : tensor<64x64xbf16>, tensor<64x64xbf16>) outs(%os : tensor<64x64xf32>) -> tensor<64x64xf32>
    %n = tensor.insert_slice %p into %o[0, %j] [64, 64] [1, 1] : tensor<64x64xf32> into tensor<64x256xf32>
    scf.yield %n : tensor<64x256xf32>
  }
  return %r : tensor<64x256xf32>
}

// -----

// Each turn multiplies what the last one made.
// CHECK-LABEL: @powers
// CHECK: mansard.repeat 4
func.func @powers(%a: tensor<256x64xbf16>, %c: tensor<64x64xbf16>) -> tensor<64x64xbf16> {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c256 = arith.constant 256 : index
  %e = tensor.empty() : tensor<64x64xbf16>
  // expected-remark @+1 {{not as one tiled kernel: 'linalg.matmul' reads what an earlier turn of the loop wrote}}
  %r = scf.for %i = %c0 to %c256 step %c64 iter_args(%x = %c) -> (tensor<64x64xbf16>) {
    %as = tensor.extract_slice %a[%i, 0] [64, 64] [1, 1] : tensor<256x64xbf16> to tensor<64x64xbf16>
    %p = linalg.matmul ins(%as, %x : tensor<64x64xbf16>, tensor<64x64xbf16>) outs(%e : tensor<64x64xbf16>) -> tensor<64x64xbf16>
    scf.yield %p : tensor<64x64xbf16>
  }
  return %r : tensor<64x64xbf16>
}

// -----

// An outer loop that cuts nothing does it all again.
// CHECK-LABEL: @again
// CHECK: mansard.repeat 10
// CHECK-NEXT: mansard.matmul {{.*}} tile <m = 64, n = 64, k = 0, split_k = 1> : (tensor<64x64xbf16>, tensor<64x256xbf16>, tensor<64x256xf32>)
func.func @again(%a: tensor<64x64xbf16>, %b: tensor<64x256xbf16>, %c: tensor<64x256xf32>) -> tensor<64x256xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c10 = arith.constant 10 : index
  // expected-remark @+1 {{not as one tiled kernel: 'linalg.matmul' does the same in 10 turns}}
  %r = scf.for %t = %c0 to %c10 step %c1 iter_args(%x = %c) -> (tensor<64x256xf32>) {
    %y = scf.forall (%j) in (4) shared_outs(%o = %x) -> (tensor<64x256xf32>) {
      %at = affine.apply affine_map<(d0) -> (d0 * 64)>(%j)
      %bs = tensor.extract_slice %b[0, %at] [64, 64] [1, 1] : tensor<64x256xbf16> to tensor<64x64xbf16>
      %os = tensor.extract_slice %o[0, %at] [64, 64] [1, 1] : tensor<64x256xf32> to tensor<64x64xf32>
      %p = linalg.matmul ins(%a, %bs : tensor<64x64xbf16>, tensor<64x64xbf16>) outs(%os : tensor<64x64xf32>) -> tensor<64x64xf32>
      scf.forall.in_parallel {
        tensor.parallel_insert_slice %p into %o[0, %at] [64, 64] [1, 1] : tensor<64x64xf32> into tensor<64x256xf32>
      }
    }
    scf.yield %y : tensor<64x256xf32>
  }
  return %r : tensor<64x256xf32>
}

// -----

// Every second row.
// CHECK-LABEL: @strided
// CHECK: mansard.repeat 4
func.func @strided(%a: tensor<512x64xbf16>, %b: tensor<64x64xbf16>, %c: tensor<256x64xf32>) -> tensor<256x64xf32> {
  // expected-remark @+1 {{not as one tiled kernel: 'tensor.extract_slice' skips elements}}
  %r = scf.forall (%i) in (4) shared_outs(%o = %c) -> (tensor<256x64xf32>) {
    %at = affine.apply affine_map<(d0) -> (d0 * 64)>(%i)
    %as = tensor.extract_slice %a[%at, 0] [64, 64] [2, 1] : tensor<512x64xbf16> to tensor<64x64xbf16>
    %os = tensor.extract_slice %o[%at, 0] [64, 64] [1, 1] : tensor<256x64xf32> to tensor<64x64xf32>
    %p = linalg.matmul ins(%as, %b : tensor<64x64xbf16>, tensor<64x64xbf16>) outs(%os : tensor<64x64xf32>) -> tensor<64x64xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %p into %o[%at, 0] [64, 64] [1, 1] : tensor<64x64xf32> into tensor<256x64xf32>
    }
  }
  return %r : tensor<256x64xf32>
}

// -----

// A loop without slices is a repetition, of which nothing need be said.
// CHECK-LABEL: @plain
// CHECK: mansard.repeat 3
func.func @plain(%a: tensor<64x64xbf16>, %c: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %r = scf.for %t = %c0 to %c3 step %c1 iter_args(%x = %c) -> (tensor<64x64xf32>) {
    %p = linalg.matmul ins(%a, %a : tensor<64x64xbf16>, tensor<64x64xbf16>) outs(%x : tensor<64x64xf32>) -> tensor<64x64xf32>
    scf.yield %p : tensor<64x64xf32>
  }
  return %r : tensor<64x64xf32>
}

// -----

// Parts with sums of their own that nothing adds up.
// CHECK-LABEL: @parts
// CHECK: mansard.repeat 4
func.func @parts(%a: tensor<64x256xf32>, %b: tensor<256x64xf32>, %c: tensor<64x64x4xf32>) -> tensor<64x64x4xf32> {
  // expected-remark @+1 {{not as one tiled kernel: 'scf.forall' splits an inner dimension, and no op behind it adds up the parts}}
  %r = scf.forall (%k) in (4) shared_outs(%o = %c) -> (tensor<64x64x4xf32>) {
    %at = affine.apply affine_map<(d0) -> (d0 * 64)>(%k)
    %as = tensor.extract_slice %a[0, %at] [64, 64] [1, 1] : tensor<64x256xf32> to tensor<64x64xf32>
    %bs = tensor.extract_slice %b[%at, 0] [64, 64] [1, 1] : tensor<256x64xf32> to tensor<64x64xf32>
    %os = tensor.extract_slice %o[0, 0, %k] [64, 64, 1] [1, 1, 1] : tensor<64x64x4xf32> to tensor<64x64xf32>
    %p = linalg.matmul ins(%as, %bs : tensor<64x64xf32>, tensor<64x64xf32>) outs(%os : tensor<64x64xf32>) -> tensor<64x64xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %p into %o[0, 0, %k] [64, 64, 1] [1, 1, 1] : tensor<64x64xf32> into tensor<64x64x4xf32>
    }
  }
  return %r : tensor<64x64x4xf32>
}
