// What a loop body does beside its product is the product's prologue and epilogue.
// RUN: mansard-opt %s --mansard-import-linalg --split-input-file 2>/dev/null | FileCheck %s
// RUN: mansard-opt %s --mansard-import-linalg --split-input-file 2>&1 >/dev/null | FileCheck %s --check-prefix=SAID

// The start of the sums, the bias, the clamp and the narrower result are part of the kernel; cuts
// within a core's tile are its registers' business.
// SAID: remark: cuts inside of a core's tile are its registers' business and not priced: d0 by 16 d1 by 16
// CHECK-LABEL: @mlp
// CHECK: %[[P:.*]] = mansard.matmul {{.*}} bias %arg2 tile <m = 128, n = 256, k = 64, split_k = 1> : (tensor<1000x4096xbf16>, tensor<4096x2048xbf16>, tensor<2048xf32>) -> tensor<1000x2048xbf16>
// CHECK-NEXT: return %[[P]]

// Weights are widened as they are loaded.
// SAID: remark: generic:{{[0-9]+}} is computed once for each of 4 tiles that need it, and priced once
// CHECK-LABEL: @dequant
// CHECK-NOT: mansard.custom
// CHECK-NOT: mansard.quantize
// CHECK: mansard.matmul {{.*}} tile <m = 64, n = 128, k = 64, split_k = 1> : (tensor<256x4096xbf16>, tensor<4096x2048xi8>) -> tensor<256x2048xf32>
// CHECK-NEXT: return

// Both the product and what is made of it are seen behind the loop: both are written.
// SAID: remark: stays a kernel of its own beside the tiled product: the product is seen behind the loops, too
// CHECK-LABEL: @both
// CHECK: %[[P:.*]] = mansard.matmul {{.*}} tile <m = 64, n = 64, k = 0, split_k = 1>
// CHECK-NEXT: %[[G:.*]] = mansard.custom "exp
// CHECK-NEXT: return %[[P]], %[[G]]
#map = affine_map<(d0) -> (d0 * -128 + 1000, 128)>
#map1 = affine_map<(d0) -> (d0 * 256)>
#map2 = affine_map<(d0) -> (d0 * 128)>
#map3 = affine_map<(d0)[s0] -> (-d0 + s0, 16)>
#map4 = affine_map<(d0, d1) -> (d0, d1)>
#map5 = affine_map<(d0, d1) -> (d1)>
func.func @mlp(%arg0: tensor<1000x4096xbf16>, %arg1: tensor<4096x2048xbf16>, %arg2: tensor<2048xf32>) -> tensor<1000x2048xbf16> {
  %c256 = arith.constant 256 : index
  %c16 = arith.constant 16 : index
  %c64 = arith.constant 64 : index
  %c4096 = arith.constant 4096 : index
  %c0 = arith.constant 0 : index
  %cst = arith.constant 0.000000e+00 : f32
  %0 = tensor.empty() : tensor<1000x2048xf32>
  %1 = tensor.empty() : tensor<1000x2048xbf16>
  %2 = scf.forall (%arg3, %arg4) in (8, 8) shared_outs(%arg5 = %1) -> (tensor<1000x2048xbf16>) {
    %3 = affine.min #map(%arg3)
    %4 = affine.apply #map1(%arg4)
    %5 = affine.apply #map2(%arg3)
    %extracted_slice = tensor.extract_slice %arg0[%5, 0] [%3, 4096] [1, 1] : tensor<1000x4096xbf16> to tensor<?x4096xbf16>
    %extracted_slice_0 = tensor.extract_slice %arg1[0, %4] [4096, 256] [1, 1] : tensor<4096x2048xbf16> to tensor<4096x256xbf16>
    %extracted_slice_1 = tensor.extract_slice %0[%5, %4] [%3, 256] [1, 1] : tensor<1000x2048xf32> to tensor<?x256xf32>
    %6 = linalg.fill ins(%cst : f32) outs(%extracted_slice_1 : tensor<?x256xf32>) -> tensor<?x256xf32>
    %7 = scf.for %arg6 = %c0 to %c4096 step %c64 iter_args(%arg7 = %6) -> (tensor<?x256xf32>) {
      %extracted_slice_4 = tensor.extract_slice %extracted_slice[0, %arg6] [%3, 64] [1, 1] : tensor<?x4096xbf16> to tensor<?x64xbf16>
      %extracted_slice_5 = tensor.extract_slice %extracted_slice_0[%arg6, 0] [64, 256] [1, 1] : tensor<4096x256xbf16> to tensor<64x256xbf16>
      %extracted_slice_6 = tensor.extract_slice %arg7[0, 0] [%3, 256] [1, 1] : tensor<?x256xf32> to tensor<?x256xf32>
      %9 = scf.for %arg8 = %c0 to %3 step %c16 iter_args(%arg9 = %extracted_slice_6) -> (tensor<?x256xf32>) {
        %10 = scf.for %arg10 = %c0 to %c256 step %c16 iter_args(%arg11 = %arg9) -> (tensor<?x256xf32>) {
          %11 = affine.min #map3(%arg8)[%3]
          %extracted_slice_7 = tensor.extract_slice %extracted_slice_4[%arg8, 0] [%11, 64] [1, 1] : tensor<?x64xbf16> to tensor<?x64xbf16>
          %extracted_slice_8 = tensor.extract_slice %extracted_slice_5[0, %arg10] [64, 16] [1, 1] : tensor<64x256xbf16> to tensor<64x16xbf16>
          %extracted_slice_9 = tensor.extract_slice %arg11[%arg8, %arg10] [%11, 16] [1, 1] : tensor<?x256xf32> to tensor<?x16xf32>
          %12 = linalg.matmul ins(%extracted_slice_7, %extracted_slice_8 : tensor<?x64xbf16>, tensor<64x16xbf16>) outs(%extracted_slice_9 : tensor<?x16xf32>) -> tensor<?x16xf32>
          %inserted_slice_10 = tensor.insert_slice %12 into %arg11[%arg8, %arg10] [%11, 16] [1, 1] : tensor<?x16xf32> into tensor<?x256xf32>
          scf.yield %inserted_slice_10 : tensor<?x256xf32>
        }
        scf.yield %10 : tensor<?x256xf32>
      }
      %inserted_slice = tensor.insert_slice %9 into %arg7[0, 0] [%3, 256] [1, 1] : tensor<?x256xf32> into tensor<?x256xf32>
      scf.yield %inserted_slice : tensor<?x256xf32>
    }
    %extracted_slice_2 = tensor.extract_slice %arg2[%4] [256] [1] : tensor<2048xf32> to tensor<256xf32>
    %extracted_slice_3 = tensor.extract_slice %arg5[%5, %4] [%3, 256] [1, 1] : tensor<1000x2048xbf16> to tensor<?x256xbf16>
    %8 = linalg.generic {indexing_maps = [#map4, #map5, #map4], iterator_types = ["parallel", "parallel"]} ins(%7, %extracted_slice_2 : tensor<?x256xf32>, tensor<256xf32>) outs(%extracted_slice_3 : tensor<?x256xbf16>) {
    ^bb0(%in: f32, %in_4: f32, %out: bf16):
      %9 = arith.addf %in, %in_4 : f32
      %10 = arith.maximumf %9, %cst : f32
      %11 = arith.truncf %10 : f32 to bf16
      linalg.yield %11 : bf16
    } -> tensor<?x256xbf16>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %8 into %arg5[%5, %4] [%3, 256] [1, 1] : tensor<?x256xbf16> into tensor<1000x2048xbf16>
    }
  }
  return %2 : tensor<1000x2048xbf16>
}

