// RUN: mansard-opt %s --mansard-import-linalg="function=plain" --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=PLAIN
// RUN: mansard-opt %s --mansard-import-linalg="function=causal" --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=CAUSAL
// RUN: mansard-opt %s --mansard-import-linalg="function=causal" | FileCheck %s --check-prefix=MASK
// RUN: mansard-opt %s --mansard-import-linalg="function=decode" --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=DECODE
// RUN: mansard-opt %s --mansard-import-linalg="function=used" --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=USED
// RUN: mansard-opt %s --mansard-import-linalg="function=plain attention=false" --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=APART

// PLAIN-NOT: gemm
// PLAIN: 1 x attention:{{[0-9]+}}: attention_prefill bf16 batch 1 q 64 kv 96 heads 8/8x32
// PLAIN: 1 kernels, 1 steps
// PLAIN: note: attention that several ops spell out is priced as one kernel
// APART: grouped_gemm bf16 8 of 64x96x32
// APART: softmax bf16 512x96
// APART: grouped_gemm bf16 8 of 64x32x96
func.func @plain(%q: tensor<8x64x32xbf16>, %k: tensor<8x96x32xbf16>, %v: tensor<8x96x32xbf16>) -> tensor<8x64x32xbf16> {
  %z = arith.constant 0.0 : bf16
  %es = tensor.empty() : tensor<8x64x96xbf16>
  %cs = linalg.fill ins(%z : bf16) outs(%es : tensor<8x64x96xbf16>) -> tensor<8x64x96xbf16>
  %s = linalg.batch_matmul_transpose_b ins(%q, %k : tensor<8x64x32xbf16>, tensor<8x96x32xbf16>) outs(%cs : tensor<8x64x96xbf16>) -> tensor<8x64x96xbf16>
  %p = linalg.softmax dimension(2) ins(%s : tensor<8x64x96xbf16>) outs(%es : tensor<8x64x96xbf16>) -> tensor<8x64x96xbf16>
  %eo = tensor.empty() : tensor<8x64x32xbf16>
  %co = linalg.fill ins(%z : bf16) outs(%eo : tensor<8x64x32xbf16>) -> tensor<8x64x32xbf16>
  %o = linalg.batch_matmul ins(%p, %v : tensor<8x64x96xbf16>, tensor<8x96x32xbf16>) outs(%co : tensor<8x64x32xbf16>) -> tensor<8x64x32xbf16>
  return %o : tensor<8x64x32xbf16>
}


