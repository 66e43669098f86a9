#!/bin/sh
# A third party's view: installs the SDK into a folder of its own, builds the example there with
# find_package(Mansard), in C and in C++, and uses both plugins from the program.
#
# out_of_tree.sh <cmake> <build folder> <mansard> <scratch folder> <C compiler> <C++ compiler> <generator>
set -eu

cmake=$1 build=$2 mansard=$3 scratch=$4 cc=$5 cxx=$6 generator=$7

fail() {
  echo "out_of_tree: $*" >&2
  exit 1
}

rm -rf "$scratch"
mkdir -p "$scratch"
"$cmake" --install "$build" --prefix "$scratch/prefix" --component sdk > "$scratch/install.log" ||
  fail "the component sdk does not install"
# The template that was installed, not the tree's: a copy must be all that an author needs.
cp -r "$scratch/prefix/share/mansard/plugin-template" "$scratch/project"
"$cmake" -S "$scratch/project" -B "$scratch/build" -G "$generator" \
  -DCMAKE_PREFIX_PATH="$scratch/prefix" -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx"
"$cmake" --build "$scratch/build"

for id in example-npu example-npu-c; do
  library=$scratch/build/examples/mansard-$id.so
  [ -f "$library" ] || fail "$library was not built"
  if command -v nm > /dev/null; then
    exported=$(nm -D --defined-only "$library" | awk '{ print $NF }')
    [ "$exported" = mansard_plugin_entry ] || fail "$id exports: $exported"
  fi
done

# Nothing else may tell the program where they are.
cd "$scratch"
if "$mansard" targets list | grep -q example-npu; then
  fail "the example is found without MANSARD_PLUGIN_PATH"
fi
MANSARD_PLUGIN_PATH=$scratch/build/examples
export MANSARD_PLUGIN_PATH
"$mansard" plugins list | tee plugins.txt
"$mansard" targets list > targets.txt
for id in example-npu example-npu-c; do
  grep -q "$id" plugins.txt || fail "'plugins list' does not show $id"
  grep -q "$id" targets.txt || fail "'targets list' does not show $id"
  "$mansard" kernel gemm --m 4096 --n 4096 --k 4096 --dtype bf16 --target "$id"
  "$mansard" kernel gemm --m 4096 --n 4096 --k 4096 --dtype bf16 --target "$id" --json > kernel.json
  grep -q "\"model\": *\"$id\"" kernel.json || fail "the estimate is not by $id: $(cat kernel.json)"
done
# What the plugin cannot multiply is the user's error, with the plugin's own words.
if "$mansard" kernel gemm --m 64 --n 64 --k 64 --dtype fp8 --target example-npu 2> refused.txt; then
  fail "fp8 was priced on a chip that has no fp8"
fi
grep -q "does not multiply this data type" refused.txt || fail "$(cat refused.txt)"
# And a misspelt key of the plugin's section names the right one.
if "$mansard" kernel gemm --m 64 --n 64 --k 64 --dtype bf16 --target example-npu \
  --set example-npu.aray_size=32 2> misspelt.txt; then
  fail "an unknown key was accepted"
fi
grep -q "example-npu.array_size" misspelt.txt || fail "$(cat misspelt.txt)"
