#!/usr/bin/env bash
# `mansard plan`: what it finds keeps what was asked, its flags are those of `serve`, and wrong
# questions get answers that help.
. "$(dirname "$0")/expect.sh"
have_ir || { echo "without the IR there is no plan"; exit 0; }

keys() {
  local expression=$1
  shift
  expect 0 '.' "$@" --json
  python3 -c "import json,sys; j=json.load(open(sys.argv[1])); assert $expression, j" "$work/.out" \
    2>"$work/.err" || problem "mansard $* --json: not so: $expression"
}

dense=(plan --model llama-3.1-8b --target h100-sxm --devices 4 --isl 1024 --osl 256)
keys "j['met'] and 0 < len(j['plans']) <= 5 and j['limits_ms'] == {'ttft': 500, 'tpot': 15}" \
  "${dense[@]}" --ttft 500 --tpot 15
keys "all(p['ttft_ms'] <= 500 and p['tpot_ms'] <= 15 and p['devices'] <= 4 for p in j['plans'])" \
  "${dense[@]}" --ttft 500 --tpot 15
keys "[p['tokens_per_s_per_chip'] for p in j['plans']] == sorted((p['tokens_per_s_per_chip'] for p in j['plans']), reverse=True)" \
  "${dense[@]}" --tpot 15 --top 20
keys "not j['met'] and all(p['excess'] > 1 for p in j['plans'])" "${dense[@]}" --tpot 0.1
keys "not j['plans'] and j['left_out']['do not fit in memory'] > 0" \
  plan --model deepseek-v3 --target h100-sxm --devices 4
keys "all('prefill_workers' in p for p in j['plans'])" "${dense[@]}" --kind disaggregated
keys "j['left_out'].get('do not fit in memory', 0) >= 0 and j['devices'] == 8" \
  plan --model llama-3.1-8b --target h100-sxm --kind aggregated

# What it says is what `serve` says with its flags.
"$mansard" "${dense[@]}" --ttft 500 --tpot 15 --json >plan.json 2>/dev/null
python3 - "$mansard" <<'P' >"$work/.out" 2>"$work/.err" || problem 'flags of a plan'
import json, subprocess, sys
for plan in json.load(open("plan.json"))["plans"]:
    command = [sys.argv[1], "serve", "--model", "llama-3.1-8b", "--target", "h100-sxm", "--isl", "1024",
               "--osl", "256", "--json"] + plan["flags"].split()
    served = json.loads(subprocess.check_output(command))
    for key in ("ttft_ms", "tpot_ms", "tokens_per_s_per_chip"):
        assert abs(served[key] - plan[key]) < 1e-6 * plan[key], (plan["flags"], key, served[key], plan[key])
P

# Views and progress: a pipe is no terminal.
expect 0 'plans, priced at' "${dense[@]}" --tpot 15
[ -s .err ] && problem 'progress where there is no terminal'
expect 0 '^target,model,software,plan,flags,devices' "${dense[@]}" --csv
one=$("$mansard" "${dense[@]}" --tpot 15 --csv --threads 1)
three=$("$mansard" "${dense[@]}" --tpot 15 --csv --threads 3)
[ "$one" = "$three" ] || problem 'threads change the answer'

expect 1 '.--tpot' "${dense[@]}" --tpot 0
expect 1 '.--devices' plan --model llama-3.1-8b --target h100-sxm --devices -1
expect 1 '.--devices' plan --model llama-3.1-8b --target h100-sxm --devices 0
expect 1 'cloudmatrix-384 has 768' plan --model llama-3.1-8b --system cloudmatrix-384 --devices 769
expect 1 'did you mean .both' "${dense[@]}" --kind bth
expect 1 'vllm' "${dense[@]}" --software vlm
expect 1 '.--isl' plan --model llama-3.1-8b --target h100-sxm --isl 0
expect 2 '.--top' "${dense[@]}" --top 0
expect 2 '.--model' plan --target h100-sxm
finish
