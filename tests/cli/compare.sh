#!/usr/bin/env bash
# `mansard compare`: its views agree, ranges hold their values, and wrong questions get answers that
# help.
. "$(dirname "$0")/expect.sh"
have_ir || { echo "without the IR there is no serving"; exit 0; }

keys() {
  local expression=$1
  shift
  expect 0 '.' "$@" --json
  python3 -c "import json,sys; j=json.load(open(sys.argv[1])); assert $expression, j" "$work/.out" \
    2>"$work/.err" || problem "mansard $* --json: not so: $expression"
}

load=(--model llama-3.1-8b --isl 1024 --osl 256 --concurrency 16)
two=(compare "${load[@]}" --targets h100-sxm,ascend-910b)
figures="('ttft_ms','tpot_ms','tokens_per_s_per_chip','tokens_per_s_per_w','usd_per_mtok')"
keys "[r['target'] for r in j] == ['h100-sxm', 'ascend-910b']" "${two[@]}"
keys "all(r[f + '_low'] <= r[f] <= r[f + '_high'] for r in j for f in $figures)" "${two[@]}"
keys "all(r['model'] == 'llama-3.1-8b' and r['bound'] and r['failure'] is None for r in j)" "${two[@]}"
keys "all(r['chips'] == 4 and r['ttft_ms_low'] < r['ttft_ms'] for r in j)" "${two[@]}" --disaggregated \
  --prefill-tp 2 --decode-tp 1 --prefill-workers 1 --decode-workers 2
keys "[r['economics'] for r in j] == ['us', 'china']" "${two[@]}" --economics us,ascend-910b=china
keys "j[0]['target'] == 'cloudmatrix-384' and j[0]['chips'] == 1" \
  compare "${load[@]}" --systems cloudmatrix-384 --tp 2
keys "j[0]['failure'] and j[0]['tpot_ms'] is None and j[1]['failure'] is None" \
  compare --model llama-3.1-70b --isl 128 --osl 32 --targets h100-sxm,mi300x

# What is compared is what `serve` says.
expect 0 '.' serve "${load[@]}" --target h100-sxm --json
cp "$work/.out" served.json
keys "all(abs(j[0][f] / s[f] - 1) < 1e-9 for s in [json.load(open('served.json'))] for f in $figures[:3])" "${two[@]}"

expect 0 '^target,model,ttft_ms,ttft_ms_low,ttft_ms_high' "${two[@]}" --csv
expect 0 'tokens/s/kW per 1,000 USD' "${two[@]}"
expect 0 'spread comes from' "${two[@]}"
expect 0 '####' "${two[@]}"
expect 0 'no fp8 matrix unit' compare "${load[@]}" --targets a100-sxm-80gb --quant fp8
expect 0 'cannot run this in .* of the cases' compare --model llama-3.1-70b --targets mlu690 --isl 128 --osl 32
expect 0 'Examples' compare --help

expect 2 '--model is required' compare --targets h100-sxm
expect 2 '--targets or --systems' compare "${load[@]}"
expect 2 'excludes' "${two[@]}" --json --csv
expect 2 '--disaggregated' "${two[@]}" --prefill-tp 2
expect 1 'did you mean .h100-sxm' compare "${load[@]}" --targets h100-sx
expect 1 '--isl: is 0; it may be' compare --model llama-3.1-8b --targets h100-sxm --isl 0
expect 1 '--economics: .h200-sxm. is not compared' "${two[@]}" --economics h200-sxm=us
expect 1 'both for all targets' "${two[@]}" --economics us,china
expect 1 'chin' "${two[@]}" --economics chin
expect 1 'did you mean .sglang' "${two[@]}" --software sglan
expect 1 'h100-sxm: .*would fit with' compare --model llama-3.1-70b --targets h100-sxm
expect 1 'serving needs a model' compare --model "$root/tests/data/modules/block.mlir" --targets h100-sxm
finish
