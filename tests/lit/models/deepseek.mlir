// RUN: mansard-opt %s --mansard-import="model=%models/deepseek-v3.toml batch=256 context=4096 quant=fp8-block" --mansard-shard="dp=32 ep=32" --mansard-legalize="native=bf16,fp8" --mansard-fuse --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=DECODE
// RUN: mansard-opt %s --mansard-import="model=%models/deepseek-v3.toml phase=prefill batch=32 context=1024 quant=w8a8" --mansard-shard="tp=4 dp=8 ep=32" --mansard-legalize="native=fp16,int8" --mansard-fuse --mansard-print-program -o /dev/null 2>/dev/null | FileCheck %s --check-prefix=PREFILL

// DECODE:      3 x layers.ffn.gate_up_proj: gemm fp8 8x36864x7168
// DECODE:      58 x layers.attention_norm: add_rmsnorm bf16 8x7168
// DECODE-NEXT: 58 x layers.mla.q_a_proj: gemm fp8 8x1536x7168
// DECODE-NEXT: 58 x layers.mla.q_a_norm: rmsnorm bf16 8x1536
// DECODE-NEXT: 58 x layers.mla.q_b_proj: gemm fp8 8x24576x1536
// DECODE-NEXT: 58 x layers.mla.kv_a_proj: gemm fp8 8x576x7168
// DECODE-NEXT: 58 x layers.mla.kv_a_norm: rmsnorm bf16 8x512
// DECODE-NEXT: 58 x layers.mla.rope: rope bf16 8x8256
// DECODE-NEXT: 58 x layers.mla.kv_write: scatter bf16 8x576
// DECODE-NEXT: 58 x layers.mla.k_b_proj: grouped_gemm bf16 128 of 8x512x128
// DECODE-NEXT: 58 x layers.mla.attend: mla_decode bf16 batch 8 q 1 kv 4096 heads 128
// DECODE-NEXT: 58 x layers.mla.v_b_proj: grouped_gemm bf16 128 of 8x128x512
// DECODE-NEXT: 58 x layers.mla.quantize: quantize_dynamic bf16 8x16384
// DECODE-NEXT: 58 x layers.mla.o_proj: gemm fp8 8x7168x16384
// DECODE-NEXT: 58 x layers.ffn_norm: add_rmsnorm bf16 8x7168
// DECODE-NEXT: 58 x layers.moe.router: gemm bf16 8x256x7168
// DECODE-NEXT: 58 x layers.moe.topk: topk bf16 8x256
// DECODE-NEXT: 58 x layers.moe.quantize: quantize_dynamic bf16 8x7168
// DECODE-NEXT: 58 x layers.moe.dispatch: dispatch fp8 32 ranks 8 tokens x 7168
// DECODE-NEXT: 58 x layers.moe.experts.up: grouped_gemm fp8 8 of 8x4096x7168
// DECODE-NEXT: 58 x layers.moe.experts.activation: silu_mul bf16 64x2048
// DECODE-NEXT: 58 x layers.moe.experts.down: grouped_gemm fp8 8 of 8x7168x2048
// DECODE-NEXT: 58 x layers.moe.combine: combine bf16 32 ranks 8 tokens x 7168
// DECODE-NEXT: 58 x layers.moe.shared_experts.gate_up_proj: gemm fp8 8x4096x7168
// DECODE-NEXT: 58 x layers.moe.shared_experts.activation: silu_mul bf16 8x2048
// DECODE-NEXT: 58 x layers.moe.shared_experts.down_proj: gemm fp8 8x7168x2048
// DECODE:      256 tokens on 32 devices

// Four devices hold a replica's 4096 tokens and send 1024 each.
// PREFILL:      58 x layers.mla.kv_b_proj: gemm int8 4096x8192x512
// PREFILL-NEXT: 58 x layers.mla.attend: mla_prefill fp16 batch 4 q 1024 kv 1024 heads 32
// PREFILL-NEXT: 58 x layers.mla.quantize
// PREFILL-NEXT: 58 x layers.mla.o_proj: gemm int8 4096x7168x4096
// PREFILL-NEXT: 58 x layers.mla.all_reduce: all_reduce 4 ranks 58720256 bytes
// PREFILL:      58 x layers.moe.router: gemm fp16 1024x256x7168
// PREFILL:      58 x layers.moe.dispatch: dispatch int8 32 ranks 1024 tokens x 7168
// PREFILL-NEXT: 58 x layers.moe.permute: gather int8 8192x7168
// PREFILL-NEXT: 58 x layers.moe.experts.up: grouped_gemm int8 8 of 1024x4096x7168
// PREFILL-NEXT: 58 x layers.moe.experts.activation: silu_mul fp16 8192x2048
// PREFILL-NEXT: 58 x layers.moe.experts.down: grouped_gemm int8 8 of 1024x7168x2048
// PREFILL-NEXT: 58 x layers.moe.unpermute: scatter fp16 8192x7168
// PREFILL-NEXT: 58 x layers.moe.combine: combine fp16 32 ranks 1024 tokens x 7168
// PREFILL:      58 x layers.moe.all_gather: all_gather 4 ranks 58720256 bytes
// PREFILL:      note: the target has no bf16 matrix unit: fp16 is used in its place
