// RUN: mansard-opt %s --mansard-shard="tp=4 ep=2" | FileCheck %s --check-prefix=INSIDE
// RUN: mansard-opt %s --mansard-shard="dp=4 ep=4" | FileCheck %s --check-prefix=ACROSS
// RUN: mansard-opt %s --mansard-shard="tp=2 dp=2 ep=4" | FileCheck %s --check-prefix=BOTH
// RUN: mansard-opt %s --mansard-shard="dp=4 ep=2 moe-tp=2" | FileCheck %s --check-prefix=GATHER
// RUN: mansard-opt %s --mansard-shard="dp=4 ep=4 redundant-experts=3" | FileCheck %s --check-prefix=COPIES
// RUN: mansard-opt %s --mansard-shard="dp=4 ep=4 imbalance=1.5" | FileCheck %s --check-prefix=BUSY
// RUN: sed s/decode/prefill/ %s | mansard-opt --mansard-shard="dp=4 ep=4" | FileCheck %s --check-prefix=BULK

// Two parts of four experts, each expert cut in two: the tokens are there already.
// INSIDE-LABEL: @step
// INSIDE-NOT: mansard.dispatch
// INSIDE: mansard.gather "moe.permute" {{.*}} {experts = #mansard.experts<tokens = 8, topk = 2, experts = 8, ep = 2, tp = 2>} : {{.*}} -> tensor<8x64xi8>
// INSIDE: mansard.weight "moe.up" expert_column : tensor<4x64x32xi8>
// INSIDE: mansard.weight "moe.down" expert_row : tensor<4x16x64xi8>
// INSIDE: %[[S:.*]] = mansard.scatter "moe.unpermute" {{.*}} -> tensor<8x64xbf16>
// INSIDE: mansard.weight "moe.shared" shared_row : tensor<16x64xi8>
// INSIDE: %[[T:.*]] = mansard.elementwise add "moe.add"
// INSIDE-NEXT: mansard.collective all_reduce "moe.all_reduce" %[[T]] over 4

// Each device has two whole experts and two sequences; rows travel quantised, results do not. They
// arrive in their experts' order, and go back as they are.
// ACROSS-LABEL: @step
// ACROSS: mansard.matmul "moe.router" {{.*}} -> tensor<2x8xbf16>
// ACROSS: %[[I:.*]] = mansard.topk "moe.topk"
// ACROSS: %[[R:.*]], %[[C:.*]] = mansard.dispatch low_latency "moe.dispatch" %{{.*}}, %[[I]] scaling token {experts = #mansard.experts<tokens = 8, topk = 2, experts = 8, ep = 4, tp = 1>, node_limit = 2 : i64} : (tensor<2x64xi8>, tensor<2x2xi32>) -> (tensor<4x64xi8>, tensor<4x1xi32>)
// ACROSS-NOT: mansard.gather
// ACROSS: mansard.weight "moe.up" expert_column : tensor<2x64x64xi8>
// ACROSS: mansard.grouped_matmul "moe.up" %[[R]],
// ACROSS: %[[D:.*]] = mansard.grouped_matmul "moe.down"
// ACROSS-NOT: mansard.scatter
// ACROSS: mansard.combine low_latency "moe.combine" %[[D]], %[[I]] {{.*}} : (tensor<4x64xbf16>, tensor<2x2xi32>) -> tensor<2x64xbf16>
// ACROSS: mansard.weight "moe.shared" shared_row : tensor<64x64xi8>
// ACROSS-NOT: mansard.collective

// Two devices hold the same four sequences: each sends two, and gathers what came of all.
// BOTH-LABEL: @step
// BOTH: mansard.view rows %{{.*}} {parts = 2 : i64} : (tensor<4x64xbf16>) -> tensor<2x64xbf16>
// BOTH: mansard.matmul "moe.router" {{.*}} -> tensor<2x8xbf16>
// BOTH: mansard.dispatch {{.*}}<tokens = 8,{{.*}} : (tensor<2x64xi8>, tensor<2x2xi32>) -> (tensor<4x64xi8>, tensor<4x1xi32>)
// BOTH: mansard.combine {{.*}} -> tensor<2x64xbf16>
// BOTH: mansard.weight "moe.shared" shared_row : tensor<64x64xi8>
// BOTH: %[[T:.*]] = mansard.elementwise add "moe.add" {{.*}} -> tensor<2x64xbf16>
// BOTH-NEXT: mansard.collective all_gather "moe.all_gather" %[[T]] over 2 : (tensor<2x64xbf16>) -> tensor<4x64xbf16>

