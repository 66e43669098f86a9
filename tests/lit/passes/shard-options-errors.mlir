// RUN: not mansard-opt %s --mansard-shard="tp=4 dp=2 ep=3" 2>&1 | FileCheck %s
// RUN: not mansard-opt %s --mansard-shard="dp=8 ep=2 moe-tp=3" 2>&1 | FileCheck %s --check-prefix=WIDTH
// RUN: not mansard-opt %s --mansard-shard="sp=true" 2>&1 | FileCheck %s --check-prefix=ROWS

// WIDTH: error: --ep 2 x --moe-tp 3 is 6 devices for the experts; it must be tp, 1, or a multiple of it that divides the 8 devices of a stage (tp 1 x dp 8); the nearest is --moe-tp 2
// ROWS: error: --sp shares rows among the devices of --tp, which is 1
// CHECK: error: --ep 3 does not divide the 8 devices of a stage (tp 4 x dp 2); the nearest that does is 2
func.func @step(%x: tensor<8x64xbf16>) attributes {mansard.sequences = 8 : i64} {
  return
}
