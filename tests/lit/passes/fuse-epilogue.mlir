// RUN: mansard-opt %s --mansard-fuse | FileCheck %s
// RUN: mansard-opt %s --mansard-fuse="epilogue=false" | FileCheck %s --check-prefix=OFF
// RUN: mansard-opt %s --mansard-fuse="training=true" | FileCheck %s --check-prefix=TRAINING

// OFF-LABEL: @all_three
// OFF: mansard.matmul "p" %{{.*}}, %{{.*}} :
// OFF: mansard.elementwise add
// OFF: mansard.elementwise add
// OFF: mansard.elementwise silu_mul

// A backward pass needs what goes into residual and activation.
// TRAINING-LABEL: @all_three
// TRAINING: mansard.matmul "p" %{{.*}}, %{{.*}} bias %{{.*}} :
// TRAINING: mansard.elementwise add
// TRAINING: mansard.elementwise silu_mul

// CHECK-LABEL: @all_three
func.func @all_three(%x: tensor<4x64xbf16>, %r: tensor<4x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<4x32xbf16> {
  // CHECK: %[[B:.*]] = mansard.weight "b"
  // CHECK-NEXT: %[[P:.*]] = mansard.matmul "p" %arg0, %arg2 bias %[[B]] residual %arg1 activation silu_mul : {{.*}} -> tensor<4x32xbf16>
  // CHECK-NEXT: return %[[P]]
  %0 = mansard.matmul "p" %x, %w : (tensor<4x64xbf16>, tensor<64x64xbf16>) -> tensor<4x64xbf16>
  %b = mansard.weight "b" column : tensor<64xbf16>
  %1 = mansard.elementwise add %0, %b : (tensor<4x64xbf16>, tensor<64xbf16>) -> tensor<4x64xbf16>
  %2 = mansard.elementwise add %r, %1 : (tensor<4x64xbf16>, tensor<4x64xbf16>) -> tensor<4x64xbf16>
  %3 = mansard.elementwise silu_mul %2 : (tensor<4x64xbf16>) -> tensor<4x32xbf16>
  return %3 : tensor<4x32xbf16>
}

// The product is used twice: it must be stored anyway.
// CHECK-LABEL: @used_twice
func.func @used_twice(%x: tensor<4x64xbf16>, %w: tensor<64x64xbf16>) -> (tensor<4x64xbf16>, tensor<4x64xbf16>) {
  // CHECK: mansard.matmul %{{.*}}, %{{.*}} :
  // CHECK: mansard.elementwise gelu
  %0 = mansard.matmul %x, %w : (tensor<4x64xbf16>, tensor<64x64xbf16>) -> tensor<4x64xbf16>
  %1 = mansard.elementwise gelu %0 : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  return %0, %1 : tensor<4x64xbf16>, tensor<4x64xbf16>
}

// A bias comes before an activation, never after.
// CHECK-LABEL: @wrong_order
func.func @wrong_order(%x: tensor<4x64xbf16>, %w: tensor<64x64xbf16>, %b: tensor<64xbf16>) -> tensor<4x64xbf16> {
  // CHECK: mansard.matmul %{{.*}}, %{{.*}} activation gelu :
  // CHECK: mansard.elementwise add
  %0 = mansard.matmul %x, %w : (tensor<4x64xbf16>, tensor<64x64xbf16>) -> tensor<4x64xbf16>
  %1 = mansard.elementwise gelu %0 : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  %2 = mansard.elementwise add %1, %b : (tensor<4x64xbf16>, tensor<64xbf16>) -> tensor<4x64xbf16>
  return %2 : tensor<4x64xbf16>
}

// Between the devices' products lies their sum.
// CHECK-LABEL: @reduced
func.func @reduced(%x: tensor<4x64xbf16>, %w: tensor<64x64xbf16>, %r: tensor<4x64xbf16>) -> tensor<4x64xbf16> {
  // CHECK: mansard.matmul %{{.*}}, %{{.*}} :
  // CHECK: mansard.collective
  // CHECK: mansard.elementwise add
  %0 = mansard.matmul %x, %w : (tensor<4x64xbf16>, tensor<64x64xbf16>) -> tensor<4x64xbf16>
  %1 = mansard.collective all_reduce %0 over 2 : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  %2 = mansard.elementwise add %r, %1 : (tensor<4x64xbf16>, tensor<4x64xbf16>) -> tensor<4x64xbf16>
  return %2 : tensor<4x64xbf16>
}
