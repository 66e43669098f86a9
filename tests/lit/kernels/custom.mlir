// RUN: mansard-opt --mansard-count-kernels=target=h100-sxm %s 2>&1 | FileCheck %s
// RUN: mansard-opt --mansard-count-kernels=target=h100-sxm --mansard-print-program %s -o /dev/null | FileCheck --check-prefix=PROGRAM %s

// A kernel in the LLVM dialect: counted, then gone. What MLIR hands over has no names of arguments.
module attributes {llvm.target_triple = "nvptx64-nvidia-cuda"} {
  // CHECK-NOT: llvm.func
  llvm.func @square(%x: !llvm.ptr<1>, %n: i32) {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %g = nvvm.read.ptx.sreg.ctaid.x : i32
    %s = nvvm.read.ptx.sreg.ntid.x : i32
    %o = llvm.mul %g, %s : i32
    %i = llvm.add %o, %t : i32
    %c = llvm.icmp "slt" %i, %n : i32
    llvm.cond_br %c, ^body, ^end
  ^body:
    %p = llvm.getelementptr %x[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v = llvm.load %p : !llvm.ptr<1> -> f32
    %w = llvm.fmul %v, %v : f32
    llvm.store %w, %p : f32, !llvm.ptr<1>
    llvm.br ^end
  ^end:
    llvm.return
  }

  // CHECK-LABEL: func.func @step
  func.func @step(%x: tensor<4x256xf32>) -> tensor<4x256xf32> {
    // 1000 floats read and written; the other 24 threads leave at once.
    // CHECK: mansard.custom "squares" @square %{{.*}} {
    // CHECK-SAME: counted
    // CHECK-SAME: groups = 4.000000e+00
    // CHECK-SAME: multiplied = f32
    // CHECK-SAME: read_bytes = 4.000000e+03
    // CHECK-SAME: write_bytes = 4.000000e+03
    %0 = mansard.custom "squares" @square %x {grid = array<i64: 4>, block = array<i64: 256>, args = {"#1" = 1000}} : (tensor<4x256xf32>) -> tensor<4x256xf32>
    // The same kernel of a file, whose arguments have names.
    // CHECK: mansard.custom "scale" @scale %{{.*}} {
    // CHECK-SAME: read_bytes = 4.000000e+03
    %1 = mansard.custom "scale" @scale %0 {file = "Inputs/scale.ll", grid = array<i64: 4, 1>, block = array<i64: 256>, args = {n = 1000}} : (tensor<4x256xf32>) -> tensor<4x256xf32>
    // CHECK: mansard.elementwise
    %2 = mansard.elementwise add %1, %x : (tensor<4x256xf32>, tensor<4x256xf32>) -> tensor<4x256xf32>
    return %2 : tensor<4x256xf32>
  }
}

// PROGRAM: squares
// PROGRAM: scale
