// A stated schedule round-trips and arrives in the kernel.
// RUN: mansard-opt %s | FileCheck %s
// RUN: mansard-opt %s | mansard-opt | FileCheck %s
// RUN: mansard-opt %s --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=PROGRAM

// CHECK: mansard.matmul "whole" {{.*}} tile <m = 128, n = 256, k = 64, split_k = 2> : (tensor<512x1024xbf16>
// CHECK: mansard.matmul "some" {{.*}} scaling channel tile <m = 64, n = 64, k = 0, split_k = 0> :
// CHECK: mansard.matmul "none" %{{[0-9a-z]+}}, %{{[0-9a-z]+}} : (
// PROGRAM: 1 x whole: gemm bf16 512x512x1024 tile 128x256x64 split 2
// PROGRAM-NEXT: 1 x some: gemm bf16 x int8 512x512x1024 tile 64x64
// PROGRAM-NEXT: 1 x none: gemm bf16 512x512x1024{{$}}
func.func @step(%x: tensor<512x1024xbf16>) -> (tensor<512x512xbf16>, tensor<512x512xbf16>, tensor<512x512xbf16>) {
  %w = mansard.weight "w" replicated : tensor<1024x512xbf16>
  %v = mansard.weight "v" replicated : tensor<1024x512xi8>
  %a = mansard.matmul "whole" %x, %w tile <m = 128, n = 256, k = 64, split_k = 2> : (tensor<512x1024xbf16>, tensor<1024x512xbf16>) -> tensor<512x512xbf16>
  %b = mansard.matmul "some" %x, %v scaling channel tile <m = 64, n = 64, k = 0, split_k = 0> : (tensor<512x1024xbf16>, tensor<1024x512xi8>) -> tensor<512x512xbf16>
  %c = mansard.matmul "none" %x, %w : (tensor<512x1024xbf16>, tensor<1024x512xbf16>) -> tensor<512x512xbf16>
  return %a, %b, %c : tensor<512x512xbf16>, tensor<512x512xbf16>, tensor<512x512xbf16>
}
