// RUN: mansard-opt %s --mansard-overlap="mode=shared_expert" | FileCheck %s --check-prefix=SHARED
// RUN: mansard-opt %s --mansard-overlap="mode=two_batch" | FileCheck %s --check-prefix=TWO

#e = #mansard.experts<tokens = 20, topk = 2, experts = 8, ep = 4, tp = 1>

// The shared experts' sum with the routed ones cannot be made before those are back.
// SHARED: %[[O:.*]]:3 = mansard.overlap -> (tensor<10x64xbf16>, tensor<10x1xi32>, tensor<5x64xbf16>) {
// SHARED: mansard.dispatch {{.*}}mansard.lane = 1 : i64
// SHARED: mansard.weight "shared_up"
// SHARED: mansard.matmul "shared_up" {{.*}}mansard.lane = 0 : i64
// SHARED: mansard.matmul "shared_down" {{.*}}mansard.lane = 0 : i64
// SHARED: mansard.yield
// SHARED: %[[M:.*]] = mansard.moe
// SHARED: %[[C:.*]] = mansard.combine
// SHARED: mansard.elementwise add "shared_down.add" %[[C]], %[[O]]#2

// Three sequences of five, then two; parameters once. The second half is three of four stages behind.
// TWO: mansard.weight "up"
// TWO: mansard.overlap staggered -> (tensor<5x64xbf16>) {
// TWO: mansard.view rows %[[X:.*]] : (tensor<5x64xbf16>) -> tensor<3x64xbf16>
// TWO: mansard.dispatch {{.*}}tokens = 12,{{.*}}mansard.lane = 1 : i64, mansard.stage = 2 : i64{{.*}} : (tensor<3x64xbf16>, {{.*}} -> (tensor<6x64xbf16>
// TWO: mansard.moe {{.*}}tokens = 12,{{.*}}mansard.lane = 0 : i64, mansard.stage = 3 : i64
// TWO: mansard.combine {{.*}}mansard.lane = 1 : i64, mansard.stage = 0 : i64{{.*}} -> tensor<3x64xbf16>
// TWO: mansard.matmul "shared_up" {{.*}}mansard.lane = 0 : i64, mansard.stage = 0 : i64
// TWO: mansard.view rows %[[X]] : (tensor<5x64xbf16>) -> tensor<2x64xbf16>
// TWO: mansard.matmul "gate" {{.*}}mansard.stage = 0 : i64
// TWO: mansard.dispatch {{.*}}tokens = 8,{{.*}}mansard.stage = 1 : i64
// TWO: mansard.view concat {{.*}} -> tensor<5x64xbf16>
func.func @step(%x0: tensor<5x64xbf16>) attributes {mansard.sequences = 5 : i64} {
  %r = mansard.repeat 3 (%x = %x0) : tensor<5x64xbf16> attributes {mansard.layers = 1 : i64} {
    %gate = mansard.weight "gate" router : tensor<64x8xbf16>
    %scores = mansard.matmul "gate" %x, %gate : (tensor<5x64xbf16>, tensor<64x8xbf16>) -> tensor<5x8xbf16>
    %choices = mansard.topk %scores {k = 2 : i64} : (tensor<5x8xbf16>) -> tensor<5x2xi32>
    %rows:2 = mansard.dispatch normal %x, %choices {experts = #e} : (tensor<5x64xbf16>, tensor<5x2xi32>) -> (tensor<10x64xbf16>, tensor<10x1xi32>)
    %up = mansard.weight "up" expert_column : tensor<2x64x64xbf16>
    %down = mansard.weight "down" expert_row : tensor<2x32x64xbf16>
    %m = mansard.moe gated %rows#0, %rows#1, %up, %down {experts = #e} : (tensor<10x64xbf16>, tensor<10x1xi32>, tensor<2x64x64xbf16>, tensor<2x32x64xbf16>) -> tensor<10x64xbf16>
    %back = mansard.combine normal %m, %choices {experts = #e} : (tensor<10x64xbf16>, tensor<5x2xi32>) -> tensor<5x64xbf16>
    %su_w = mansard.weight "shared_up" shared_column : tensor<64x64xbf16>
    %su = mansard.matmul "shared_up" %x, %su_w activation silu_mul : (tensor<5x64xbf16>, tensor<64x64xbf16>) -> tensor<5x32xbf16>
    %sd_w = mansard.weight "shared_down" shared_row : tensor<32x64xbf16>
    %sd = mansard.matmul "shared_down" %su, %sd_w residual %back : (tensor<5x32xbf16>, tensor<32x64xbf16>, tensor<5x64xbf16>) -> tensor<5x64xbf16>
    mansard.yield %sd : tensor<5x64xbf16>
  }
  return
}
