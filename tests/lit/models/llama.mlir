// RUN: mansard-opt %s --mansard-import="model=%models/llama-3.1-8b.toml batch=8 context=512" | FileCheck %s --check-prefix=IMPORT
// RUN: mansard-opt %s --mansard-import="model=%models/llama-3.1-8b.toml batch=8 context=512 quant=w8a8" --mansard-shard="tp=2" --mansard-legalize="native=bf16,int8" --mansard-fuse --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=DECODE
// RUN: mansard-opt %s --mansard-import="model=%models/llama-3.1-8b.toml phase=prefill batch=8 context=512" --mansard-shard="dp=4" --mansard-fuse --mansard-print-program -o /dev/null | FileCheck %s --check-prefix=PREFILL

// IMPORT-LABEL: func.func @step(%arg0: tensor<8xi32>) -> tensor<8x1xi32>
// IMPORT-SAME:  mansard.phase = "decode", mansard.sequences = 8 : i64, mansard.tokens = 8.000000e+00 : f64
// IMPORT:       mansard.weight "embed" vocab : tensor<128256x4096xbf16>
// IMPORT:       mansard.repeat 32 {{.*}} attributes {mansard.layers = 1 : i64} {
// IMPORT:       mansard.weight "layers.attention.qkv_proj" column parts [32, 8, 8] : tensor<4096x6144xbf16>
// IMPORT:       mansard.kv_cache "layers.attention" heads 8 : tensor<8x512x2048xbf16>
// IMPORT:       mansard.weight "layers.ffn.down_proj" row : tensor<14336x4096xbf16>
// IMPORT:       mansard.matmul "lm_head"

// DECODE:      1 x embed: gather bf16 8x4096
// DECODE-NEXT: 1 x embed.all_reduce: all_reduce 2 ranks 65536 bytes
// DECODE-NEXT: 32 x layers.attention_norm: add_rmsnorm bf16 8x4096
// DECODE-NEXT: 32 x layers.attention.qkv_proj: gemm int8 8x3072x4096
// DECODE-NEXT: 32 x layers.attention.rope: rope bf16 8x2560
// DECODE-NEXT: 32 x layers.attention.kv_write: scatter bf16 8x1024
// DECODE-NEXT: 32 x layers.attention.attend: attention_decode bf16 batch 8 q 1 kv 512 heads 16/4x128
// DECODE-NEXT: 32 x layers.attention.quantize: quantize_dynamic bf16 8x2048
// DECODE-NEXT: 32 x layers.attention.o_proj: gemm int8 8x4096x2048
// DECODE-NEXT: 32 x layers.attention.all_reduce: all_reduce 2 ranks 65536 bytes
// DECODE-NEXT: 32 x layers.ffn_norm: add_rmsnorm bf16 8x4096
// DECODE-NEXT: 32 x layers.ffn.gate_up_proj: gemm int8 8x14336x4096
// DECODE-NEXT: 32 x layers.ffn.activation: silu_mul bf16 8x7168
// DECODE-NEXT: 32 x layers.ffn.down_proj: gemm int8 8x4096x7168
// DECODE-NEXT: 32 x layers.ffn.all_reduce: all_reduce 2 ranks 65536 bytes
// DECODE-NEXT: 1 x final_norm: add_rmsnorm bf16 8x4096
// DECODE-NEXT: 1 x lm_head: gemm bf16 8x64128x4096
// DECODE-NEXT: 1 x lm_head.all_gather: all_gather 2 ranks 2052096 bytes
// DECODE-NEXT: 1 x sample: topk bf16 8x128256
// DECODE:      8 tokens on 2 devices

// PREFILL:      32 x layers.attention.qkv_proj: gemm bf16 1024x6144x4096
// PREFILL:      32 x layers.attention.attend: attention_prefill bf16 batch 2 q 512 kv 512 heads 32/8x128
// PREFILL-NEXT: 32 x layers.attention.o_proj: gemm bf16 1024x4096x4096
// PREFILL-NEXT: 32 x layers.ffn_norm: add_rmsnorm bf16 1024x4096
// PREFILL-NEXT: 32 x layers.ffn.gate_up_proj: gemm bf16 1024x28672x4096
// PREFILL-NEXT: 32 x layers.ffn.down_proj
// PREFILL:      1 x last_token: gather bf16 2x4096
// PREFILL-NEXT: 1 x lm_head: gemm bf16 2x128256x4096
// PREFILL:      4096 tokens on 4 devices
