#!/bin/sh
# A compiler team's view: installs Mansard into a folder of its own, builds a program against it with
# find_package(Mansard COMPONENTS ir), runs it, and loads the passes into mlir-opt as a plugin.
#
# out_of_tree.sh <cmake> <build folder> <source folder> <scratch folder> <C++ compiler> <generator> <LLVM tools>
set -eu

cmake=$1 build=$2 source=$3 scratch=$4 cxx=$5 generator=$6 tools=$7

fail() {
  echo "ir_client: $*" >&2
  exit 1
}

rm -rf "$scratch"
mkdir -p "$scratch"
for component in sdk ir program plugins data; do
  "$cmake" --install "$build" --prefix "$scratch/prefix" --component $component > "$scratch/install.log" ||
    fail "the component $component does not install"
done
cp -r "$source/tests/ir_client" "$scratch/project"
"$cmake" -S "$scratch/project" -B "$scratch/build" -G "$generator" \
  -DCMAKE_PREFIX_PATH="$scratch/prefix" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="$cxx"
"$cmake" --build "$scratch/build"

cd "$scratch"
build/cost > cost.txt || fail "the program failed"
cat cost.txt
grep -q "h100-sxm: 4096 x 4096 x 4096 takes" cost.txt || fail "no cost on h100-sxm"
grep -q "ascend-910b: 256 x 4096 x 4096 takes" cost.txt || fail "no cost on ascend-910b"
grep -q "no target 'h100-sxn'" cost.txt || fail "an unknown target is not named"

cat > module.mlir <<'MODULE'
func.func @step(%a: tensor<256x4096xbf16>, %b: tensor<4096x4096xbf16>) -> tensor<256x4096xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<256x4096xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<256x4096xf32>) -> tensor<256x4096xf32>
  %c = linalg.matmul ins(%a, %b : tensor<256x4096xbf16>, tensor<4096x4096xbf16>)
      outs(%start : tensor<256x4096xf32>) -> tensor<256x4096xf32>
  return %c : tensor<256x4096xf32>
}
MODULE
"$tools/mlir-opt" --load-pass-plugin="$scratch/prefix/lib/mansard/mansard_passes.so" module.mlir \
  --pass-pipeline='builtin.module(mansard-estimate{target=h100-sxm})' > annotated.mlir ||
  fail "mlir-opt does not run the plugin's pass"
cat annotated.mlir
grep "linalg.matmul" annotated.mlir | grep -q "latency_us" || fail "the matmul carries no cost"
# The same through mansard-opt.
"$scratch/prefix/bin/mansard-opt" module.mlir --mansard-estimate=target=h100-sxm > ours.mlir ||
  fail "mansard-opt does not annotate"
cmp annotated.mlir ours.mlir || fail "mlir-opt and mansard-opt annotate differently"
