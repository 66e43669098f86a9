// RUN: not mansard-opt --mansard-print-program %s 2>&1 | FileCheck %s

// CHECK: @scale is not counted
func.func @step(%x: tensor<4x256xf32>) {
  mansard.custom @scale %x {file = "Inputs/scale.ll"} : (tensor<4x256xf32>) -> ()
  return
}
