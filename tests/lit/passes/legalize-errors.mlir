// RUN: not mansard-opt %s --mansard-legalize="native=int8" 2>&1 | FileCheck %s
// RUN: not mansard-opt %s --mansard-legalize="native=bf17" 2>&1 | FileCheck %s --check-prefix=NAME

// CHECK: error: the matrix unit multiplies none of bf16, fp16 and fp32, which everything else could be widened to
// NAME: error: native=bf17 is no data type; fp64 fp32 tf32 bf16 fp16 fp8 mxfp8 int8 int4 nvfp4 mxfp4 int32 are
func.func @step() {
  return
}
