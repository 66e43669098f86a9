// RUN: mansard-opt %s --mansard-import-linalg="dim=batch=8,arg1.1=32,arg2=4" --mansard-print-program -o /dev/null | FileCheck %s
// RUN: mansard-opt %s --mansard-import-linalg="arg-shape=0=8x64xbf16,1=64x32 dim=arg2=4" --mansard-print-program -o /dev/null | FileCheck %s
// RUN: not mansard-opt %s --mansard-import-linalg 2>&1 | FileCheck %s --check-prefix=OPEN
// RUN: not mansard-opt %s --mansard-import-linalg="dim=batch=8" 2>&1 | FileCheck %s --check-prefix=SECOND
// RUN: not mansard-opt %s --mansard-import-linalg="dim=batch=8,arg1.1=32" 2>&1 | FileCheck %s --check-prefix=COUNT
// RUN: not mansard-opt %s --mansard-import-linalg="dim=batch=8,arg1.1=32,arg2=4,btach=9" 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not mansard-opt %s --mansard-import-linalg="dim=batch=eight" 2>&1 | FileCheck %s --check-prefix=NUMBER
// RUN: not mansard-opt %s --mansard-import-linalg="dim=batch=0,arg1.1=32,arg2=4" 2>&1 | FileCheck %s --check-prefix=ZERO
// RUN: not mansard-opt %s --mansard-import-linalg="arg-shape=0=8x65" 2>&1 | FileCheck %s --check-prefix=OTHER
// RUN: not mansard-opt %s --mansard-import-linalg="arg-shape=0=8x64x2" 2>&1 | FileCheck %s --check-prefix=RANK
// RUN: not mansard-opt %s --mansard-import-linalg="arg-shape=0=8x64xf33" 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not mansard-opt %s --mansard-import-linalg="arg-shape=7=8x64 dim=batch=8,arg1.1=32,arg2=4" 2>&1 | FileCheck %s --check-prefix=WHICH

// CHECK: 4 x matmul:{{[0-9]+}}: gemm bf16 8x32x64
// OPEN: error: argument 0 of type 'tensor<?x64xbf16>' leaves dimension 0 open; give --dim batch=N or --arg-shape 0=SHAPE
// SECOND: error: argument 1 of type 'tensor<64x?xbf16>' leaves dimension 1 open; give --dim arg1.1=N or --arg-shape 1=SHAPE
// COUNT: error: 'scf.for' has an upper bound that is known only at run time
// NAME: error: --dim btach=9 names no dimension of @step (did you mean 'batch'?); there are arg0.0, {{.*}}batch
// NUMBER: error: --dim 'batch=eight' is not of the form NAME=NUMBER
// ZERO: error: 'func.func' has a tensor whose dimension 0 is 0; sizes are 1 to 1099511627776
// OTHER: error: argument 0 of type 'tensor<?x64xbf16>' has dimension 1 of 64, not 65
// RANK: error: --arg-shape 0 has 3 dimensions; the argument's type is 'tensor<?x64xbf16>'
// TYPE: error: --arg-shape '0=8x64xf33' ends in no element type that is known
// WHICH: error: --arg-shape 7=... is for argument 7 of @step, which has 3 arguments
func.func @step(%x: tensor<?x64xbf16> {mansard.dims = ["batch", ""]}, %w: tensor<64x?xbf16>, %n: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %z = arith.constant 0.0 : bf16
  %m = tensor.dim %x, %zero : tensor<?x64xbf16>
  %k = tensor.dim %w, %one : tensor<64x?xbf16>
  scf.for %i = %zero to %n step %one {
    %e = tensor.empty(%m, %k) : tensor<?x?xbf16>
    %c = linalg.fill ins(%z : bf16) outs(%e : tensor<?x?xbf16>) -> tensor<?x?xbf16>
    %y = linalg.matmul ins(%x, %w : tensor<?x64xbf16>, tensor<64x?xbf16>) outs(%c : tensor<?x?xbf16>) -> tensor<?x?xbf16>
  }
  return
}
