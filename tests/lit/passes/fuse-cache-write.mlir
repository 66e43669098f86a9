// RUN: mansard-opt %s --mansard-fuse="cache-write=true" | FileCheck %s
// RUN: mansard-opt %s --mansard-fuse | FileCheck %s --check-prefix=DEFAULT

// DEFAULT: mansard.rope
// DEFAULT: mansard.scatter
// CHECK-LABEL: @write
func.func @write(%qkv: tensor<4x64xbf16>) -> (tensor<4x64xbf16>, tensor<4x16x32xbf16>) {
  // CHECK: %[[C:.*]] = mansard.kv_cache
  // CHECK-NEXT: %[[R:.*]], %[[D:.*]] = mansard.rope "rope" %arg0 cache %[[C]] {{.*}} -> (tensor<4x64xbf16>, tensor<4x16x32xbf16>)
  // CHECK-NEXT: return %[[R]], %[[D]]
  %0 = mansard.rope "rope" %qkv {head_dim = 16 : i64, heads = array<i64: 2, 1>, rope_dim = 16 : i64} : (tensor<4x64xbf16>) -> tensor<4x64xbf16>
  %c = mansard.kv_cache "c" heads 1 : tensor<4x16x32xbf16>
  %1 = mansard.scatter %0 into %c : (tensor<4x64xbf16>, tensor<4x16x32xbf16>) -> tensor<4x16x32xbf16>
  return %0, %1 : tensor<4x64xbf16>, tensor<4x16x32xbf16>
}