// -----

#map = affine_map<(d0) -> (d0 * 64)>
#map1 = affine_map<(d0) -> (d0 * 128)>
#map2 = affine_map<(d0, d1) -> (d0, d1)>
func.func @dequant(%arg0: tensor<256x4096xbf16>, %arg1: tensor<4096x2048xi8>) -> tensor<256x2048xf32> {
  %c64 = arith.constant 64 : index
  %c4096 = arith.constant 4096 : index
  %c0 = arith.constant 0 : index
  %cst = arith.constant 0.000000e+00 : f32
  %0 = tensor.empty() : tensor<4096x2048xbf16>
  %1 = tensor.empty() : tensor<256x2048xf32>
  %2 = linalg.fill ins(%cst : f32) outs(%1 : tensor<256x2048xf32>) -> tensor<256x2048xf32>
  %3 = scf.forall (%arg2, %arg3) in (4, 16) shared_outs(%arg4 = %2) -> (tensor<256x2048xf32>) {
    %4 = affine.apply #map(%arg2)
    %5 = affine.apply #map1(%arg3)
    %extracted_slice = tensor.extract_slice %arg0[%4, 0] [64, 4096] [1, 1] : tensor<256x4096xbf16> to tensor<64x4096xbf16>
    %extracted_slice_0 = tensor.extract_slice %arg1[0, %5] [4096, 128] [1, 1] : tensor<4096x2048xi8> to tensor<4096x128xi8>
    %extracted_slice_1 = tensor.extract_slice %0[0, %5] [4096, 128] [1, 1] : tensor<4096x2048xbf16> to tensor<4096x128xbf16>
    %extracted_slice_2 = tensor.extract_slice %arg4[%4, %5] [64, 128] [1, 1] : tensor<256x2048xf32> to tensor<64x128xf32>
    %6 = scf.for %arg5 = %c0 to %c4096 step %c64 iter_args(%arg6 = %extracted_slice_2) -> (tensor<64x128xf32>) {
      %extracted_slice_3 = tensor.extract_slice %extracted_slice[0, %arg5] [64, 64] [1, 1] : tensor<64x4096xbf16> to tensor<64x64xbf16>
      %extracted_slice_4 = tensor.extract_slice %extracted_slice_0[%arg5, 0] [64, 128] [1, 1] : tensor<4096x128xi8> to tensor<64x128xi8>
      %extracted_slice_5 = tensor.extract_slice %extracted_slice_1[%arg5, 0] [64, 128] [1, 1] : tensor<4096x128xbf16> to tensor<64x128xbf16>
      %7 = linalg.generic {indexing_maps = [#map2, #map2], iterator_types = ["parallel", "parallel"]} ins(%extracted_slice_4 : tensor<64x128xi8>) outs(%extracted_slice_5 : tensor<64x128xbf16>) {
      ^bb0(%in: i8, %out: bf16):
        %9 = arith.sitofp %in : i8 to bf16
        linalg.yield %9 : bf16
      } -> tensor<64x128xbf16>
      %8 = linalg.matmul ins(%extracted_slice_3, %7 : tensor<64x64xbf16>, tensor<64x128xbf16>) outs(%arg6 : tensor<64x128xf32>) -> tensor<64x128xf32>
      scf.yield %8 : tensor<64x128xf32>
    }
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %6 into %arg4[%4, %5] [64, 128] [1, 1] : tensor<64x128xf32> into tensor<256x2048xf32>
    }
  }
  return %3 : tensor<256x2048xf32>
}

