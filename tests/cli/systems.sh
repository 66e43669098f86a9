#!/usr/bin/env bash
# Systems: their lists, their errors, and commands on a system in place of a target.
. "$(dirname "$0")/expect.sh"

# keys EXPRESSION ARGUMENTS...: a Python expression over the parsed JSON `j` must hold.
keys() {
  local expression=$1
  shift
  expect 0 '.' "$@" --json
  python3 -c "import json,sys; j=json.load(open(sys.argv[1])); assert $expression, j" "$work/.out" \
    2>"$work/.err" || problem "mansard $* --json: not so: $expression"
}

expect 0 'cloudmatrix-384 .* 384 .* 768 ' systems list
keys "len(j) >= 19 and all(list(s)[0] == 'id' for s in j)" systems list
keys "[s['devices'] for s in j if s['id'] == 'cloudmatrix-384'] == [768]" systems list
expect 0 'power_w_per_chip' systems show hgx-h100
keys "list(j)[0] == 'id' and all(n['source'] and n['confidence'] for n in j['numbers'].values())" \
  systems show cloudmatrix-384
expect 0 'hgx-b300: [0-9]+ numbers, 0 errors' systems check hgx-b300 atlas-800-a2
keys "len(j) == 2 and all(c['sound'] for c in j)" systems check hgx-b300 atlas-800-a2
expect 1 "no system 'hgx-h80'.*did you mean .hgx-h800" systems show hgx-h80
expect 2 'required' systems show
expect 2 'subcommand is required' systems

# What a file says wrong: where, and the nearest key.
reduce=(kernel collective --kind all_reduce --ranks 8 --size-bytes 1048576)
sed 's/^chips_per_node/chips_per_nod/' "$root/targets/systems/hgx-a100.toml" >typo.toml
expect 1 "typo.toml:8:[0-9]+: no key 'chips_per_nod' in a system .*chips_per_node" \
  "${reduce[@]}" --system typo.toml
checks=$((checks + 1))
"$mansard" systems check typo.toml >"$work/.out" 2>"$work/.err"
[ $? -eq 1 ] && grep -q "error: typo.toml:8:[0-9]*: no key" "$work/.out" ||
  problem "systems check typo.toml: no error"
sed 's/^chip = .*/chip = "a100-smx"/' "$root/targets/systems/hgx-a100.toml" >chip.toml
expect 1 "chip: no target 'a100-smx'.*did you mean" "${reduce[@]}" --system chip.toml
expect 1 'no such file' systems show nowhere.toml

# One of target and system.
expect 0 'NVIDIA H800 SXM 80 GB, in hgx-h800' "${reduce[@]}" --system hgx-h800
keys "j['target'] == 'h800' and j['system'] == 'hgx-h800'" "${reduce[@]}" --system hgx-h800
expect 2 'target or --system is required' "${reduce[@]}"
expect 2 'excludes' "${reduce[@]}" --system hgx-h800 --target h800
expect 1 'did you mean .links.scale_up.bandwidth_GBps' "${reduce[@]}" --system hgx-h800 \
  --set links.scale_up.bandwith_GBps=9

if have_ir; then
  decode=(estimate --model llama-3.1-8b --phase decode --batch 64 --tp 8)
  expect 0 'in pcie-l40s' "${decode[@]}" --system pcie-l40s
  keys "j['system'] == 'pcie-l40s' and 0 < j['communication_share'] < 1" \
    "${decode[@]}" --system pcie-l40s
  expect 1 'is 1024 devices; cloudmatrix-384 has 768 \(384 chips of 2\)' estimate \
    --model deepseek-v3 --system cloudmatrix-384 --phase decode --batch 1024 --dp 1024 --ep 1
fi
finish
