#!/usr/bin/env bash
# JSON parses and has the keys that programs rely on; tables and JSON go to stdout alone.
. "$(dirname "$0")/expect.sh"

# keys EXPRESSION ARGUMENTS...: a Python expression over the parsed JSON `j` must hold.
keys() {
  local expression=$1
  shift
  expect 0 '.' "$@" --json
  python3 -c "import json,sys; j=json.load(open(sys.argv[1])); assert $expression, j" "$work/.out" \
    2>"$work/.err" || problem "mansard $* --json: not so: $expression"
}
has() { echo "set('$1'.split()) <= set($2)"; }
bounds="matrix vector sram l2 dram link fixed"

kernel=(kernel gemm --target h100-sxm --m 64 --n 4096 --k 4096 --dtype bf16)
keys "$(has 'target model op latency_us bound breakdown_us tflops dram_gbytes_per_s cycles tiling low_us high_us notes' j)" "${kernel[@]}"
keys "set('$bounds'.split()) == set(j['breakdown_us'])" "${kernel[@]}"
keys "abs(sum(j['breakdown_us'].values()) - j['latency_us']) < 1e-6 * j['latency_us']" "${kernel[@]}"
keys "j['low_us'] <= j['high_us'] and j['bound'] in j['breakdown_us']" "${kernel[@]}"
keys "j['low_us'] < j['latency_us'] < j['high_us'] and len(j['uncertainty']['latency_us']) == 1" "${kernel[@]}"
keys "0 < j['power_w'] <= 700 and abs(sum(j['power_parts_w'].values()) - j['power_w']) < 1e-6" "${kernel[@]}"
keys "j['power_validated'] and abs(j['energy_j'] / (j['power_w'] * j['latency_us'] * 1e-6) - 1) < 1e-9" "${kernel[@]}"
expect 0 'power .* W +of 700 W: operations' "${kernel[@]}"
keys "not j['power_validated']" kernel gemm --target mlu590 --m 64 --n 64 --k 64 --dtype bf16
keys "j['power_w'] is None and j['energy_j'] is None" kernel gemm --target enflame-l600 --m 64 --n 64 --k 64 --dtype bf16
# A chip whose numbers are not known blames them, and a wider interval is theirs.
rumoured=(kernel gemm --target mlu690 --m 1 --n 8192 --k 8192 --dtype bf16)
keys "any(s['input'].endswith('of mlu690') and 'times' not in s['input'] for s in j['uncertainty']['latency_us'])" "${rumoured[@]}"
expect 0 'spread +[0-9]+ % ' "${rumoured[@]}"
tiled=("${kernel[@]}" --tile-m 64 --tile-n 128 --tile-k 64 --split-k 2)
keys "[j['tiling'][k] for k in ('tile_m','tile_n','tile_k','split_k')] == [64, 128, 64, 2]" "${tiled[@]}"
keys "any(n.startswith('the stated tile fits: ') for n in j['notes'])" "${tiled[@]}"
keys "$(has 'id name vendor family model memory year validated' 'j[0]')" targets list
keys "list(j[0])[0] == 'id'" targets list
keys "j and all(c['vendor'] == 'Huawei' and 2025 <= c['year'] <= 2026 and c['memory'] == 'hizq' for c in j)" \
  targets list --vendor huawei --year 2025-2026 --memory hizq
keys "all(c['validated'] == (c['measured'] != 'nothing') for c in j)" targets list --family generic,nvidia-hopper
keys "j['validation']['measured'] == 'chip' and j['validation']['rows']['h100-sxm'] > 0" "${kernel[@]}"
keys "j['id'] == 'h20' and all(n['source'] and n['confidence'] for n in j['numbers'].values())" targets show h20
keys "all(c['sound'] for c in j) and len(j) == 2" targets check h20 h100-sxm
keys "j['id'] == 'nvidia'" plugins check "$(dirname "$(dirname "$mansard")")/lib/mansard/plugins/mansard-nvidia.so"
keys "list(j[0])[0] == 'id' and len(j) >= 11" memory list
keys "j['id'] == 'hbm3'" memory show hbm3
keys "list(j[0])[0] == 'id' and any(p['id'] == 'generic' for p in j)" plugins list
keys "j['id'] == 'nvidia'" plugins show nvidia

printf '%s\n%s\n' target,op,dtype,weight_dtype,scaling,m,n,k,latency_us,source \
  'h100-sxm,gemm,bf16,bf16,none,4096,4096,4096,250,"one, two"' >gemm.csv
