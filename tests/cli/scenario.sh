#!/usr/bin/env bash
# `mansard scenario`: what ships runs, views agree, and wrong files get answers that help.
. "$(dirname "$0")/expect.sh"

expect 0 'closing-the-gap +claims' scenario list
expect 0 '"kind": "supply"' scenario list --json
expect 0 'Examples' scenario --help
expect 2 'FILE \(or list\) is required' scenario
expect 2 'excludes' scenario closing-the-gap --json --csv
expect 2 'samples' scenario closing-the-gap --samples 3
expect 1 'did you mean .china-supply' scenario china-suply
expect 1 'no such file' scenario ./none.toml
sed 's/yield/yeild/' "$root/configs/scenarios/china-supply.toml" >typo.toml
expect 1 'typo.toml:[0-9]+:[0-9]+: .*yeild' scenario typo.toml
have_ir || { finish; exit; }

for file in "$root"/configs/scenarios/*.toml; do
  name=$(basename "$file" .toml)
  expect 0 '.' scenario "$name" --samples 16 --json
  cp "$work/.out" "$name.json"
done

# Small ones for the rest.
cat >claims.toml <<'X'
id = "small"
name = "Small"
kind = "claims"
samples = 64
[workload.chat]
model = "llama-3.1-8b"
osl = 128
chips = 2
tpot_ms = 30
[contender.h100-sxm]
economics = "us"
[contender.l20]
economics = "us"
[claim.faster]
statement = "an H100 is faster than an L20"
source = "the test"
[claim.faster.test.rate]
figure = "tokens_per_s_per_chip"
left = ["h100-sxm"]
right = ["l20"]
workloads = ["chat"]
least = 1
[claim.slower]
statement = "an L20 is faster than an H100"
source = "the test"
[claim.slower.test.rate]
figure = "tokens_per_s_per_chip"
left = ["l20"]
right = ["h100-sxm"]
workloads = ["chat"]
least = 1
[claim.later]
statement = "this will change"
source = "the test"
not_testable = "it is later"
X
expect 0 'faster: confirmed' scenario claims.toml
expect 0 'slower: refuted' scenario claims.toml
expect 0 'later: not testable' scenario claims.toml
expect 0 '^claim,verdict,' scenario claims.toml --csv
expect 0 '^slower,refuted,' scenario claims.toml --csv
expect 0 '"verdict": "confirmed"' scenario claims.toml --json
cp "$work/.out" once.json
expect 0 '.' scenario claims.toml --json --threads 1
cmp -s once.json "$work/.out" || problem "the answer hangs on the number of threads"
sed 's/figure = "tokens_per_s_per_chip"/figure = "tokens_per_s_per_system"/' claims.toml >system.toml
expect 1 'is no system' scenario system.toml
sed 's/l20/l21/' claims.toml >target.toml
expect 1 'did you mean' scenario target.toml
sed 's/llama-3.1-8b/llama-3.1-8/' claims.toml >model.toml
expect 1 'did you mean .llama-3.1-8b' scenario model.toml
sed 's/tpot_ms = 30/tpot_ms = 0.001/' claims.toml >limits.toml
expect 0 'keeps the limits' scenario limits.toml

python3 - "$work" <<'X' || problem "china-supply --json is not as it should be"
import json, sys
j = json.load(open(sys.argv[1] + "/china-supply.json"))
for year in j["years"]:
    total = sum(chip["chips"]["value"] for chip in year["by_chip"])
    assert abs(total / year["chips"]["value"] - 1) < 1e-9, year["year"]
    for key in ("chips", "fleet", "tokens_per_s", "power_mw"):
        f = year[key]
        assert f["low"] <= f["value"] <= f["high"] and f["value"] > 0, (year["year"], key)
assert all(check["ratio"] > 0 for check in j["checks"])
assert all(number["source"] for number in j["numbers"].values())
c = json.load(open(sys.argv[1] + "/closing-the-gap.json"))
assert all(claim["verdict"] in ("confirmed", "refuted", "undecided", "not testable") for claim in c["claims"])
X
finish
