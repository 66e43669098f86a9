// RUN: mansard-opt %s --mansard-estimate=target=h100-sxm | FileCheck %s
// RUN: mansard-opt %s --mansard-estimate=target=h100-sxm --emit=json | FileCheck %s --check-prefix=JSON
// RUN: mansard-opt %s --mansard-estimate="target=h100-sxm emit=remarks" 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK
// RUN: mansard-opt %s --mansard-estimate="target=h100-sxm set=memory.stacks=1" | FileCheck %s --check-prefix=SLOW
// RUN: not mansard-opt %s --mansard-estimate 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not mansard-opt %s --mansard-estimate=target=h100-sxn 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not mansard-opt %s --mansard-estimate="target=h100-sxm emit=xml" 2>&1 | FileCheck %s --check-prefix=EMIT
// RUN: not mansard-opt %s --mansard-estimate="target=h100-sxm set=memory.stack=1" 2>&1 | FileCheck %s --check-prefix=KEY

// A matmul of 2 x 4096^3 operations and 3 x 33.55 MB.
// CHECK: module attributes {mansard.cost = {bound = "matrix", {{.*}}kernels = 2 : i64, latency_us = {{.*}}}, mansard.target = "h100-sxm"}
// CHECK: mansard.matmul {{.*}} {mansard.cost = {bound = "matrix", dram_bytes = {{.*}}, kernels = 1 : i64, latency_us = {{[0-9.E+]+}} : f64}}
// CHECK: mansard.norm {{.*}} {mansard.cost = {bound = "dram", dram_bytes = {{.*}}, kernels = 1 : i64

// JSON: "target": "h100-sxm"
// JSON: "model": "nvidia"
// JSON: "op": "mansard.matmul"
// JSON-NEXT: "location": "{{.*}}estimate.mlir:[[#]]:8"
// JSON-NEXT: "kernels": 1
// JSON: "operations": 137438953472.0
// JSON-NOT: func.func

// REMARK: remark: mansard.matmul takes {{.*}} us, bound by matrix; 1 kernel
// REMARK: remark: mansard.norm takes {{.*}} us, bound by dram; 1 kernel
// REMARK: remark: a step takes {{.*}} us on h100-sxm (model nvidia), bound by matrix

// SLOW: module attributes {mansard.cost = {bound = "dram"

// NONE: needs a target
// UNKNOWN: no target 'h100-sxn'{{.*}}h100-sxm
// EMIT: emit: 'xml' is not known; it may be attributes, json, remarks
// KEY: memory.stack{{.*}}memory.stacks

func.func @step(%x: tensor<4096x4096xbf16>, %w: tensor<4096x4096xbf16>) -> tensor<4096x4096xbf16> {
  %0 = mansard.matmul "mm" %x, %w : (tensor<4096x4096xbf16>, tensor<4096x4096xbf16>) -> tensor<4096x4096xbf16>
  %1 = mansard.norm rmsnorm "n" %0 : (tensor<4096x4096xbf16>) -> tensor<4096x4096xbf16>
  return %1 : tensor<4096x4096xbf16>
}