keys "$(has 'file op metric target dtype rows skipped mape median_ape p90_ape bias roofline_mape' 'j[0]')" validate gemm.csv
keys "j[0]['metric'] == 'latency' and j[0]['rows'] == 1 and j[0]['skipped'] == 0" validate gemm.csv --rows rows.csv
python3 - <<'P' || problem 'rows.csv'
import csv
row, = csv.DictReader(open("rows.csv"))
assert row["source"] == "one, two" and float(row["predicted_us"]) > 0, row
parts = sum(float(v) for k, v in row.items() if k.startswith("predicted_") and k.endswith("_us") and k != "predicted_us")
assert abs(parts - float(row["predicted_us"])) < 1e-6 * parts, row
P
printf '%s\n%s\n' target,op,mode,ranks,hidden,tokens,topk,experts,dispatch_us,combine_us \
  h100-sxm,expert_parallel,low_latency,8,7168,128,8,256,60,90 >ep.csv
keys "sorted(g['metric'] for g in j) == ['combine', 'dispatch']" validate ep.csv

if have_ir; then
  estimate=(estimate --model llama-3.1-8b --target h100-sxm --phase decode --batch 8 --context 1024)
  keys "$(has 'target model phase latency_ms tokens_per_s tokens_per_s_per_chip chips memory_gib_per_chip bound breakdown_ms kernels power_w notes' j)" "${estimate[@]}"
  keys "$(has 'weights kv_cache activations capacity buffers parts' "j['memory_gib_per_chip']")" "${estimate[@]}"
  figures="('latency_ms','tokens_per_s','tokens_per_s_per_chip')"
  keys "all(j[f + '_low'] <= j[f] <= j[f + '_high'] and j['uncertainty'][f] for f in $figures)" "${estimate[@]}"
  expect 0 'tokens/s +[0-9,]+ \[[0-9,]+ - [0-9,]+\]' "${estimate[@]}"
  expect 0 'spread +[0-9]+ % .* of h100-sxm' "${estimate[@]}"
  watt="abs(j['power_w'] / j['tokens_per_s_per_chip'] / j['energy_per_token_j'] - 1) < 1e-9 and abs(j['energy_per_token_j'] * j['tokens_per_s_per_w'] - 1) < 1e-9"
  keys "$watt and 80 < j['power_w'] < 700 and abs(sum(j['power_parts_w'].values()) - j['power_w']) < 1e-6" "${estimate[@]}"
  keys "j['power_w_low'] < j['power_w'] < j['power_w_high'] and j['power_validated']" "${estimate[@]}"
  expect 0 'power a chip +[0-9]+ \[[0-9]+ - [0-9]+\] W' "${estimate[@]}"
  keys "$watt and any('power is not validated' in n for n in j['notes'])" estimate --model llama-3.1-8b --target mlu590 --phase decode
  keys "j['power_w'] <= 300" "${estimate[@]}" --set power.tdp_W=300
  keys "all($(has 'name op count latency_us bound share' k) for k in j['kernels'])" "${estimate[@]}"
  keys "abs(sum(k['share'] for k in j['kernels']) - 1) < 1e-6" "${estimate[@]}"
  keys "abs(sum(j['validation']['share'].values()) - 1) < 1e-6 and j['validation']['text']" "${estimate[@]}"
  keys "abs(sum(j['breakdown_ms'].values()) - j['latency_ms']) < 1e-6 * j['latency_ms']" "${estimate[@]}"
  keys "abs(j['tokens_per_s'] - 8 / j['latency_ms'] * 1e3) < 1e-6 * j['tokens_per_s']" "${estimate[@]}"
  # Too large for one device: marked, by how much, and every remedy named really fits.
  big=(estimate --model llama-3.1-70b --target h100-sxm --phase decode --batch 8 --context 1024)
  keys "not j['fits'] and j['notes'][0].startswith('DOES NOT FIT') and j['remedies']" "${big[@]}"
  cp .out big.json
  while read -r remedy; do
    # shellcheck disable=SC2086
    keys "j['fits']" "${big[@]}" $remedy
  done < <(python3 -c 'import json; print("\n".join(json.load(open("big.json"))["remedies"]))')
  expect 0 '' "${estimate[@]}" --csv
  expect 0 'tokens/s/chip' "${estimate[@]}" --check
fi

# Every command's help has examples and goes to stdout.
for command in estimate kernel validate targets models memory plugins opt import-cann; do
  expect 0 'mansard '"$command" $command --help
  grep -q 'Example' .out || problem "mansard $command --help has no examples"
done
finish
