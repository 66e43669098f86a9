#!/usr/bin/env bash
. "$(dirname "$0")/expect.sh"
gemm=(kernel gemm --target h100-sxm --dtype bf16)

# Usage: status 2.
expect 2 'subcommand is required' 
expect 2 "'deploy' is not a command .*mansard" deploy
expect 2 'did you mean .estimate' estimat
expect 2 'did you mean .gemm' kernel gem
expect 2 '--k is required' "${gemm[@]}" --m 1 --n 1
expect 2 '--target or --system is required' kernel gemm --dtype bf16 --m 1 --n 1 --k 1
expect 2 'excludes' "${gemm[@]}" --m 1 --n 1 --k 1 --json --csv
expect 2 'nonsense' "${gemm[@]}" --m 1 --n 1 --k 1 --nonsense 3
expect 2 'required' targets show
expect 2 'required' validate

# Names: status 1 and the nearest valid one.
expect 1 "h100-sx.*did you mean .h100-sxm" kernel gemm --target h100-sx --dtype bf16 --m 1 --n 1 --k 1
expect 1 'did you mean .memory.stacks' "${gemm[@]}" --m 1 --n 1 --k 1 --set memory.stcks=8
expect 1 'did you mean .bf16' kernel gemm --target h100-sxm --dtype bf17 --m 1 --n 1 --k 1
expect 1 'did you mean .rmsnorm' kernel vector --target h100-sxm --dtype bf16 --kind rmsnrm --rows 1 --cols 1
expect 1 'did you mean .hbm3' memory show hbm33
expect 1 "no plugin 'nvidea'.*did you mean .nvidia" plugins show nvidea
expect 1 "no plugin has the id 'nosuch'" "${gemm[@]}" --m 1 --n 1 --k 1 --set model=nosuch

# Values.
expect 1 'm is -5' "${gemm[@]}" --m -5 --n 1 --k 1
expect 1 'k is 0' "${gemm[@]}" --m 1 --n 1 --k 0
expect 1 'm is [0-9]+; it may be' "${gemm[@]}" --m 99999999999999 --n 1 --k 1
expect 1 'not a whole number' "${gemm[@]}" --m 99999999999999999999999999 --n 1 --k 1
expect 1 'not a whole number' "${gemm[@]}" --m 1.5 --n 1 --k 1
expect 1 'not a whole number' "${gemm[@]}" --m nan --n 1 --k 1
expect 1 'KEY=VALUE' "${gemm[@]}" --m 1 --n 1 --k 1 --set memory.stacks
expect 1 'not a number' "${gemm[@]}" --m 1 --n 1 --k 1 --set memory.stacks=many
expect 1 'memory.stacks' "${gemm[@]}" --m 1 --n 1 --k 1 --set memory.stacks=-1
expect 1 'memory.stacks' "${gemm[@]}" --m 1 --n 1 --k 1 --set memory.stacks=0
expect 1 'do not divide' kernel attention_decode --target h100-sxm --dtype bf16 --batch 1 --q-len 1 --kv-len 8 --heads 7 --kv-heads 2
expect 0 'latency' "${gemm[@]}" --m 1099511627776 --n 1 --k 1

# Stated tiles.
square=("${gemm[@]}" --m 4096 --n 4096 --k 4096)
expect 1 'tile_m and tile_n are stated together' "${square[@]}" --tile-m 128
expect 1 'tile_k and split_k go with a stated tile_m and tile_n' "${square[@]}" --tile-k 64
expect 1 'tile_n is -1; it may be 0 to' "${square[@]}" --tile-m 128 --tile-n -1
expect 1 'tile_m is 8192, more than the 4096' "${square[@]}" --tile-m 8192 --tile-n 128
expect 1 'split_k is 5000, more than the 4096 of k' "${square[@]}" --tile-m 128 --tile-n 128 --split-k 5000
expect 0 'the stated tile fits: shared memory 96 of 228 KiB' "${square[@]}" --tile-m 128 --tile-n 256 --tile-k 64
expect 0 'does not fit the on-chip memories: shared memory 256 of 228 KiB.*registers 1024 of 128 KiB' \
  "${square[@]}" --tile-m 512 --tile-n 512 --tile-k 64

# Files.
mkdir folder.toml
expect 1 'folder.toml' kernel gemm --target ./folder.toml --dtype bf16 --m 1 --n 1 --k 1
expect 1 'missing.toml' targets show ./missing.toml
printf 'id = "x\n' >broken.toml
expect 1 'broken.toml:1' targets show ./broken.toml
printf '\377\376\000garbage' >binary.toml
expect 1 'binary.toml' targets show ./binary.toml
: >empty.toml
expect 1 'empty.toml' targets show ./empty.toml
printf 'inherits = "h100-sxm"\nid = "mine"\n[memory]\nstakcs = { value = 6, source = "me", confidence = "estimate" }\n' >typo.toml
expect 1 'typo.toml:4.*did you mean .memory.stacks' targets show ./typo.toml
printf 'inherits = "loop.toml"\nid = "loop"\n' >loop.toml
expect 1 '(circle|loop.toml)' targets show ./loop.toml
printf 'inherits = "h100-sxm"\nid = "mine"\nname = "Mine"\n' >mine.toml
expect 0 'mine' targets show ./mine.toml
expect 0 'mine' kernel gemm --target ./mine.toml --dtype bf16 --m 1 --n 1 --k 1 --json

