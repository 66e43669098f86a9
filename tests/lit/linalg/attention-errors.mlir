// RUN: mansard-opt %s --mansard-import-linalg="function=across" --mansard-print-program -o /dev/null | FileCheck %s
// RUN: mansard-opt %s --mansard-import-linalg="function=turned" --mansard-print-program -o /dev/null | FileCheck %s
// RUN: mansard-opt %s --mansard-import-linalg="function=narrow" --mansard-print-program -o /dev/null | FileCheck %s
// RUN: mansard-opt %s --mansard-import-linalg="function=masked" --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=MASK

// No attention: a softmax over the queries, a second product that sums over them, values of another
// width than keys.
// CHECK-NOT: attention
// CHECK: grouped_gemm
// CHECK: softmax
// CHECK: grouped_gemm
// CHECK: 3 steps
func.func @across(%q: tensor<8x64x32xbf16>, %k: tensor<8x64x32xbf16>, %v: tensor<8x64x32xbf16>) -> tensor<8x64x32xbf16> {
  %z = arith.constant 0.0 : bf16
  %es = tensor.empty() : tensor<8x64x64xbf16>
  %cs = linalg.fill ins(%z : bf16) outs(%es : tensor<8x64x64xbf16>) -> tensor<8x64x64xbf16>
  %s = linalg.batch_matmul_transpose_b ins(%q, %k : tensor<8x64x32xbf16>, tensor<8x64x32xbf16>) outs(%cs : tensor<8x64x64xbf16>) -> tensor<8x64x64xbf16>
  %p = linalg.softmax dimension(1) ins(%s : tensor<8x64x64xbf16>) outs(%es : tensor<8x64x64xbf16>) -> tensor<8x64x64xbf16>
  %eo = tensor.empty() : tensor<8x64x32xbf16>
  %co = linalg.fill ins(%z : bf16) outs(%eo : tensor<8x64x32xbf16>) -> tensor<8x64x32xbf16>
  %o = linalg.batch_matmul ins(%p, %v : tensor<8x64x64xbf16>, tensor<8x64x32xbf16>) outs(%co : tensor<8x64x32xbf16>) -> tensor<8x64x32xbf16>
  return %o : tensor<8x64x32xbf16>
}
func.func @turned(%q: tensor<8x64x32xbf16>, %k: tensor<8x64x32xbf16>, %v: tensor<8x64x32xbf16>) -> tensor<8x64x32xbf16> {
  %z = arith.constant 0.0 : bf16
  %es = tensor.empty() : tensor<8x64x64xbf16>
  %cs = linalg.fill ins(%z : bf16) outs(%es : tensor<8x64x64xbf16>) -> tensor<8x64x64xbf16>
  %s = linalg.batch_matmul_transpose_b ins(%q, %k : tensor<8x64x32xbf16>, tensor<8x64x32xbf16>) outs(%cs : tensor<8x64x64xbf16>) -> tensor<8x64x64xbf16>
  %p = linalg.softmax dimension(2) ins(%s : tensor<8x64x64xbf16>) outs(%es : tensor<8x64x64xbf16>) -> tensor<8x64x64xbf16>
  %eo = tensor.empty() : tensor<8x64x32xbf16>
  %co = linalg.fill ins(%z : bf16) outs(%eo : tensor<8x64x32xbf16>) -> tensor<8x64x32xbf16>
  %o = linalg.batch_matmul_transpose_a ins(%p, %v : tensor<8x64x64xbf16>, tensor<8x64x32xbf16>) outs(%co : tensor<8x64x32xbf16>) -> tensor<8x64x32xbf16>
  return %o : tensor<8x64x32xbf16>
}
func.func @narrow(%q: tensor<8x64x32xbf16>, %k: tensor<8x64x32xbf16>, %v: tensor<8x64x16xbf16>) -> tensor<8x64x16xbf16> {
  %z = arith.constant 0.0 : bf16
  %es = tensor.empty() : tensor<8x64x64xbf16>
  %cs = linalg.fill ins(%z : bf16) outs(%es : tensor<8x64x64xbf16>) -> tensor<8x64x64xbf16>
  %s = linalg.batch_matmul_transpose_b ins(%q, %k : tensor<8x64x32xbf16>, tensor<8x64x32xbf16>) outs(%cs : tensor<8x64x64xbf16>) -> tensor<8x64x64xbf16>
  %p = linalg.softmax dimension(2) ins(%s : tensor<8x64x64xbf16>) outs(%es : tensor<8x64x64xbf16>) -> tensor<8x64x64xbf16>
  %eo = tensor.empty() : tensor<8x64x16xbf16>
  %co = linalg.fill ins(%z : bf16) outs(%eo : tensor<8x64x16xbf16>) -> tensor<8x64x16xbf16>
  %o = linalg.batch_matmul ins(%p, %v : tensor<8x64x64xbf16>, tensor<8x64x16xbf16>) outs(%co : tensor<8x64x16xbf16>) -> tensor<8x64x16xbf16>
  return %o : tensor<8x64x16xbf16>
}

// A mask that is only a tensor may hide anything: nothing is left out for it, and a note says so.
// MASK: 1 x attention:{{[0-9]+}}: attention_prefill bf16 batch 1 q 64 kv 64 heads 8/8x32
// MASK: note: a mask of attention whose content is not seen hides nothing from the price
func.func @masked(%q: tensor<8x64x32xbf16>, %k: tensor<8x64x32xbf16>, %v: tensor<8x64x32xbf16>, %m: tensor<8x64x64xbf16>) -> tensor<8x64x32xbf16> {
  %z = arith.constant 0.0 : bf16
  %es = tensor.empty() : tensor<8x64x64xbf16>
  %cs = linalg.fill ins(%z : bf16) outs(%es : tensor<8x64x64xbf16>) -> tensor<8x64x64xbf16>
  %s = linalg.batch_matmul_transpose_b ins(%q, %k : tensor<8x64x32xbf16>, tensor<8x64x32xbf16>) outs(%cs : tensor<8x64x64xbf16>) -> tensor<8x64x64xbf16>
  %a = linalg.add ins(%s, %m : tensor<8x64x64xbf16>, tensor<8x64x64xbf16>) outs(%es : tensor<8x64x64xbf16>) -> tensor<8x64x64xbf16>
  %p = linalg.softmax dimension(2) ins(%a : tensor<8x64x64xbf16>) outs(%es : tensor<8x64x64xbf16>) -> tensor<8x64x64xbf16>
  %eo = tensor.empty() : tensor<8x64x32xbf16>
  %co = linalg.fill ins(%z : bf16) outs(%eo : tensor<8x64x32xbf16>) -> tensor<8x64x32xbf16>
  %o = linalg.batch_matmul ins(%p, %v : tensor<8x64x64xbf16>, tensor<8x64x32xbf16>) outs(%co : tensor<8x64x32xbf16>) -> tensor<8x64x32xbf16>
  return %o : tensor<8x64x32xbf16>
}