// -----

func.func @both(%a: tensor<64x64xbf16>, %b: tensor<64x256xbf16>, %c: tensor<64x256xf32>, %d: tensor<64x256xf32>) -> (tensor<64x256xf32>, tensor<64x256xf32>) {
  %r:2 = scf.forall (%j) in (4) shared_outs(%o = %c, %q = %d) -> (tensor<64x256xf32>, tensor<64x256xf32>) {
    %at = affine.apply affine_map<(d0) -> (d0 * 64)>(%j)
    %bs = tensor.extract_slice %b[0, %at] [64, 64] [1, 1] : tensor<64x256xbf16> to tensor<64x64xbf16>
    %os = tensor.extract_slice %o[0, %at] [64, 64] [1, 1] : tensor<64x256xf32> to tensor<64x64xf32>
    %qs = tensor.extract_slice %q[0, %at] [64, 64] [1, 1] : tensor<64x256xf32> to tensor<64x64xf32>
    %p = linalg.matmul ins(%a, %bs : tensor<64x64xbf16>, tensor<64x64xbf16>) outs(%os : tensor<64x64xf32>) -> tensor<64x64xf32>
    %e = linalg.exp ins(%p : tensor<64x64xf32>) outs(%qs : tensor<64x64xf32>) -> tensor<64x64xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %p into %o[0, %at] [64, 64] [1, 1] : tensor<64x64xf32> into tensor<64x256xf32>
      tensor.parallel_insert_slice %e into %q[0, %at] [64, 64] [1, 1] : tensor<64x64xf32> into tensor<64x256xf32>
    }
  }
  return %r#0, %r#1 : tensor<64x256xf32>, tensor<64x256xf32>
}

// -----

// Two products of one nest: what lies between is priced as written and read.
// SAID: remark: 'scf.forall' holds 2 products; each is priced as a kernel of its own
// CHECK-LABEL: @two
// CHECK: mansard.matmul {{.*}} -> tensor<256x512xbf16>
// CHECK-NEXT: mansard.matmul {{.*}} -> tensor<256x128xf32>
func.func @two(%a: tensor<256x64xbf16>, %b: tensor<64x512xbf16>, %c: tensor<512x128xbf16>, %d: tensor<256x128xf32>) -> tensor<256x128xf32> {
  %zero = arith.constant 0.0 : bf16
  %r = scf.forall (%i) in (4) shared_outs(%o = %d) -> (tensor<256x128xf32>) {
    %at = affine.apply affine_map<(d0) -> (d0 * 64)>(%i)
    %as = tensor.extract_slice %a[%at, 0] [64, 64] [1, 1] : tensor<256x64xbf16> to tensor<64x64xbf16>
    %os = tensor.extract_slice %o[%at, 0] [64, 128] [1, 1] : tensor<256x128xf32> to tensor<64x128xf32>
    %e = tensor.empty() : tensor<64x512xbf16>
    %f = linalg.fill ins(%zero : bf16) outs(%e : tensor<64x512xbf16>) -> tensor<64x512xbf16>
    %p = linalg.matmul ins(%as, %b : tensor<64x64xbf16>, tensor<64x512xbf16>) outs(%f : tensor<64x512xbf16>) -> tensor<64x512xbf16>
    %q = linalg.matmul ins(%p, %c : tensor<64x512xbf16>, tensor<512x128xbf16>) outs(%os : tensor<64x128xf32>) -> tensor<64x128xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %q into %o[%at, 0] [64, 128] [1, 1] : tensor<64x128xf32> into tensor<256x128xf32>
    }
  }
  return %r : tensor<256x128xf32>
}
