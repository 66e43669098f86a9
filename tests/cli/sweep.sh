#!/usr/bin/env bash
# `mansard sweep`: inline and from files, its views agree, and wrong questions get answers that help.
# `mansard validate --step`.
. "$(dirname "$0")/expect.sh"

header=target,op,dtype,weight_dtype,scaling,m,n,k,latency_us
printf '%s\nh100-sxm,gemm,bf16,bf16,none,1,16384,16384,190\nh20,gemm,bf16,bf16,none,1,16384,16384,160\n' $header >gemm.csv
expect 0 'measured +predicted' validate gemm.csv --step h100-sxm,h20
expect 0 '"median_measured_speedup": 1.1875' validate gemm.csv --step h100-sxm,h20 --json
expect 0 '.' validate gemm.csv --step h100-sxm,h20 --rows pairs.csv
grep -q '^gemm,latency,bf16,.*m=1 n=16384 k=16384.*,h100-sxm,h20,dram,' pairs.csv || problem "pairs.csv: $(cat pairs.csv)"
expect 1 "no estimated row is of 'h21'.*did you mean .h20" validate gemm.csv --step h100-sxm,h21
printf '%s\nh100-sxm,gemm,bf16,bf16,none,1,16384,16384,190\nh20,gemm,bf16,bf16,none,2,16384,16384,160\n' $header >apart.csv
expect 1 'no work in common' validate apart.csv --step h100-sxm,h20
expect 2 '--step' validate gemm.csv --step h100-sxm

have_ir || { finish; exit; }

keys() {
  local expression=$1
  shift
  expect 0 '.' "$@" --json
  python3 -c "import csv,io,json,sys; j=json.load(open(sys.argv[1])); assert $expression, j" "$work/.out" \
    2>"$work/.err" || problem "mansard $* --json: not so: $expression"
}

model=(--model llama-3.1-8b --batch 32 --context 2048)
inline=(sweep "${model[@]}" --target h100-sxm --over memory.technology=hbm2e,hbm3,hbm3e)
keys "[(p['point'], p['as_shipped']) for p in j] == [('hbm2e', False), ('hbm3', True), ('hbm3e', False)]" "${inline[@]}"
keys "[p['reference'] for p in j] == [False, True, False] and j[1]['decode']['speedup'] == 1" "${inline[@]}"
keys "j[0]['decode']['speedup'] < 0.8 and 1.1 < j[2]['decode']['speedup'] < 1.6" "${inline[@]}"
keys "all(abs(sum(k['total_us'] for k in p[f]['kernels']) / p[f]['latency_ms'] / 1e3 - 1) < 1e-6 for p in j for f in ('prefill', 'decode'))" "${inline[@]}"
keys "all(p['memory']['read_gbytes_per_s'] < p['memory']['peak_gbytes_per_s'] for p in j)" "${inline[@]}"
keys "len(j) == 8 and len({p['target'] for p in j}) == 2" \
  sweep "${model[@]}" --target h100-sxm,mlu590 --over memory.technology=hbm3,hbm3e --over memory.stacks=5,6
keys "all(p['target'] == 'hgx-h100' and 'prefill' not in p for p in j)" \
  sweep "${model[@]}" --system hgx-h100 --tp 2 --phase decode --over compute.cores=100,132
expect 0 'decode: bound changes' sweep hbm-generations --target h100-sxm
expect 0 'us of a step' "${inline[@]}" --kernels

# The chip as shipped is what `estimate` prices.
for phase in prefill decode; do
  batch=1
  [ $phase = decode ] && batch=32
  expect 0 '.' estimate --model llama-3.1-8b --target h100-sxm --phase $phase --batch $batch --context 2048 --json
  cp "$work/.out" $phase.json
  keys "abs(j[1]['$phase']['latency_ms'] / json.load(open('$phase.json'))['latency_ms'] - 1) < 1e-9" "${inline[@]}"
done

expect 0 '^target,point,failure,technology' "${inline[@]}" --csv
python3 -c "import csv; rows = list(csv.DictReader(open('$work/.out'))); assert len(rows) == 6 and {r['phase'] for r in rows} == {'prefill', 'decode'}" \
  2>"$work/.err" || problem "the CSV of a sweep"
expect 0 '^target,point,phase,kernel' "${inline[@]}" --csv --kernels

# Files: those that ship, and one's own, which flags go before.
expect 0 'hbm-generations' sweep list
keys "all({'id', 'name', 'model', 'targets'} <= set(s) for s in j)" sweep list
for sweep in "$root"/configs/sweeps/*.toml; do
  keys "j and not any(p['failure'] for p in j)" sweep "$(basename "$sweep" .toml)"
done
keys "len({p['target'] for p in j}) == 1 and all(p['model'] == 'llama-3.1-8b' for p in j)" \
  sweep hbm-generations --target h20 --model llama-3.1-8b --tp 1
printf 'id = "mine"\nname = "Mine"\nmodel = "llama-3.1-8b"\ntargets = ["h20"]\n[over]\nmemory.stacks = [5, 6]\n' >mine.toml
keys "[p['point'] for p in j] == ['stacks 5', 'stacks 6']" sweep ./mine.toml
printf 'id = "x"\nname = "X"\nmodel = "llama-3.1-8b"\ntargets = ["h20"]\n[workload]\nbacth = 3\n' >typo.toml
expect 1 'typo.toml:6.*did you mean .workload.batch' sweep ./typo.toml
printf 'id = "x"\nname = "X"\nmodel = "llama-3.1-8b"\ntargets = ["h20"]\n[[point]]\nname = "p"\nmemory.stakcs = 3\n' >key.toml
expect 1 'h20, p: .*did you mean .memory.stacks' sweep ./key.toml

# What fails at one point is told there; what no point could mean ends it before anything is priced.
expect 0 'fails: .*hbm9' sweep "${model[@]}" --target h100-sxm --over memory.technology=hbm3,hbm9
expect 0 'fails: .*memory.stacks. is 1000; it may be' sweep "${model[@]}" --target h100-sxm --over memory.stacks=5,1000
expect 0 'DOES NOT FIT: needs' sweep --model llama-3.1-70b --target h100-sxm --over memory.technology=hbm2,hbm3
expect 1 'did you mean .memory.technology' sweep "${model[@]}" --target h100-sxm --over memory.technologie=hbm3
expect 1 'did you mean .h100-sxm' sweep "${model[@]}" --target h100-sx --over memory.stacks=5
expect 1 'did you mean .hbm-generations' sweep hbm-generation
expect 1 'nothing varies' sweep "${model[@]}" --target h100-sxm
expect 1 'KEY=VALUE,VALUE' sweep "${model[@]}" --target h100-sxm --over memory.stacks
expect 1 'empty value' sweep "${model[@]}" --target h100-sxm --over memory.stacks=5,,6
expect 1 'swept twice' sweep "${model[@]}" --target h100-sxm --over memory.stacks=5 --over memory.stacks=6
expect 1 'it may be both, prefill' sweep "${model[@]}" --target h100-sxm --over memory.stacks=5 --phase dcode
expect 1 'a sweep needs a model' sweep --model "$root/tests/data/modules/block.mlir" --target h100-sxm --over memory.stacks=5
expect 2 'FILE or --model' sweep --target h100-sxm --over memory.stacks=5
expect 2 '--target or --system' sweep --model llama-3.1-8b --over memory.stacks=5
finish
