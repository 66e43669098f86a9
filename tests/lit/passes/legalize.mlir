// RUN: mansard-opt %s --mansard-legalize="native=bf16,fp16,int8" 2>&1 | FileCheck %s --check-prefix=NOFP8
// RUN: mansard-opt %s --mansard-legalize="native=bf16,fp8" 2>&1 | FileCheck %s --check-prefix=NOINT8
// RUN: mansard-opt %s --mansard-legalize="native=fp16,fp8,int8" 2>&1 | FileCheck %s --check-prefix=NOBF16
// RUN: mansard-opt %s --mansard-legalize="native=bf16,fp8,int8" 2>&1 | FileCheck %s --check-prefix=ALL

// Parameters stay stored in FP8, activations are no longer quantised.
// NOFP8: remark: the target has no fp8 matrix unit: activations stay bf16, fp8 parameters are widened to it as they are multiplied
// NOFP8: mansard.notes = ["earlier", "the target has no fp8 matrix unit:
// NOFP8-NOT: mansard.quantize "a.quantize"
// NOFP8: mansard.matmul "a" %{{.*}}, %{{.*}} scaling block : (tensor<4x64xbf16>, tensor<64x64xf8E4M3FN>) -> tensor<4x64xbf16>
// NOFP8: mansard.quantize "b.quantize" {{.*}} -> tensor<4x64xi8>
// NOFP8: mansard.matmul "b" %{{.*}}, %{{.*}} scaling token : (tensor<4x64xi8>, tensor<64x64xi8>) -> tensor<4x64xbf16>

// NOINT8: remark: the target has no int8 matrix unit: activations stay bf16, int8 parameters are widened
// NOINT8: mansard.matmul "a" {{.*}} : (tensor<4x64xf8E4M3FN>, tensor<64x64xf8E4M3FN>)
// NOINT8-NOT: mansard.quantize "b.quantize"
// NOINT8: mansard.matmul "b" {{.*}} : (tensor<4x64xbf16>, tensor<64x64xi8>)

// NOBF16: remark: the target has no bf16 matrix unit: fp16 is used in its place
// NOBF16: func.func @step(%{{.*}}: tensor<4x64xf16>) -> tensor<4x64xf16>
// NOBF16: mansard.matmul "a" {{.*}} -> tensor<4x64xf16>
// NOBF16: mansard.kv_cache "cache" heads 1 : tensor<4x16x64xf8E4M3FN>

// ALL-NOT: remark
// ALL: mansard.notes = ["earlier"]
func.func @step(%x: tensor<4x64xbf16>) -> tensor<4x64xbf16> attributes {mansard.notes = ["earlier"]} {
  %q = mansard.quantize "a.quantize" %x scaling block : (tensor<4x64xbf16>) -> tensor<4x64xf8E4M3FN>
  %a = mansard.weight "a" column scaling block : tensor<64x64xf8E4M3FN>
  %y = mansard.matmul "a" %q, %a scaling block : (tensor<4x64xf8E4M3FN>, tensor<64x64xf8E4M3FN>) -> tensor<4x64xbf16>
  %r = mansard.quantize "b.quantize" %y scaling token : (tensor<4x64xbf16>) -> tensor<4x64xi8>
  %b = mansard.weight "b" column scaling token : tensor<64x64xi8>
  %z = mansard.matmul "b" %r, %b scaling token : (tensor<4x64xi8>, tensor<64x64xi8>) -> tensor<4x64xbf16>
  %c = mansard.kv_cache "cache" heads 1 : tensor<4x16x64xf8E4M3FN>
  return %z : tensor<4x64xbf16>
}
