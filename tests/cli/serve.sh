#!/usr/bin/env bash
# `mansard serve`: its views agree, its figures hold together, and wrong questions get answers that
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

serve=(serve --model llama-3.1-8b --target h100-sxm --isl 1024 --osl 256)
keys "{'ttft_ms','tpot_ms','tokens_per_s_per_chip','requests_per_s','bound'} <= set(j)" "${serve[@]}"
little="abs(j['requests_per_s'] * (j['ttft_ms'] + (j['osl'] - 1) * j['tpot_ms']) / 1e3 / j['concurrency'] - 1) < 1e-6"
keys "$little" "${serve[@]}" --concurrency 64
keys "$little" "${serve[@]}" --concurrency 64 --software sglang --length-spread 0.2
keys "$little" "${serve[@]}" --concurrency 512 --tp 2 --dp 2 --pp 2
keys "$little and j['prefill_workers'] == 1 and j['decode_workers'] == 2 and j['devices'] == 4" \
  "${serve[@]}" --concurrency 64 --disaggregated --decode-tp 1 --prefill-tp 2 --prefill-workers 1 --decode-workers 2
keys "$little and j['communication_share'] > 0" serve --model deepseek-v3 --target h800 --dp 32 --ep 32 \
  --quant fp8-block --isl 2048 --osl 512 --concurrency 2048 --new-tokens 2 --accept 0.8
keys "j['running'] == j['places'] < 20000 and 'run at once' in ' '.join(j['notes'])" "${serve[@]}" --concurrency 20000
keys "[r['concurrency'] for r in j] == [1, 2, 4, 8, 12]" "${serve[@]}" --sweep-concurrency 1:12
keys "all(a['tpot_ms'] <= b['tpot_ms'] for a, b in zip(j, j[1:]))" "${serve[@]}" --sweep-concurrency 1:256
figures="('ttft_ms','tpot_ms','tokens_per_s_per_chip','requests_per_s')"
keys "all(j[f + '_low'] <= j[f] <= j[f + '_high'] and j['uncertainty'][f] for f in $figures)" "${serve[@]}" --concurrency 64
keys "all(r[f + '_low'] < r[f + '_high'] for r in j for f in $figures)" "${serve[@]}" --sweep-concurrency 1,8
keys "all(j[f + '_low'] <= j[f] <= j[f + '_high'] for f in $figures)" "${serve[@]}" --concurrency 64 \
  --disaggregated --decode-tp 1 --prefill-tp 2
watt="80 < j['power_w'] < 700 and abs(sum(j['power_parts_w'].values()) - j['power_w']) < 1e-6 and abs(j['power_w'] / j['tokens_per_s_per_chip'] / j['energy_per_token_j'] - 1) < 1e-9"
keys "$watt" "${serve[@]}" --concurrency 64
keys "$watt" "${serve[@]}" --concurrency 64 --disaggregated --decode-tp 1 --prefill-tp 2
keys "j[0]['power_w'] < j[-1]['power_w'] and j[0]['energy_per_token_j'] > 2 * j[-1]['energy_per_token_j']" "${serve[@]}" --sweep-concurrency 1,64
expect 0 'energy a token' "${serve[@]}" --concurrency 64
expect 0 'tokens/s/chip +[0-9,.]+ \[[0-9,.]+ - [0-9,.]+\]' "${serve[@]}" --concurrency 64
expect 0 'time per output token +[0-9.]+ ms \[[0-9.]+ ms - [0-9.]+ ms\]' "${serve[@]}" --concurrency 64
expect 0 'spread of time per output token: [0-9]+ % .* of .*h100-sxm' "${serve[@]}" --concurrency 64
expect 0 '^target,model,software,isl' "${serve[@]}" --sweep-concurrency 1,8 --csv
expect 0 'time to first token' "${serve[@]}"
expect 0 'tokens/s/chip' "${serve[@]}" --sweep-concurrency 1:64
expect 0 'MindIE' serve --model qwen3-32b --target ascend-910b --tp 4 --isl 1024 --osl 256 --concurrency 8
expect 0 'Examples' serve --help

expect 2 '--model is required' serve --target h100-sxm
expect 2 'requires --disaggregated|--disaggregated' "${serve[@]}" --prefill-tp 2
expect 2 '--disaggregated' "${serve[@]}" --disaggregated --tp 2
expect 2 'excludes' "${serve[@]}" --concurrency 4 --sweep-concurrency 1:4
expect 1 '--isl: is 0; it may be' serve --model llama-3.1-8b --target h100-sxm --isl 0
expect 1 '--concurrency: is -1' "${serve[@]}" --concurrency -1
expect 1 '--prefix-hit: is 2; it is a share' "${serve[@]}" --prefix-hit 2
expect 1 '--imbalance' "${serve[@]}" --imbalance 0
expect 1 '--routing' "${serve[@]}" --routing -1
expect 1 '1:256' "${serve[@]}" --sweep-concurrency 8:1
expect 1 '1:256' "${serve[@]}" --sweep-concurrency 1,,2
expect 1 'did you mean .sglang' "${serve[@]}" --software sglan
expect 1 'does not hold .*would fit with' serve --model llama-3.1-70b --target h100-sxm
expect 1 'serving needs a model' serve --model "$root/tests/data/modules/block.mlir" --target h100-sxm
expect 1 'prefill and of decode workers' "${serve[@]}" --disaggregated --prefill-workers 2
expect 1 '--new-tokens|--accept' "${serve[@]}" --accept 3
finish