# Tables of measurements.
expect 1 'absent.csv' validate absent.csv
mkdir folder
expect 1 'folder' validate folder
: >empty.csv
expect 1 'no header' validate empty.csv
header=target,op,dtype,weight_dtype,scaling,m,n,k,latency_us
echo $header >norows.csv
expect 1 'no rows' validate norows.csv
printf '%s\nh100-sxm,gemm,bf16,bf16,none,1,1\n' $header >short.csv
expect 1 'short.csv:2.*7 cells' validate short.csv
printf '%s\nh100-sxm,gemm,"bf16,bf16,none,1,1,1,1\n' $header >quote.csv
expect 1 'quote.csv:2.*never ends' validate quote.csv
printf 'target,op,dtype,m,n,k,latency_us\nh100-sxm,gemm,bf16,1,1,1,1\n' >column.csv
expect 1 'weight_dtype.*missing' validate column.csv
printf '%s\nh100-sxm,gemmm,bf16,bf16,none,1,1,1,1\n' $header >op.csv
expect 1 'did you mean .gemm' validate op.csv
# A row that cannot be estimated is skipped, not an error.
printf '%s\nh100-sxm,gemm,bf16,bf16,none,4096,4096,4096,250\nh100-sxm,gemm,bf16,bf16,none,-1,4096,4096,250\nnosuch,gemm,bf16,bf16,none,1,1,1,1\nh100-sxm,gemm,bf16,bf16,none,8,8,8,\n' $header >rows.csv
expect 0 'h100-sxm +bf16 +1 +2 ' validate rows.csv
grep -q 'no target' .err && grep -q 'm is -1' .err && grep -q 'not a positive number' .err ||
  problem 'the reasons of skipped rows are missing'

# Fits to them.
fit=(calibrate --family nvidia-hopper)
expect 2 'family is required' calibrate rows.csv
expect 1 'did you mean .nvidia-hopper' calibrate --family nvidia-hoper rows.csv
expect 1 'no row' calibrate --family generic rows.csv
expect 1 'absent.csv' "${fit[@]}" absent.csv
expect 1 'did you mean .gemm.start_us' "${fit[@]}" rows.csv --only gemm.strat_us
expect 1 'nothing to fit' "${fit[@]}" rows.csv --only moe.
expect 2 'cross-validate' "${fit[@]}" rows.csv --cross-validate 1
expect 1 'cross-validation' "${fit[@]}" rows.csv --keep
expect 0 'gemm.start_us' "${fit[@]}" rows.csv -o fitted.toml
grep -q '^start_us = .*fitted on h100-sxm, 1 gemm rows' fitted.toml || problem 'no fitted constant'
expect 0 '"constants"' "${fit[@]}" rows.csv --json

# Nothing half written.
expect 1 'no/such' "${fit[@]}" rows.csv -o no/such/folder/out.toml
expect 1 'one of the tables' "${fit[@]}" rows.csv -o ./rows.csv
expect 1 'no/such' validate rows.csv --rows no/such/folder/out.csv
expect 1 'folder' validate rows.csv --rows folder
expect 1 'one of the tables' validate rows.csv --rows ./rows.csv
echo kept >out.csv
chmod 444 out.csv
expect 1 'never ends' validate quote.csv --rows out.csv
[ "$(cat out.csv)" = kept ] || problem 'a failed run changed its output file'
expect 1 '.' import-cann broken.toml -o cann.toml
[ ! -e cann.toml ] || problem 'a failed import left a file'
"$mansard" memory list >/dev/full 2>.err && problem 'a full disk went unnoticed'

# Plugins.
MANSARD_PLUGIN_PATH=/nowhere expect 0 'nvidia' plugins list
grep -q 'MANSARD_PLUGIN_PATH' .err || problem 'a missing plugin folder went unmentioned'
mkdir plugins
echo 'not a library' >plugins/mansard-bad.so
MANSARD_PLUGIN_PATH=$work/plugins expect 0 'nvidia' plugins list
grep -q 'mansard-bad.so' .err || problem 'a broken plugin went unmentioned'
expect 3 'mansard-bad.so' plugins check plugins/mansard-bad.so
expect 1 'absent.so' plugins check absent.so
MANSARD_PLUGIN_PATH=$work/plugins expect 0 'latency' "${gemm[@]}" --m 1 --n 1 --k 1

if have_ir; then
  estimate=(estimate --target h100-sxm --phase decode)
  expect 1 "did you mean .llama-3.1-8b" "${estimate[@]}" --model llama-3.1-8
  expect 1 '--phase' estimate --target h100-sxm --phase decoding --model llama-3.1-8b
  expect 1 'did you mean .w8a8' "${estimate[@]}" --model llama-3.1-8b --quant w8a9
  expect 1 '--batch is 0' "${estimate[@]}" --model llama-3.1-8b --batch 0
  expect 1 '--batch is -1' "${estimate[@]}" --model llama-3.1-8b --batch -1
  expect 1 'tp 999999999' "${estimate[@]}" --model llama-3.1-8b --tp 999999999
  expect 1 '--ep 3' "${estimate[@]}" --model llama-3.1-8b --ep 3
  expect 1 'accept' "${estimate[@]}" --model llama-3.1-8b --new-tokens 2 --accept 1.5
  expect 2 '--batch' "${estimate[@]}" --model llama-3.1-8b --batch many
  expect 1 'none.json' "${estimate[@]}" --model ./none.json
  echo '{"architectures": ["NoSuchForCausalLM"], "model_type": "nosuch"}' >nosuch.json
  expect 1 '(NoSuchForCausalLM|nosuch)' "${estimate[@]}" --model ./nosuch.json
  echo '{"architectures": ' >cut.json
  expect 1 'cut.json' "${estimate[@]}" --model ./cut.json
  echo 'module { nonsense }' >bad.mlir
  expect 1 'bad.mlir' "${estimate[@]}" --model ./bad.mlir
else
  expect 1 'MANSARD_ENABLE_IR' estimate --target h100-sxm --phase decode --model llama-3.1-8b
fi
finish
