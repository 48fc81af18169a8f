"""Runs engines that are too slow for CI or cannot share an environment, each in its own below build/engines."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import page
from benchmarks.benchmark import Measured
from benchmarks.conformance import CHECKED

CONFORMANCE = page.ROOT / "conformance"

ENGINES = tuple(sorted(path.stem for path in (CONFORMANCE / "requirements").glob("*.txt")))

ON_TENSORFLOW = ("keras-tensorflow", "tflite")

DIALECTS = {
    "keras-tensorflow": ("keras-tensorflow",),
    "openvino": ("conformance.openvino:run",),
    "tflite": ("conformance.tflite:run", "conformance.tflite_lstm:run"),
}
"""Engines with columns in docs/results/dialects.md."""


class Declared(NamedTuple):
    """What an engine has of recurrences.

    Attributes:
        function: a function of its module in conformance, or of another one, ``package.module:function``.
        cells: the recurrences that it computes.
        contract: the profile that it is checked by; "" for the default.
    """

    function: str
    cells: Sequence[str]
    contract: str = ""


ATTENTION = ("linear_attention", "gated_linear_attention", "delta_rule", "gated_delta")

IN_CHUNKS = "chunk=64,operands-stored"

BY_STEP = "step,operands-stored"

OF_RECURRENCES = {
    "fla": (
        Declared("run", ATTENTION, BY_STEP),
        Declared("chunk_simple_gla", ("linear_attention", "gated_linear_attention"), IN_CHUNKS),
        Declared("chunk_gla", ("gated_linear_attention",), IN_CHUNKS),
        Declared("chunk_delta_rule", ("delta_rule",), IN_CHUNKS),
        Declared("chunk_gated_delta_rule", ("gated_delta",), IN_CHUNKS),
        Declared("chunk_kda", ("gated_delta",), IN_CHUNKS),
        Declared("causal_conv", ("causal_conv",), "operands-stored"),
    ),
    "mlx_lm": (Declared("mlx_lm.models.gated_delta:gated_delta_ops", ("gated_delta",), BY_STEP),),
    "sglang": (
        Declared("chunk_gated_delta_rule", ("gated_delta",), IN_CHUNKS),
        Declared("fused_recurrent_gated_delta_rule", ("gated_delta",), BY_STEP),
        Declared("fused_recurrent_gated_delta_rule_update", ("gated_delta",), BY_STEP),
    ),
    "transformers": (
        Declared("gated_delta", ("gated_delta",)),
        Declared("gated_delta_steps", ("gated_delta",), "step"),
        Declared("selective_scan", ("selective_scan",), "step,all-stored"),
        Declared("causal_conv", ("causal_conv",), "operands-stored"),
    ),
    "vllm": (
        Declared("chunk_gated_delta_rule", ("gated_delta",), IN_CHUNKS),
        Declared("fused_recurrent_gated_delta_rule", ("gated_delta",), BY_STEP),
    ),
}
"""Engines that compute recurrences and no networks."""


def full_name(engine: str, declared: Declared) -> str:
    """Return the name of a function as an argument of ``rnn-goldens check``."""
    return declared.function if ":" in declared.function else f"conformance.{engine}:{declared.function}"


def measured(engines: Sequence[str] = ()) -> Measured:
    """Test each engine whose row is not of this corpus and commit, and write its row; a failure stops no other."""
    if unknown := set(engines) - set(ENGINES):
        sys.exit(f"no engine {', '.join(sorted(unknown))}: {', '.join(ENGINES)}")
    return Measured("", [line for name in engines or ENGINES if not _is_current(name) for line in _measure(name)])


def _is_current(name: str) -> bool:
    return all(path.exists() and _is_of_today(path) for path in rows_of(name))


def _is_of_today(path: Path) -> bool:
    document = json.loads(path.read_text("utf-8"))
    revision = document["made_with"].get("revision", "")
    return bool(document["corpus"] == page.corpus_version() and page.is_unchanged_since(revision))


def rows_of(name: str) -> dict[Path, list[str]]:
    """Return the arguments of the report of each row of an engine, by its file."""
    folder = page.ROOT / "docs" / "engines"
    if name not in OF_RECURRENCES:
        has_module = (CONFORMANCE / f"{name}.py").exists()
        return {folder / f"{name}.json": [f"conformance.{name}:run" if has_module else name]}
    return {
        folder / f"{name}-{one.function.rpartition(':')[2]}.json": [
            *(full_name(name, one), "--cell", ",".join(one.cells)),
            *(["--profile", one.contract] if one.contract else []),
        ]
        for one in OF_RECURRENCES[name]
    }


def _measure(name: str) -> list[str]:
    """Test an engine, and write its rows if it passes; return what failed."""
    python = environment_of(name, CONFORMANCE / "requirements" / f"{name}.txt")
    steps = {
        "its tests": ["-m", "pytest", "-q", "-W", "default", "tests/conformance"],
        "the list of known defects": ["-m", "rnn_goldens", "defects"],
    }
    for path, arguments in rows_of(name).items():
        path.parent.mkdir(exist_ok=True)
        how = [*CHECKED, "--time-limit", "300", "--revision", page.commit(), "--output", str(path)]
        steps[f"the report {path.name}"] = ["-m", "rnn_goldens", "report", *arguments, *how]
    if name in DIALECTS:
        steps["its dialects"] = ["-m", "benchmarks", "dialects", *DIALECTS[name], "--write"]
    backend = {"KERAS_BACKEND": "tensorflow"} if name in ON_TENSORFLOW else {}
    environment = {**os.environ, "ENGINE": name, **backend}
    for what, arguments in steps.items():
        if subprocess.run([python, *arguments], cwd=page.ROOT, env=environment, check=False).returncode:
            return [f"{name}: {what} failed"]
    return []


def environment_of(name: str, requirements: Path) -> Path:
    """Return the interpreter of an engine's environment, which is created again if its requirements are newer."""
    folder = page.ROOT / "build" / "engines" / name
    alone = requirements.with_suffix(".alone")  # packages of which only a few modules are needed
    python, ready = folder / "bin" / "python", folder / ".ready"
    needed = [requirements, page.ROOT / "pyproject.toml"]
    if not ready.exists() or any(path.stat().st_mtime > ready.stat().st_mtime for path in needed):
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        packages = ["pytest-asyncio", "pytest-xdist", "--editable", ".[generate,hypothesis]"]
        subprocess.run([*install, *packages, "--requirement", str(requirements)], cwd=page.ROOT, check=True)
        if alone.exists():
            subprocess.run([*install, "--no-deps", "--requirement", str(alone)], cwd=page.ROOT, check=True)
        ready.touch()
    return python
