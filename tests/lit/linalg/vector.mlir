// RUN: mansard-opt %s --mansard-import-linalg="function=named" --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=NAMED
// RUN: mansard-opt %s --mansard-import-linalg="function=counted" | FileCheck %s --check-prefix=COUNT
// RUN: mansard-opt %s --mansard-import-linalg="function=rows" --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=APART
// RUN: mansard-opt %s --mansard-import-linalg="function=rows rows=true" --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=ROWS

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#col = affine_map<(i, j) -> (j)>

// NAMED: add bf16 64x128
// NAMED: mul bf16 64x128
// A row for all, which is as good as not read.
// NAMED: 1 x generic:{{[0-9]+}}: {{add|copy}} bf16 64x128
// NAMED: copy bf16 128x64
// NAMED: silu_mul bf16 64x128
// NAMED: gelu bf16 64x128
// NAMED: quantize bf16 64x128
// NAMED: softmax bf16 64x128
func.func @named(%x: tensor<64x128xbf16>, %y: tensor<64x128xbf16>, %b: tensor<128xbf16>) {
  %e = tensor.empty() : tensor<64x128xbf16>
  %0 = linalg.add ins(%x, %y : tensor<64x128xbf16>, tensor<64x128xbf16>) outs(%e : tensor<64x128xbf16>) -> tensor<64x128xbf16>
  %1 = linalg.mul ins(%x, %y : tensor<64x128xbf16>, tensor<64x128xbf16>) outs(%e : tensor<64x128xbf16>) -> tensor<64x128xbf16>
  %2 = linalg.generic {indexing_maps = [#col, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%b, %x : tensor<128xbf16>, tensor<64x128xbf16>) outs(%e : tensor<64x128xbf16>) {
  ^bb0(%l: bf16, %r: bf16, %o: bf16):
    %t = arith.addf %l, %r : bf16
    linalg.yield %t : bf16
  } -> tensor<64x128xbf16>
  %t = tensor.empty() : tensor<128x64xbf16>
  %3 = linalg.transpose ins(%x : tensor<64x128xbf16>) outs(%t : tensor<128x64xbf16>) permutation = [1, 0]
  %one = arith.constant 1.0 : bf16
  %4 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %y : tensor<64x128xbf16>, tensor<64x128xbf16>) outs(%e : tensor<64x128xbf16>) {
  ^bb0(%g: bf16, %u: bf16, %o: bf16):
    %n = arith.negf %g : bf16
    %p = math.exp %n : bf16
    %q = arith.addf %p, %one : bf16
    %r = arith.divf %one, %q : bf16
    %s = arith.mulf %r, %g : bf16
    %w = arith.mulf %s, %u : bf16
    linalg.yield %w : bf16
  } -> tensor<64x128xbf16>
  %half = arith.constant 0.5 : bf16
  %k = arith.constant 0.70703 : bf16
  %5 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<64x128xbf16>) outs(%e : tensor<64x128xbf16>) {
  ^bb0(%g: bf16, %o: bf16):
    %n = arith.mulf %g, %k : bf16
    %p = math.erf %n : bf16
    %q = arith.addf %p, %one : bf16
    %r = arith.mulf %g, %half : bf16
    %w = arith.mulf %r, %q : bf16
    linalg.yield %w : bf16
  } -> tensor<64x128xbf16>
  %e8 = tensor.empty() : tensor<64x128xi8>
  %6 = linalg.generic {indexing_maps = [#id, affine_map<(i, j) -> ()>, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %half : tensor<64x128xbf16>, bf16) outs(%e8 : tensor<64x128xi8>) {
  ^bb0(%g: bf16, %f: bf16, %o: i8):
    %n = arith.divf %g, %f : bf16
    %p = math.roundeven %n : bf16
    %w = arith.fptosi %p : bf16 to i8
    linalg.yield %w : i8
  } -> tensor<64x128xi8>
  %7 = linalg.softmax dimension(1) ins(%x : tensor<64x128xbf16>) outs(%e : tensor<64x128xbf16>) -> tensor<64x128xbf16>
  return
}

