// RUN: mansard-opt %s --mansard-overlap="mode=two_batch" 2>&1 | FileCheck %s

// CHECK: remark: no tokens are exchanged between devices: there is nothing to overlap with
// CHECK: mansard.notes = ["no tokens are exchanged between devices: there is nothing to overlap with"]
func.func @step(%x: tensor<4x64xbf16>) attributes {mansard.sequences = 4 : i64} {
  return
}
