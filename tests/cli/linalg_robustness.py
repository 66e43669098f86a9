#!/usr/bin/env python3
"""Modules that are huge, malformed or meant to hurt end in a price or in a message, never in a crash."""
import json
import pathlib
import resource
import subprocess
import sys
import tempfile

MANSARD = sys.argv[1]
# 100,000 ops take 3 to 5 seconds of an idle machine of 2 GHz. One that is busy may need twice that;
# work that grows with the square of the ops would need hours.
LIMIT_S = float(sys.argv[2]) if len(sys.argv) > 2 else 12
failures = []
checks = 0


def processor_seconds():
    """Of all that ran so far: a busy machine makes no test fail."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def estimate(folder, name, text, *flags):
    path = pathlib.Path(folder) / f"{name}.mlir"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = processor_seconds()
    done = subprocess.run(
        [MANSARD, "estimate", "--model", str(path), "--target", "h100-sxm", "--json", *flags],
        capture_output=True, text=True, timeout=240)
    return done, processor_seconds() - before


def refused(folder, name, text, *expected, flags=()):
    """Exit status 1, nothing on standard output, a message with each of `expected`."""
    global checks
    checks += 1
    done, seconds = estimate(folder, name, text, *flags)
    message = done.stderr
    if done.returncode != 1 or done.stdout:
        failures.append(f"{name}: exit {done.returncode}: {message[:300]}")
    for part in expected:
        if part not in message:
            failures.append(f"{name}: '{part}' is not in: {message[:300]}")
    if seconds > 20:
        failures.append(f"{name}: {seconds:.1f} s")


def priced(folder, name, text, kernels, limit=None, flags=()):
    global checks
    checks += 1
    done, seconds = estimate(folder, name, text, *flags)
    if done.returncode != 0:
        failures.append(f"{name}: exit {done.returncode}: {done.stderr[:300]}")
        return
    found = sum(kernel["count"] for kernel in json.loads(done.stdout)["kernels"])
    if found != kernels:
        failures.append(f"{name}: {found} kernels, not {kernels}")
    print(f"{name}: {found} kernels in {seconds:.2f} s")
    if limit and seconds > limit:
        failures.append(f"{name}: {seconds:.2f} s, more than {limit}")


def chain(ops):
    """A chain of matmuls and element-wise work, with many different shapes."""
    lines = ["func.func @step(%x0: tensor<64x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<64x64xbf16> {",
             "  %z = arith.constant 0.0 : bf16",
             "  %e = tensor.empty() : tensor<64x64xbf16>",
             "  %c = linalg.fill ins(%z : bf16) outs(%e : tensor<64x64xbf16>) -> tensor<64x64xbf16>"]
    t = "tensor<64x64xbf16>"
    for i in range(ops):
        if i % 4 == 0:
            op = f"linalg.matmul ins(%x{i}, %w : {t}, {t}) outs(%c : {t}) -> {t}"
        elif i % 4 == 1:
            op = f"linalg.add ins(%x{i}, %w : {t}, {t}) outs(%e : {t}) -> {t}"
        elif i % 4 == 2:
            op = f"linalg.exp ins(%x{i} : {t}) outs(%e : {t}) -> {t}"
        else:
            op = f"linalg.softmax dimension(1) ins(%x{i} : {t}) outs(%e : {t}) -> {t}"
        lines.append(f"  %x{i + 1} = {op}")
    lines += [f"  return %x{ops} : {t}", "}"]
    return "\n".join(lines) + "\n"


def shapes(ops):
    """As many kernels as ops, no two alike."""
    lines = ["func.func @step(%w: tensor<64x64xbf16>) {"]
    for i in range(ops):
        t = f"tensor<{i + 1}x64xbf16>"
        lines += [f"  %e{i} = tensor.empty() : {t}", f"  %y{i} = linalg.exp ins(%e{i} : {t}) outs(%e{i} : {t}) -> {t}"]
    return "\n".join(lines + ["  return", "}"]) + "\n"


def main():
    one = "func.func @step(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {\n  %y = math.exp %x : tensor<4x4xf32>\n  return %y : tensor<4x4xf32>\n}\n"
    with tempfile.TemporaryDirectory() as folder:
        priced(folder, "one", one, 1)
        priced(folder, "chain", chain(100_000), 100_000, LIMIT_S)
        priced(folder, "shapes", shapes(50_000), 50_000, LIMIT_S)

        # Not a module.
        refused(folder, "empty", "", "has 0 functions")
        refused(folder, "garbage", "not a module at all", "garbage.mlir:1:1")
        refused(folder, "binary", bytes(range(256)) * 64)
        refused(folder, "bytecode", b"ML\xefR" + bytes(range(256)) * 16)
        refused(folder, "cut", one[: len(one) // 2], "cut.mlir:")
        refused(folder, "dialect", "func.func @step() {\n  nosuch.op\n  return\n}\n", "dialect.mlir:2", "nosuch")
        refused(folder, "type", one.replace("f32", "f33"), "type.mlir:1")

        # Nested beyond any stack.
        many = 200_000
        loop = "scf.for %i = %a to %b step %c {\n"
        refused(folder, "regions", "func.func @f(%a: index, %b: index, %c: index) {\n" + loop * many + "}\n" * many + "return\n}\n",
                "regions.mlir:", "nested more than")
        refused(folder, "brackets", "#a = " + "[" * many + "]" * many, "nested more than")
        refused(folder, "types", "func.func @f(%x: " + "tuple<" * many + ">" * many + ") { return }", "nested more than")
        refused(folder, "signs", "#m = affine_map<(d0) -> (" + "- " * many + "d0)>", "signs in a row")
        refused(folder, "sums", "#m = affine_map<(d0, d1) -> (" + " + ".join(["d0", "d1"] * many) + ")>", "affine map")
        below = 100
        priced(folder, "deep", "func.func @f() {\n %a = arith.constant 0 : index\n %b = arith.constant 1 : index\n"
               + "".join(f"scf.for %i{n} = %a to %b step %b {{\n" for n in range(below))
               + "%e = tensor.empty() : tensor<4xf32>\n %y = math.exp %e : tensor<4xf32>\n" + "}\n" * below + "return\n}\n", 1)

        # Functions.
        refused(folder, "recursion", "func.func @f() {\n  func.call @g() : () -> ()\n  return\n}\nfunc.func @g() {\n  func.call @f() : () -> ()\n  return\n}\n",
                "called by another", "@f @g")
        calls = "".join(f"func.func private @f{n}() {{\n  func.call @f{n + 1}() : () -> ()\n  func.call @f{n + 1}() : () -> ()\n  return\n}}\n" for n in range(64))
        refused(folder, "doubling", calls.replace("private @f0", "@f0") + "func.func private @f64() { return }\n", "doubling.mlir:", "scf.for")
        long = "".join(f"func.func private @f{n}() {{\n  func.call @f{n + 1}() : () -> ()\n  return\n}}\n" for n in range(20_000))
        refused(folder, "long", long.replace("private @f0", "@f0") + "func.func private @f20000() { return }\n", "long.mlir:", "64 calls deep")
        refused(folder, "name", one, "no function @nosuch", "@step", flags=("--function", "nosuch"))

        # Sizes.
        huge = 9223372036854775807
        refused(folder, "dims", f"func.func @f(%x: tensor<{huge}x{huge}xf32>) {{ return }}\nfunc.func private @g(%x: tensor<4xf32>) {{\n  %y = math.exp %x : tensor<4xf32>\n  return\n}}\n", "functions")
        refused(folder, "elements", one.replace("4x4", "10000000000x10000000000"), "2^60")
        refused(folder, "open", one.replace("4x4", "?x4"), "open.mlir:1", "dimension 0", "--dim arg0.0=N")
        refused(folder, "negative", one.replace("4x4", "?x4"), "is -5", flags=("--dim", "arg0.0=-5"))
        refused(folder, "overflow", one.replace("4x4", "?x4"), "NAME=NUMBER", flags=("--dim", "arg0.0=99999999999999999999"))
        refused(folder, "unranked", one.replace("4x4x", "*x"), "has no rank")
        refused(folder, "turns", "func.func @f(%x: tensor<4xf32>) {\n %a = arith.constant 0 : index\n %s = arith.constant 1 : index\n %b = arith.constant 1000000000000 : index\n"
                + "".join(f"scf.for %i{n} = %a to %b step %s {{\n" for n in range(12)) + "%y = math.exp %x : tensor<4xf32>\n" + "}\n" * 12 + "return\n}\n", "turns.mlir:")

        # What no model has a price for.
        refused(folder, "element", one.replace("f32", "f128"), "f128")
        refused(folder, "fp64", "func.func @f(%a: tensor<8x8xf64>) {\n %e = tensor.empty() : tensor<8x8xf64>\n %y = linalg.matmul ins(%a, %a : tensor<8x8xf64>, tensor<8x8xf64>) outs(%e : tensor<8x8xf64>) -> tensor<8x8xf64>\n return\n}\n",
                "fp64", flags=("--set", "matrix.ops_per_clock.fp64=0"))
    print(f"{checks} checks")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


sys.exit(main())
