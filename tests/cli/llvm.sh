#!/usr/bin/env bash
# `mansard kernel llvm`: what it counts, prices and asks for.
. "$(dirname "$0")/expect.sh"
have_ir || { echo "no front end in this build"; exit 0; }
kernels=$2
saxpy=(kernel llvm "$kernels/nvptx64.ll" --function saxpy --target h100-sxm)
launch=(--grid 4096 --block 256)

expect 0 '@saxpy \(nvptx64-nvidia-cuda\), 4096x1x1 groups of 256x1x1' "${saxpy[@]}" "${launch[@]}" --arg n=1048576
expect 0 'bound +dram' "${saxpy[@]}" --grid 4194304 --block 256 --arg n=1073741824
expect 0 '"fp32": 2097152.0' "${saxpy[@]}" "${launch[@]}" --arg n=1048576 --json
expect 0 '"distinct_read_bytes": 8388608.0' "${saxpy[@]}" "${launch[@]}" --arg '#0=1048576' --json
expect 0 '32-way conflict' kernel llvm "$kernels/nvptx64.ll" --function transpose_tiled --target a100-sxm-80gb --grid 64,64 --block 32,32 --arg n=2048
expect 0 '@matmul_tiled' kernel llvm "$kernels/amdgcn.ll" --function matmul_tiled --target dcu-k100-ai --grid 64,64 --block 16,16 --arg n=1024 --arg k=1024
expect 0 'spread evenly' kernel llvm "$kernels/host.ll" --function matmul --target ascend-910b --arg m=64 --arg n=64 --arg k=64
expect 0 'branch probabilities' kernel llvm "$kernels/host.ll" --function csr_row --target h20 --arg row=0 --trip for.body=100 --footprint value=4096

# What is missing is named with its flag; what is wrong with what would be valid.
expect 1 'give --arg n=' "${saxpy[@]}" "${launch[@]}"
expect 1 'give --block' "${saxpy[@]}" --grid 4 --arg n=8
expect 1 'give --grid' "${saxpy[@]}" --block 32 --arg n=8
expect 1 'there are n, a, x, y' "${saxpy[@]}" "${launch[@]}" --arg m=8
expect 1 'has no function @saxpi; it has @saxpy' kernel llvm "$kernels/nvptx64.ll" --function saxpi --target h100-sxm "${launch[@]}"
expect 1 'several functions' kernel llvm "$kernels/nvptx64.ll" --target h100-sxm "${launch[@]}"
expect 1 'compiled for nvptx64.*choose a target of model nvidia' kernel llvm "$kernels/nvptx64.ll" --function saxpy --target dcu-k100-ai "${launch[@]}" --arg n=8
expect 1 'compiled for amdgcn.*model hygon' kernel llvm "$kernels/amdgcn.ll" --function saxpy --target ascend-910b "${launch[@]}" --arg n=8
expect 1 '--footprint .table=BYTES' kernel llvm "$kernels/nvptx64.ll" --function gather --target h100-sxm "${launch[@]}" --arg n=8
expect 1 '--trip for.body=TURNS' kernel llvm "$kernels/host.ll" --function csr_row --target h20 --arg row=0
expect 1 'there is no such pointer' "${saxpy[@]}" "${launch[@]}" --arg n=8 --footprint z=8
expect 1 'recursion' kernel llvm "$kernels/host_unoptimised.ll" --function factorial --target h20 --arg n=3
expect 1 'through a pointer' kernel llvm "$kernels/host.ll" --function apply --target h20
expect 1 '--grid.*0,1.*is not' "${saxpy[@]}" --grid 0,1 --block 32 --arg n=8
expect 1 'NAME=NUMBER' "${saxpy[@]}" "${launch[@]}" --arg n
expect 1 'whole numbers' "${saxpy[@]}" "${launch[@]}" --arg n=1.5
expect 1 'NAME=NUMBER' "${saxpy[@]}" "${launch[@]}" --arg n=8 --trip x=0
expect 1 'No such file' kernel llvm nothing.ll --target h100-sxm
echo 'define void @f() { oops }' >broken.ll
expect 1 'broken.ll:1:' kernel llvm broken.ll --target h100-sxm
expect 1 'did you mean .h100-sxm' kernel llvm broken.ll --target h100-sx
expect 2 'file is required' kernel llvm --target h100-sxm

finish
