// RUN: not mansard-opt %s --mansard-shard="tp=4 dp=2 ep=3" 2>&1 | FileCheck %s

// CHECK: error: --ep 3 does not divide the 8 devices of a stage (tp 4 x dp 2); the nearest that does is 2
func.func @step(%x: tensor<8x64xbf16>) attributes {mansard.sequences = 8 : i64} {
  return
}
