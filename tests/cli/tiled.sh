#!/usr/bin/env bash
# Modules of tiled loops: two tile sizes compare as they should, the price is that of the kernel with
# the same tile stated, and what does not fit is said with numbers.
. "$(dirname "$0")/expect.sh"

# module M N K: 4096 cubed, bf16, tiled so.
module() {
  cat <<MLIR
func.func @tiled(%a: tensor<4096x4096xbf16>, %b: tensor<4096x4096xbf16>) -> tensor<4096x4096xbf16> {
  %c0 = arith.constant 0 : index
  %step = arith.constant $3 : index
  %end = arith.constant 4096 : index
  %zero = arith.constant 0.0 : bf16
  %e = tensor.empty() : tensor<4096x4096xbf16>
  %c = linalg.fill ins(%zero : bf16) outs(%e : tensor<4096x4096xbf16>) -> tensor<4096x4096xbf16>
  %r = scf.forall (%i, %j) in ($((4096 / $1)), $((4096 / $2))) shared_outs(%o = %c) -> (tensor<4096x4096xbf16>) {
    %y = affine.apply affine_map<(d0) -> (d0 * $1)>(%i)
    %x = affine.apply affine_map<(d0) -> (d0 * $2)>(%j)
    %os = tensor.extract_slice %o[%y, %x] [$1, $2] [1, 1] : tensor<4096x4096xbf16> to tensor<$1x$2xbf16>
    %s = scf.for %k = %c0 to %end step %step iter_args(%acc = %os) -> (tensor<$1x$2xbf16>) {
      %as = tensor.extract_slice %a[%y, %k] [$1, $3] [1, 1] : tensor<4096x4096xbf16> to tensor<$1x$3xbf16>
      %bs = tensor.extract_slice %b[%k, %x] [$3, $2] [1, 1] : tensor<4096x4096xbf16> to tensor<$3x$2xbf16>
      %p = linalg.matmul ins(%as, %bs : tensor<$1x$3xbf16>, tensor<$3x$2xbf16>) outs(%acc : tensor<$1x$2xbf16>) -> tensor<$1x$2xbf16>
      scf.yield %p : tensor<$1x$2xbf16>
    }
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %s into %o[%y, %x] [$1, $2] [1, 1] : tensor<$1x$2xbf16> into tensor<4096x4096xbf16>
    }
  }
  return %r : tensor<4096x4096xbf16>
}
MLIR
}

# priced TARGET M N K: microseconds of the module, which must be those of the kernel.
priced() {
  module "$2" "$3" "$4" >tiled.mlir
  expect 0 'latency_ms' estimate --model tiled.mlir --target "$1" --json
  cp .out module.json
  expect 0 'latency_us' kernel gemm --target "$1" --m 4096 --n 4096 --k 4096 --dtype bf16 \
    --tile-m "$2" --tile-n "$3" --tile-k "$4" --split-k 1 --json
  us=$(python3 -c 'import json
module, kernel = json.load(open("module.json")), json.load(open(".out"))
assert len(module["kernels"]) == 1, module["kernels"]
us = module["latency_ms"] * 1e3
assert abs(us - kernel["latency_us"]) < 1e-6 * us, (us, kernel["latency_us"])
print(us)' 2>.err) || problem "the module with tile $2 x $3 x $4 on $1"
}
less() { python3 -c "import sys; sys.exit(not $1 < $2)" || problem "$1 us is not less than $2 us: $3"; }

for target in h100-sxm ascend-910b; do
  priced $target 128 256 64 && good=$us
  priced $target 64 64 64 && small=$us
  priced $target 512 512 64 && large=$us
  less "$good" "$small" "128 x 256 against 64 x 64 on $target"
  less "$good" "$large" "128 x 256 against 512 x 512 on $target"
done

module 512 512 64 >large.mlir
module 128 256 64 >good.mlir
expect 0 'matmul:[0-9]+: the stated tile does not fit .*shared memory 256 of 228 KiB.*registers 1024 of 128 KiB' \
  estimate --model large.mlir --target h100-sxm
expect 0 'L0C 1024 of 128 KiB \(accumulators\): too small' estimate --model large.mlir --target ascend-910b
expect 0 'the stated tile fits: .*NRAM .*WRAM .*SRAM' estimate --model good.mlir --target mlu590
expect 0 'does not fit .*LDS 96 of 64 KiB' estimate --model good.mlir --target dcu-bw1000
module 128 256 32 >shallow.mlir
expect 0 'the stated tile fits: LDS 48 of 64 KiB.*VGPRs' estimate --model shallow.mlir --target dcu-bw1000
finish
