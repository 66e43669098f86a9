// RUN: mansard-opt %s --mansard-import="model=%models/gpt-oss-120b.toml batch=8 context=4096 quant=mxfp4" --mansard-shard="tp=2" --mansard-fuse --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=OSS
// RUN: mansard-opt %s --mansard-import="model=%models/mixtral-8x7b.toml batch=8 context=4096" --mansard-shard="tp=2 ep=2" --mansard-fuse --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=MIXTRAL
// RUN: mansard-opt %s --mansard-import="model=%models/qwen3-30b-a3b.toml batch=8 context=4096 quant=fp8-block" --mansard-shard="dp=8 ep=8" --mansard-fuse --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=QWEN
// RUN: mansard-opt %s --mansard-import="model=%models/kimi-k2.toml batch=128 context=4096 quant=fp8-block" --mansard-shard="dp=128 ep=128" --mansard-fuse --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=KIMI

// A sliding layer and a full one, eighteen times; attention is not quantised, experts are.
// OSS:      18 x layers.sliding_attention.qkv_proj: gemm bf16 8x2560x2880
// OSS:      18 x layers.sliding_attention.attend: attention_decode bf16 batch 8 q 1 kv 4096 heads 32/4x64 window 128
// OSS:      18 x layers.moe.router: gemm bf16 8x128x2880
// OSS-NEXT: 18 x layers.moe.topk
// OSS-NEXT: 18 x layers.moe.experts: moe bf16
// OSS-NEXT: 18 x layers.moe.all_reduce: all_reduce 2 ranks 46080 bytes
// OSS-NEXT: 18 x layers.attention_norm
// OSS:      18 x layers.attention.attend: attention_decode bf16 batch 8 q 1 kv 4096 heads 32/4x64

// MIXTRAL:      32 x layers.moe.experts: moe bf16 tokens 8 hidden 4096 inter 14336 top 2 of 8 tp 1 ep 2
// MIXTRAL-NEXT: 32 x layers.moe.all_reduce

// QWEN:      48 x layers.attention.qk_norm: rmsnorm bf16 36x128
// QWEN:      48 x layers.moe.dispatch: dispatch fp8 8 ranks 1 tokens x 2048
// QWEN-NEXT: 48 x layers.moe.experts.up: grouped_gemm fp8 8 of 1x1536x2048
// QWEN-NEXT: 48 x layers.moe.experts.activation: silu_mul bf16 8x768
// QWEN-NEXT: 48 x layers.moe.experts.down: grouped_gemm fp8 8 of 1x2048x768
// QWEN-NEXT: 48 x layers.moe.combine

// KIMI: 1 x layers.ffn.gate_up_proj
// KIMI: 60 x layers.mla.attend: mla_decode bf16 batch 1 q 1 kv 4096 heads 64
// KIMI: 60 x layers.moe.experts.up: grouped_gemm fp8 3 of 3x4096x7168