// Scores in single precision, a scale, a mask by positions, softmax in four ops, four query heads to
// a head of keys.
// CAUSAL: 1 x attention:{{[0-9]+}}: attention_prefill bf16 batch 2 q 64 kv 64 heads 12/3x32
// CAUSAL: 1 kernels, 1 steps
// MASK: mansard.attention prefill {{.*}} {causal, head_dim = 32 : i64, heads = 12 : i64, kv_heads = 3 : i64, kv_len = 64 : i64}
func.func @causal(%q: tensor<2x3x4x64x32xbf16>, %k: tensor<2x3x64x32xbf16>, %v: tensor<2x3x64x32xbf16>) -> tensor<2x3x4x64x32xbf16> {
  %zero = arith.constant 0.0 : f32
  %least = arith.constant 0xFF800000 : f32
  %c = arith.constant 0.17 : f32
  %es = tensor.empty() : tensor<2x3x4x64x64xf32>
  %cs = linalg.fill ins(%zero : f32) outs(%es : tensor<2x3x4x64x64xf32>) -> tensor<2x3x4x64x64xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(b, h, g, i, j, d) -> (b, h, g, i, d)>, affine_map<(b, h, g, i, j, d) -> (b, h, j, d)>, affine_map<(b, h, g, i, j, d) -> (b, h, g, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<2x3x4x64x32xbf16>, tensor<2x3x64x32xbf16>) outs(%cs : tensor<2x3x4x64x64xf32>) {
  ^bb0(%l: bf16, %r: bf16, %a: f32):
    %l1 = arith.extf %l : bf16 to f32
    %r1 = arith.extf %r : bf16 to f32
    %m = arith.mulf %l1, %r1 : f32
    %t = arith.addf %a, %m : f32
    linalg.yield %t : f32
  } -> tensor<2x3x4x64x64xf32>
  %x = linalg.generic {indexing_maps = [affine_map<(b, h, g, i, j) -> (b, h, g, i, j)>, affine_map<(b, h, g, i, j) -> (b, h, g, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%s : tensor<2x3x4x64x64xf32>) outs(%es : tensor<2x3x4x64x64xf32>) {
  ^bb0(%l: f32, %a: f32):
    %i = linalg.index 3 : index
    %j = linalg.index 4 : index
    %later = arith.cmpi ugt, %j, %i : index
    %m = arith.mulf %l, %c : f32
    %t = arith.select %later, %least, %m : f32
    linalg.yield %t : f32
  } -> tensor<2x3x4x64x64xf32>
  %er = tensor.empty() : tensor<2x3x4x64xf32>
  %cm = linalg.fill ins(%least : f32) outs(%er : tensor<2x3x4x64xf32>) -> tensor<2x3x4x64xf32>
  %max = linalg.generic {indexing_maps = [affine_map<(b, h, g, i, j) -> (b, h, g, i, j)>, affine_map<(b, h, g, i, j) -> (b, h, g, i)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%x : tensor<2x3x4x64x64xf32>) outs(%cm : tensor<2x3x4x64xf32>) {
  ^bb0(%l: f32, %a: f32):
    %t = arith.maximumf %l, %a : f32
    linalg.yield %t : f32
  } -> tensor<2x3x4x64xf32>
  %e = linalg.generic {indexing_maps = [affine_map<(b, h, g, i, j) -> (b, h, g, i, j)>, affine_map<(b, h, g, i, j) -> (b, h, g, i)>, affine_map<(b, h, g, i, j) -> (b, h, g, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %max : tensor<2x3x4x64x64xf32>, tensor<2x3x4x64xf32>) outs(%es : tensor<2x3x4x64x64xf32>) {
  ^bb0(%l: f32, %r: f32, %a: f32):
    %d = arith.subf %l, %r : f32
    %t = math.exp %d : f32
    linalg.yield %t : f32
  } -> tensor<2x3x4x64x64xf32>
  %cn = linalg.fill ins(%zero : f32) outs(%er : tensor<2x3x4x64xf32>) -> tensor<2x3x4x64xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(b, h, g, i, j) -> (b, h, g, i, j)>, affine_map<(b, h, g, i, j) -> (b, h, g, i)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%e : tensor<2x3x4x64x64xf32>) outs(%cn : tensor<2x3x4x64xf32>) {
  ^bb0(%l: f32, %a: f32):
    %t = arith.addf %l, %a : f32
    linalg.yield %t : f32
  } -> tensor<2x3x4x64xf32>
  %ep = tensor.empty() : tensor<2x3x4x64x64xbf16>
  %p = linalg.generic {indexing_maps = [affine_map<(b, h, g, i, j) -> (b, h, g, i, j)>, affine_map<(b, h, g, i, j) -> (b, h, g, i)>, affine_map<(b, h, g, i, j) -> (b, h, g, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%e, %sum : tensor<2x3x4x64x64xf32>, tensor<2x3x4x64xf32>) outs(%ep : tensor<2x3x4x64x64xbf16>) {
  ^bb0(%l: f32, %r: f32, %a: bf16):
    %d = arith.divf %l, %r : f32
    %t = arith.truncf %d : f32 to bf16
    linalg.yield %t : bf16
  } -> tensor<2x3x4x64x64xbf16>
  %z = arith.constant 0.0 : bf16
  %eo = tensor.empty() : tensor<2x3x4x64x32xbf16>
  %co = linalg.fill ins(%z : bf16) outs(%eo : tensor<2x3x4x64x32xbf16>) -> tensor<2x3x4x64x32xbf16>
  %o = linalg.generic {indexing_maps = [affine_map<(b, h, g, i, d, j) -> (b, h, g, i, j)>, affine_map<(b, h, g, i, d, j) -> (b, h, j, d)>, affine_map<(b, h, g, i, d, j) -> (b, h, g, i, d)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%p, %v : tensor<2x3x4x64x64xbf16>, tensor<2x3x64x32xbf16>) outs(%co : tensor<2x3x4x64x32xbf16>) {
  ^bb0(%l: bf16, %r: bf16, %a: bf16):
    %m = arith.mulf %l, %r : bf16
    %t = arith.addf %a, %m : bf16
    linalg.yield %t : bf16
  } -> tensor<2x3x4x64x32xbf16>
  return %o : tensor<2x3x4x64x32xbf16>
}

// One query each, buffers in place of tensors.
// DECODE: 1 x attention:{{[0-9]+}}: attention_decode fp16 batch 1 q 1 kv 512 heads 16/16x64
// DECODE: 1 kernels, 1 steps
func.func @decode(%q: memref<16x1x64xf16>, %k: memref<16x512x64xf16>, %v: memref<16x512x64xf16>, %o: memref<16x1x64xf16>) {
  %z = arith.constant 0.0 : f16
  %s = memref.alloc() : memref<16x1x512xf16>
  %p = memref.alloc() : memref<16x1x512xf16>
  linalg.fill ins(%z : f16) outs(%s : memref<16x1x512xf16>)
  linalg.batch_matmul_transpose_b ins(%q, %k : memref<16x1x64xf16>, memref<16x512x64xf16>) outs(%s : memref<16x1x512xf16>)
  linalg.softmax dimension(2) ins(%s : memref<16x1x512xf16>) outs(%p : memref<16x1x512xf16>)
  linalg.fill ins(%z : f16) outs(%o : memref<16x1x64xf16>)
  linalg.batch_matmul ins(%p, %v : memref<16x1x512xf16>, memref<16x512x64xf16>) outs(%o : memref<16x1x64xf16>)
  memref.dealloc %s : memref<16x1x512xf16>
  memref.dealloc %p : memref<16x1x512xf16>
  return
}

// The probabilities leave the function: they are stored, and the ops stay apart.
// USED: grouped_gemm
// USED: softmax
// USED: grouped_gemm
// USED: 3 kernels, 3 steps
func.func @used(%q: tensor<8x64x32xbf16>, %k: tensor<8x96x32xbf16>, %v: tensor<8x96x32xbf16>) -> (tensor<8x64x32xbf16>, tensor<8x64x96xbf16>) {
  %z = arith.constant 0.0 : bf16
  %es = tensor.empty() : tensor<8x64x96xbf16>
  %cs = linalg.fill ins(%z : bf16) outs(%es : tensor<8x64x96xbf16>) -> tensor<8x64x96xbf16>
  %s = linalg.batch_matmul_transpose_b ins(%q, %k : tensor<8x64x32xbf16>, tensor<8x96x32xbf16>) outs(%cs : tensor<8x64x96xbf16>) -> tensor<8x64x96xbf16>
  %p = linalg.softmax dimension(2) ins(%s : tensor<8x64x96xbf16>) outs(%es : tensor<8x64x96xbf16>) -> tensor<8x64x96xbf16>
  %eo = tensor.empty() : tensor<8x64x32xbf16>
  %co = linalg.fill ins(%z : bf16) outs(%eo : tensor<8x64x32xbf16>) -> tensor<8x64x32xbf16>
  %o = linalg.batch_matmul ins(%p, %v : tensor<8x64x96xbf16>, tensor<8x96x32xbf16>) outs(%co : tensor<8x64x32xbf16>) -> tensor<8x64x32xbf16>
  return %o, %p : tensor<8x64x32xbf16>, tensor<8x64x96xbf16>
}
