// RUN: mansard-opt %s --mansard-shard="tp=2" --mansard-legalize="native=bf16" --mansard-fuse --mansard-overlap="mode=two_batch" 2>/dev/null | FileCheck %s

// A function without a body is left alone.
// CHECK: func.func private @step(tensor<4x64xbf16>)
func.func private @step(tensor<4x64xbf16>)
