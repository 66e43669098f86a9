#!/usr/bin/env bash
# `mansard train`: its views agree, its figures hold together, and wrong plans get answers that help.
. "$(dirname "$0")/expect.sh"
have_ir || { echo "without the IR there is no training"; exit 0; }

keys() {
  local expression=$1
  shift
  expect 0 '.' "$@" --json
  python3 -c "import json,sys; j=json.load(open(sys.argv[1])); assert $expression, j" "$work/.out" \
    2>"$work/.err" || problem "mansard $* --json: not so: $expression"
}

train=(train --model llama-3.1-8b --target h100-sxm --seq 4096)
eight=("${train[@]}" --global-batch 64 --dp 8 --zero 1)
whole="abs(sum(j['parts_ms'].values()) / j['step_time_ms'] - 1) < 1e-9"
busy="abs(sum(j['breakdown_ms'].values()) + j['parts_ms']['bubble_ms'] - j['step_time_ms']) < 1e-6 * j['step_time_ms']"
keys "$whole and $busy and 0 < j['mfu'] <= j['hfu'] < 1 and j['chips'] == 8" "${eight[@]}"
keys "$whole and $busy and j['mfu'] < j['hfu'] and j['parts_ms']['recompute_ms'] > 0" "${eight[@]}" --recompute full
keys "$whole and $busy and 0 < j['bubble_share'] < 0.5" "${train[@]}" --global-batch 32 --tp 2 --pp 4
keys "$whole and $busy and j['communication_share'] > 0" "${train[@]}" --global-batch 32 --tp 8 --sp
keys "$whole and $busy" "${train[@]}" --global-batch 32 --tp 2 --cp 4 --dtype fp8
keys "$whole and $busy" train --model mixtral-8x7b --target a100-sxm-80gb --seq 4096 --global-batch 64 \
  --dp 8 --ep 8 --zero 1 --pp 2
keys "$whole and $busy" train --model deepseek-v3 --target h800 --seq 4096 --global-batch 1024 --pp 16 \
  --dp 64 --ep 64 --zero 1 --dtype fp8-block
for target in ascend-910b mlu590 dcu-k100-ai; do
  keys "$whole and $busy" train --model llama-3.1-8b --target $target --seq 4096 --global-batch 16 --tp 8 --dtype fp16
done
memory="j['memory_gib_per_device']"
keys "abs($memory['optimizer'] / $memory['weights'] - 6) < 1e-9" "${train[@]}" --global-batch 8 --dp 8
keys "abs($memory['optimizer'] / $memory['weights'] - 6 / 8) < 1e-9" "${train[@]}" --global-batch 8 --dp 8 --zero 1
keys "not j['fits'] and any('--zero' in r for r in j['remedies'])" "${train[@]}" --global-batch 8 --dp 8
expect 0 'DOES NOT FIT: .*would fit with' train --model llama-3.1-70b --target h100-sxm --seq 4096 --global-batch 8 --tp 8
expect 0 '^target,model,pass,name' "${eight[@]}" --csv
expect 0 'MFU' "${eight[@]}"
expect 0 'Examples' train --help

expect 2 '--seq is required' train --model llama-3.1-8b --target h100-sxm --global-batch 8
expect 2 '--target or --system' train --model llama-3.1-8b --seq 8 --global-batch 8
expect 1 '--global-batch: 10 sequences .* the nearest degree' "${train[@]}" --global-batch 10 --dp 4
expect 1 '--micro-batch: 3 does not divide .* nearest that does' "${train[@]}" --global-batch 16 --dp 2 --micro-batch 3
expect 1 '--zero: is 4' "${train[@]}" --global-batch 8 --zero 4
expect 1 '--zero: 3 .*--pp' "${train[@]}" --global-batch 8 --zero 3 --pp 2
expect 1 '--pp: 33 is more stages' "${train[@]}" --global-batch 8 --pp 33
expect 1 '--interleave: .*none with --pp 1' "${train[@]}" --global-batch 8 --interleave 2
expect 1 '--interleave: .*at a time' "${train[@]}" --global-batch 6 --pp 4 --interleave 2
expect 1 '--tp 3 does not divide' "${train[@]}" --global-batch 8 --tp 3
expect 1 'did you mean .full' "${train[@]}" --global-batch 8 --recompute ful
expect 1 '--attention.*flash, unfused' "${train[@]}" --global-batch 8 --attention none
expect 1 '--seq: is 0' train --model llama-3.1-8b --target h100-sxm --seq 0 --global-batch 8
expect 1 'training takes a model' train --model "$root/tests/data/modules/block.mlir" --target h100-sxm --seq 8 --global-batch 8
finish