// Two parts of four experts, each cut in two, over four replicas: all tokens go to all, and sums come
// back.
// GATHER-LABEL: @step
// GATHER: mansard.matmul "moe.router" {{.*}} -> tensor<2x8xbf16>
// GATHER: %[[I:.*]] = mansard.topk "moe.topk"
// GATHER: %[[R:.*]], %[[C:.*]] = mansard.dispatch all_gather "moe.all_gather" %{{.*}}, %[[I]] scaling token {experts = #mansard.experts<tokens = 8, topk = 2, experts = 8, ep = 2, tp = 2>} : (tensor<2x64xi8>, tensor<2x2xi32>) -> (tensor<8x64xi8>, tensor<8x2xi32>)
// GATHER: mansard.gather "moe.permute" %[[R]], %[[C]] {{.*}} -> tensor<8x64xi8>
// GATHER: mansard.weight "moe.up" expert_column : tensor<4x64x32xi8>
// GATHER: mansard.weight "moe.down" expert_row : tensor<4x16x64xi8>
// GATHER: %[[D:.*]] = mansard.scatter "moe.unpermute" {{.*}} by %[[C]] {{.*}} -> tensor<8x64xbf16>
// GATHER-NEXT: mansard.combine all_gather "moe.reduce_scatter" %[[D]], %[[I]] {{.*}} : (tensor<8x64xbf16>, tensor<2x2xi32>) -> tensor<2x64xbf16>
// GATHER: mansard.weight "moe.shared" shared_row : tensor<64x64xi8>
// GATHER-NOT: mansard.collective

// The busiest device has half as many rows again, and exchanges as many.
// BUSY: mansard.matmul "moe.router" {{.*}} -> tensor<2x8xbf16>
// BUSY: mansard.dispatch {{.*}}<tokens = 12,{{.*}} : (tensor<2x64xi8>, tensor<2x2xi32>) -> (tensor<6x64xi8>, tensor<6x1xi32>)
// BUSY: mansard.combine {{.*}} : (tensor<6x64xbf16>, tensor<2x2xi32>) -> tensor<2x64xbf16>

// Tokens that come once for all experts of a device are put in their order, and added up.
// BULK: %[[R:.*]], %[[C:.*]] = mansard.dispatch normal
// BULK: mansard.gather "moe.permute" %[[R]], %[[C]]
// BULK: %[[D:.*]] = mansard.scatter "moe.unpermute" {{.*}} by %[[C]]
// BULK-NEXT: mansard.combine normal "moe.combine" %[[D]]

// Eleven places wanted of four devices: three on each.
// COPIES: mansard.notes = ["8 experts fill 12 places, 4 of them with second copies that share their experts' tokens"]
// COPIES: mansard.weight "moe.up" expert_column : tensor<3x64x64xi8>
func.func @step(%x: tensor<8x64xbf16>) -> tensor<8x64xbf16> attributes {mansard.sequences = 8 : i64, mansard.phase = "decode"} {
  %gate = mansard.weight "moe.router" router : tensor<64x8xbf16>
  %scores = mansard.matmul "moe.router" %x, %gate : (tensor<8x64xbf16>, tensor<64x8xbf16>) -> tensor<8x8xbf16>
  %choices = mansard.topk "moe.topk" %scores {groups = 4 : i64, k = 2 : i64, kept = 2 : i64} : (tensor<8x8xbf16>) -> tensor<8x2xi32>
  %q = mansard.quantize "moe.quantize" %x scaling token : (tensor<8x64xbf16>) -> tensor<8x64xi8>
  %rows = mansard.gather "moe.permute" %q, %choices {experts = #mansard.experts<tokens = 8, topk = 2, experts = 8, ep = 1, tp = 1>} : (tensor<8x64xi8>, tensor<8x2xi32>) -> tensor<16x64xi8>
  %up_w = mansard.weight "moe.up" expert_column : tensor<8x64x64xi8>
  %up = mansard.grouped_matmul "moe.up" %rows, %up_w : (tensor<16x64xi8>, tensor<8x64x64xi8>) -> tensor<16x64xbf16>
  %active = mansard.elementwise silu_mul "moe.activation" %up scaling token : (tensor<16x64xbf16>) -> tensor<16x32xi8>
  %down_w = mansard.weight "moe.down" expert_row : tensor<8x32x64xi8>
  %down = mansard.grouped_matmul "moe.down" %active, %down_w : (tensor<16x32xi8>, tensor<8x32x64xi8>) -> tensor<16x64xbf16>
  %routed = mansard.scatter "moe.unpermute" %down by %choices : (tensor<16x64xbf16>, tensor<8x2xi32>) -> tensor<8x64xbf16>
  %first_w = mansard.weight "moe.shared_up" shared_column : tensor<64x64xi8>
  %first = mansard.matmul "moe.shared_up" %q, %first_w : (tensor<8x64xi8>, tensor<64x64xi8>) -> tensor<8x64xbf16>
  %shared_w = mansard.weight "moe.shared" shared_row : tensor<64x64xi8>
  %shared = mansard.matmul "moe.shared" %first, %shared_w : (tensor<8x64xbf16>, tensor<64x64xi8>) -> tensor<8x64xbf16>
  %sum = mansard.elementwise add "moe.add" %routed, %shared : (tensor<8x64xbf16>, tensor<8x64xbf16>) -> tensor<8x64xbf16>
  %n:2 = mansard.norm rmsnorm %sum residual %x : (tensor<8x64xbf16>, tensor<8x64xbf16>) -> (tensor<8x64xbf16>, tensor<8x64xbf16>)
  return %n#0 : tensor<8x64xbf16>
}
