#!/usr/bin/env python3
"""The price of a linalg op is that of `mansard kernel` on the same work, within 1 %."""
import json
import pathlib
import subprocess
import sys
import tempfile

MANSARD = sys.argv[1]
MOST = 0.01
failures = []


def run(*arguments):
    done = subprocess.run([MANSARD, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"mansard {' '.join(arguments)} failed: {done.stderr}")
    return json.loads(done.stdout)


class Module:
    """One function; every op added is a kernel to compare."""

    def __init__(self):
        self.arguments, self.lines, self.expected = [], [], []

    def value(self, shape, element):
        name = f"%a{len(self.arguments)}"
        self.arguments.append(f"{name}: {tensor(shape, element)}")
        return name

    def zeros(self, shape, element):
        n = len(self.lines)
        zero = "0" if element.startswith("i") else "0.0"
        self.lines += [
            f"  %z{n} = arith.constant {zero} : {element}",
            f"  %e{n} = tensor.empty() : {tensor(shape, element)}",
            f"  %c{n} = linalg.fill ins(%z{n} : {element}) outs(%e{n} : {tensor(shape, element)}) -> {tensor(shape, element)}",
        ]
        return f"%c{n}"

    def op(self, text, ins, outs, expected):
        """`ins`, `outs`: (value, shape, element)."""
        n = len(self.lines)
        inputs = ", ".join(v for v, _, _ in ins) + " : " + ", ".join(tensor(s, e) for _, s, e in ins)
        out, shape, element = outs
        self.lines.append(
            f"  %r{n} = {text[0]} ins({inputs}) outs({out} : {tensor(shape, element)}){text[1]} -> {tensor(shape, element)}"
        )
        self.expected.append(expected)
        return f"%r{n}"

    def text(self):
        return "func.func @step(" + ", ".join(self.arguments) + ") {\n" + "\n".join(self.lines) + "\n  return\n}\n"


def tensor(shape, element):
    return "tensor<" + "".join(f"{size}x" for size in shape) + element + ">"


ELEMENT = {"bf16": "bf16", "fp16": "f16", "fp8": "f8E4M3FN", "int8": "i8", "fp32": "f32", "fp64": "f64"}
OUT = {"fp8": "bf16", "int8": "i32"}


def body(left, right, out):
    """Multiplies and adds, each in the type of the sum."""
    lines = []

    def widened(name, element):
        if element == out:
            return name
        word = "extsi" if element.startswith("i") and out.startswith("i") else "extf"
        lines.append(f"%w{name[1:]} = arith.{word} {name} : {element} to {out}")
        return f"%w{name[1:]}"

    l, r = widened("%l", left), widened("%r", right)
    kind = "i" if out.startswith("i") else "f"
    lines += [f"%p = arith.mul{kind} {l}, {r} : {out}", f"%t = arith.add{kind} %s, %p : {out}", f"linalg.yield %t : {out}"]
    return " {\n  ^bb0(%l: " + left + ", %r: " + right + ", %s: " + out + "):\n    " + "\n    ".join(lines) + "\n  }"


def generic(maps, iterators):
    maps = ", ".join(f"affine_map<{one}>" for one in maps)
    iterators = ", ".join(f'"{one}"' for one in iterators)
    return f"linalg.generic {{indexing_maps = [{maps}], iterator_types = [{iterators}]}}"


def gemm(module, dtype, m, n, k, form):
    e, o = ELEMENT[dtype], ELEMENT.get(OUT.get(dtype, dtype), OUT.get(dtype))
    expected = ["gemm", "--dtype", dtype, "--m", m, "--n", n, "--k", k, "--out-dtype", "int32" if o == "i32" else OUT.get(dtype, dtype)]
    c = (module.zeros([m, n], o), [m, n], o)
    a, b = [m, k], [k, n]
    if form == "matmul":
        module.op(("linalg.matmul", ""), [(module.value(a, e), a, e), (module.value(b, e), b, e)], c, expected)
    elif form == "transpose_b":
        b = [n, k]
        module.op(("linalg.matmul_transpose_b", ""), [(module.value(a, e), a, e), (module.value(b, e), b, e)], c, expected)
    else:  # the other operand first
        maps = ["(m, n, k) -> (k, n)", "(m, n, k) -> (m, k)", "(m, n, k) -> (m, n)"]
        module.op(
            (generic(maps, ["parallel", "parallel", "reduction"]), body(e, e, o)),
            [(module.value(b, e), b, e), (module.value(a, e), a, e)], c, expected)


def batch(module, dtype, g, m, n, k):
    e = ELEMENT[dtype]
    a, b, c = [g, m, k], [g, k, n], [g, m, n]
    module.op(
        ("linalg.batch_matmul", ""), [(module.value(a, e), a, e), (module.value(b, e), b, e)],
        (module.zeros(c, e), c, e),
        ["grouped_gemm", "--dtype", dtype, "--groups", g, "--m", m, "--n", n, "--k", k])


def gemv(module, dtype, n, k):
    e = ELEMENT[dtype]
    module.op(
        ("linalg.matvec", ""), [(module.value([n, k], e), [n, k], e), (module.value([k], e), [k], e)],
        (module.zeros([n], e), [n], e), ["gemm", "--dtype", dtype, "--m", 1, "--n", n, "--k", k])


def conv(module, dtype, batch, size, channels, filters, window, stride):
    e = ELEMENT[dtype]
    o = (size - window) // stride + 1
    x, f, y = [batch, size, size, channels], [window, window, channels, filters], [batch, o, o, filters]
    module.op(
        (f"linalg.conv_2d_nhwc_hwcf {{dilations = dense<1> : tensor<2xi64>, strides = dense<{stride}> : tensor<2xi64>}}", ""),
        [(module.value(x, e), x, e), (module.value(f, e), f, e)], (module.zeros(y, e), y, e),
        ["gemm", "--dtype", dtype, "--m", batch * o * o, "--n", filters, "--k", window * window * channels])


def vector(module, kind, dtype, rows, cols):
    e, shape = ELEMENT[dtype], [rows, cols]
    expected = ["vector", "--kind", kind, "--dtype", dtype, "--rows", rows, "--cols", cols]
    x, out = (module.value(shape, e), shape, e), (module.zeros(shape, e), shape, e)
    if kind == "softmax":
        module.op(("linalg.softmax dimension(1)", ""), [x], out, expected)
    elif kind == "copy":
        module.op(("linalg.copy", ""), [x], out, expected)
    else:
        module.op((f"linalg.{kind}", ""), [x, (module.value(shape, e), shape, e)], out, expected)


def attention(module, dtype, batch, heads, q, kv, dim):
    e = ELEMENT[dtype]
    qs, ks, ss = [batch, heads, q, dim], [batch, heads, kv, dim], [batch, heads, q, kv]
    loops = ["parallel"] * 4 + ["reduction"]
    maps = ["(b, h, i, j, d) -> (b, h, i, d)", "(b, h, i, j, d) -> (b, h, j, d)", "(b, h, i, j, d) -> (b, h, i, j)"]
    scores = module.op(
        (generic(maps, loops), body(e, e, e)), [(module.value(qs, e), qs, e), (module.value(ks, e), ks, e)],
        (module.zeros(ss, e), ss, e), None)
    chances = module.op(("linalg.softmax dimension(3)", ""), [(scores, ss, e)], (module.zeros(ss, e), ss, e), None)
    maps = ["(b, h, i, d, j) -> (b, h, i, j)", "(b, h, i, d, j) -> (b, h, j, d)", "(b, h, i, d, j) -> (b, h, i, d)"]
    module.op(
        (generic(maps, loops), body(e, e, e)), [(chances, ss, e), (module.value(ks, e), ks, e)],
        (module.zeros(qs, e), qs, e),
        ["attention_decode" if q == 1 else "attention_prefill", "--dtype", dtype, "--batch", batch,
         "--q-len", q, "--kv-len", kv, "--heads", heads, "--kv-heads", heads, "--head-dim", dim, "--causal", 0])


def work(module, types):
    for dtype in types:
        gemm(module, dtype, 4096, 4096, 4096, "matmul")
        gemm(module, dtype, 64, 7168, 2048, "transpose_b")
        gemm(module, dtype, 300, 1000, 777, "swapped")
        gemm(module, dtype, 8192, 1024, 512, "matmul")
        gemm(module, dtype, 1, 4096, 14336, "matmul")
    wide = types[0]
    batch(module, wide, 16, 128, 256, 512)
    batch(module, wide, 64, 1, 1024, 4096)
    batch(module, wide, 3, 1000, 1000, 64)
    gemv(module, wide, 4096, 4096)
    gemv(module, wide, 28672, 8192)
    conv(module, wide, 8, 58, 64, 128, 3, 1)
    conv(module, wide, 32, 56, 256, 64, 1, 1)
    conv(module, wide, 4, 225, 16, 64, 7, 2)
    for rows, cols in [(4096, 8192), (7, 333), (65536, 128)]:
        for kind in ("add", "mul", "softmax", "copy"):
            vector(module, kind, wide, rows, cols)
    attention(module, wide, 2, 16, 1024, 1024, 128)
    attention(module, wide, 32, 8, 1, 4096, 128)
    attention(module, wide, 1, 32, 512, 4096, 64)


def main():
    compared = 0
    for target, types in [("h100-sxm", ["bf16", "fp8", "int8"]), ("a100-sxm-80gb", ["fp16", "int8", "fp64"]),
                          ("ascend-910b", ["bf16", "int8"]), ("dcu-bw1000", ["fp16", "int8"]), ("mlu590", ["fp16", "fp32"])]:
        module = Module()
        work(module, types)
        expected = [one for one in module.expected if one]
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "work.mlir"
            path.write_text(module.text())
            priced = run("estimate", "--model", str(path), "--target", target, "--json")["kernels"]
        if len(priced) != len(expected):
            failures.append(f"{target}: {len(expected)} kernels expected, {len(priced)} priced")
            continue
        for kernel, arguments in zip(priced, expected):
            alone = run("kernel", arguments[0], "--target", target, "--json", *map(str, arguments[1:]))
            compared += 1
            if abs(kernel["latency_us"] / alone["latency_us"] - 1) > MOST:
                failures.append(f"{target}: {' '.join(map(str, arguments))}: {alone['latency_us']} us, as linalg {kernel['latency_us']} us ({kernel['work']})")
    print(f"{compared} shapes compared")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures or compared < 30 else 0


sys.exit(main())
