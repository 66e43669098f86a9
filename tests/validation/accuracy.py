"""Estimates beside the measurements of this folder, as `mansard validate` gives them."""

import collections
import csv
import json
import math
import os
import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LEVELS = HERE / "levels.csv"
POWER = HERE / "power.csv"  # power_test.cpp reads it
HBM_STEP = HERE / "hbm_step.csv"  # hbm_step reads it
LEVEL_COLUMNS = ["file", "metric", "target", "dtype", "rows", "mape"]
KEY = ("file", "metric", "target", "dtype")


WHOLE_MODELS = ("serving", "training")  # tables whose rows are models, which a front end lowers


def is_of_kernels(path):
    return not path.name.startswith(WHOLE_MODELS)


def has_front_end(mansard):
    binary = pathlib.Path(os.path.abspath(mansard))
    return (binary.parent.parent / "lib" / "mansard" / "libmansard_ir.so").exists()


def tables(mansard=None):
    """All of this folder; with a program, those that it can estimate."""
    every = mansard is None or has_front_end(mansard)
    return sorted(path for path in HERE.glob("*.csv")
                  if path not in (LEVELS, POWER, HBM_STEP) and (every or is_of_kernels(path)))


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def validate(mansard):
    """(groups, rows): the JSON of `validate --json`, and the table of `validate --rows`."""
    environment = dict(os.environ, MANSARD_DATA=str(ROOT))
    environment.pop("MANSARD_PLUGIN_PATH", None)
    with tempfile.TemporaryDirectory() as folder:
        rows = pathlib.Path(folder) / "rows.csv"
        command = [os.path.abspath(mansard), "validate", *(path.name for path in tables(mansard)),
                   "--json", "--rows", str(rows)]
        done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True,
                              timeout=300, check=False)
        if done.returncode != 0:
            raise SystemExit(f"mansard validate ended with {done.returncode}:\n{done.stderr}")
        if done.stderr:
            print(done.stderr, end="")
        left = sorted(path.name for path in pathlib.Path(folder).iterdir())
        if left != ["rows.csv"]:
            raise SystemExit(f"--rows rows.csv left behind {left}")
        return json.loads(done.stdout), read_csv(rows)


def key_of(group):
    return tuple(group[name] for name in KEY)


def quantile(values, share):
    values = sorted(values)
    at = share * (len(values) - 1)
    below = int(at)
    above = min(below + 1, len(values) - 1)
    return values[below] + (at - below) * (values[above] - values[below])


def mean(values):
    return sum(values) / len(values) if values else math.nan


class Errors:
    """Figures of some rows of the table that --rows writes; errors in percent."""

    def __init__(self, rows):
        self.rows = len(rows)
        self.apes = [abs(float(row["error_percent"])) for row in rows]
        self.mape = mean(self.apes)
        self.median = quantile(self.apes, 0.5) if rows else math.nan
        self.p90 = quantile(self.apes, 0.9) if rows else math.nan
        self.bias = mean([math.log(float(row["ratio"])) for row in rows])
        self.roofline = mean([100 * abs(float(row["roofline_us"]) / float(row["measured_us"]) - 1)
                              for row in rows if row["roofline_us"]])
        self.inside = mean([100 * (float(row["low_us"]) <= float(row["measured_us"])
                                   <= float(row["high_us"]))
                            for row in rows if row["interval"] == "residuals"])
        # 1 where only one library has a kernel.
        spreads = [float(row["spread"]) for row in rows if float(row["spread"] or 1) > 1]
        self.spread = 100 * (quantile(spreads, 0.5) - 1) if spreads else math.nan


def grouped(rows, *by):
    """{key: rows}, sorted; each of `by` is a column or a function of a row."""
    groups = collections.defaultdict(list)
    for row in rows:
        groups[tuple(row[name] if isinstance(name, str) else name(row) for name in by)].append(row)
    return dict(sorted(groups.items()))


def write(path, text):
    """Whole or not at all."""
    path = pathlib.Path(path)
    path.parent.mkdir(exist_ok=True)
    partial = path.with_name(path.name + ".new")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
