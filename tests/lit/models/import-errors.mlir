// RUN: not mansard-opt %s --mansard-import="model=%models/llama-3.1-8b.toml quant=fp7" 2>&1 | FileCheck %s --check-prefix=QUANT
// RUN: not mansard-opt %s --mansard-import="model=%models/llama-3.1-8b.toml phase=training" 2>&1 | FileCheck %s --check-prefix=PHASE
// RUN: not mansard-opt %s --mansard-import="model=%models/no-such-model.toml" 2>&1 | FileCheck %s --check-prefix=FILE
// RUN: not mansard-opt %s --mansard-import="model=%models/llama-3.1-8b.toml batch=0" 2>&1 | FileCheck %s --check-prefix=BATCH
// RUN: not mansard-opt %s --mansard-import="model=%models/llama-3.1-8b.toml kv-cache=bf17" 2>&1 | FileCheck %s --check-prefix=CACHE
// RUN: not mansard-opt %s --mansard-import="model=%models/llama-3.1-8b.toml" --mansard-import="model=%models/llama-3.1-8b.toml" 2>&1 | FileCheck %s --check-prefix=TWICE

// QUANT: error: quant=fp7 is no quantisation; bf16 fp16 fp8 fp8-block w8a8 w8a16 w4a16 nvfp4 mxfp4 mxfp8 mxfp4-mxfp8 are
// PHASE: error: phase=training is neither prefill nor decode
// FILE: no-such-model.toml
// BATCH: error: --batch is 0
// CACHE: error: kv-cache=bf17 is no data type
// TWICE: error: is not empty