// A chain in one op is one kernel. What depends on a row alone is done once a row: 64 roots.
// COUNT: mansard.custom "generic:{{[0-9]+}}" %arg0, %arg1 {read_bytes = 1.664000e+04 : f64, special_operations = 8.256000e+03 : f64, vector_operations = 1.638400e+04 : f64, write_bytes = 1.638400e+04 : f64}
// Arithmetic on integers is counted apart, that of indices not at all.
// COUNT: mansard.custom "generic:{{[0-9]+}}" {{.*}}integer_operations = 8.192000e+03 : f64, {{.*}}read_bytes = 6.553600e+04
// A lookup reads what it picks: 32 rows of 128, and their numbers.
// COUNT: mansard.custom "generic:{{[0-9]+}}" %{{.*}} {read_bytes = 8.448000e+03 : f64, write_bytes = 8.192000e+03 : f64}
// The same tensor twice is read once.
// COUNT: mansard.custom "generic:{{[0-9]+}}" %arg0 {read_bytes = 1.638400e+04
// arith on tensors is work on each element.
// COUNT: mansard.elementwise add "addf:{{[0-9]+}}"
func.func @counted(%x: tensor<64x128xbf16>, %r: tensor<64xf32>, %n: tensor<64x128xi64>, %w: tensor<32xi64>, %table: tensor<1000x128xbf16>) {
  %e = tensor.empty() : tensor<64x128xbf16>
  %0 = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %r : tensor<64x128xbf16>, tensor<64xf32>) outs(%e : tensor<64x128xbf16>) {
  ^bb0(%g: bf16, %s: f32, %o: bf16):
    %a = math.rsqrt %s : f32
    %b = arith.extf %g : bf16 to f32
    %c = arith.mulf %a, %b : f32
    %d = arith.addf %c, %b : f32
    %h = math.exp %d : f32
    %t = arith.truncf %h : f32 to bf16
    linalg.yield %t : bf16
  } -> tensor<64x128xbf16>
  %en = tensor.empty() : tensor<64x128xi64>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%n : tensor<64x128xi64>) outs(%en : tensor<64x128xi64>) {
  ^bb0(%g: i64, %o: i64):
    %i = linalg.index 0 : index
    %j = arith.addi %i, %i : index
    %k = arith.index_cast %j : index to i64
    %t = arith.addi %g, %k : i64
    linalg.yield %t : i64
  } -> tensor<64x128xi64>
  %ew = tensor.empty() : tensor<32x128xbf16>
  %2 = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]} ins(%w : tensor<32xi64>) outs(%ew : tensor<32x128xbf16>) {
  ^bb0(%g: i64, %o: bf16):
    %i = arith.index_cast %g : i64 to index
    %j = linalg.index 1 : index
    %t = tensor.extract %table[%i, %j] : tensor<1000x128xbf16>
    linalg.yield %t : bf16
  } -> tensor<32x128xbf16>
  %3 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %x : tensor<64x128xbf16>, tensor<64x128xbf16>) outs(%e : tensor<64x128xbf16>) {
  ^bb0(%a: bf16, %b: bf16, %o: bf16):
    %t = arith.subf %a, %b : bf16
    linalg.yield %t : bf16
  } -> tensor<64x128xbf16>
  %4 = arith.addf %0, %3 : tensor<64x128xbf16>
  return
}

// APART: 1 x generic:{{[0-9]+}}: custom
// APART: 1 x generic:{{[0-9]+}}: custom
// ROWS: 1 x generic:{{[0-9]+}}: rmsnorm bf16 64x128
// ROWS: 1 kernels, 1 steps
func.func @rows(%x: tensor<64x128xbf16>, %g: tensor<128xbf16>) -> tensor<64x128xbf16> {
  %z = arith.constant 0.0 : f32
  %eps = arith.constant 1.0e-5 : f32
  %n = arith.constant 128.0 : f32
  %er = tensor.empty() : tensor<64xf32>
  %cr = linalg.fill ins(%z : f32) outs(%er : tensor<64xf32>) -> tensor<64xf32>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<64x128xbf16>) outs(%cr : tensor<64xf32>) {
  ^bb0(%a: bf16, %o: f32):
    %b = arith.extf %a : bf16 to f32
    %c = arith.mulf %b, %b : f32
    %t = arith.addf %o, %c : f32
    linalg.yield %t : f32
  } -> tensor<64xf32>
  %e = tensor.empty() : tensor<64x128xbf16>
  %y = linalg.generic {indexing_maps = [#id, #row, #col, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %s, %g : tensor<64x128xbf16>, tensor<64xf32>, tensor<128xbf16>) outs(%e : tensor<64x128xbf16>) {
  ^bb0(%a: bf16, %q: f32, %w: bf16, %o: bf16):
    %m = arith.divf %q, %n : f32
    %p = arith.addf %m, %eps : f32
    %r = math.rsqrt %p : f32
    %b = arith.extf %a : bf16 to f32
    %c = arith.mulf %b, %r : f32
    %d = arith.truncf %c : f32 to bf16
    %t = arith.mulf %d, %w : bf16
    linalg.yield %t : bf16
  } -> tensor<64x128xbf16>
  return %y : tensor<64x128xbf16>
}
