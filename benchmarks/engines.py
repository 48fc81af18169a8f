"""Runs engines that are too slow for CI or cannot share an environment, each in its own below build/engines."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

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


def measured(engines: Sequence[str] = ()) -> Measured:
    """Test each engine whose row is not of this corpus and commit, and write its row; a failure stops no other."""
    if unknown := set(engines) - set(ENGINES):
        sys.exit(f"no engine {', '.join(sorted(unknown))}: {', '.join(ENGINES)}")
    return Measured("", [line for name in engines or ENGINES if not _is_current(name) for line in _measure(name)])


def _is_current(name: str) -> bool:
    if not (path := page.ROOT / "docs" / "engines" / f"{name}.json").exists():
        return False
    document = json.loads(path.read_text("utf-8"))
    revision = document["made_with"].get("revision", "")
    return bool(document["corpus"] == page.corpus_version() and page.is_unchanged_since(revision))


def _measure(name: str) -> list[str]:
    """Test an engine, and write its row if it passes; return what failed."""
    python = _python(name)
    implementation = f"conformance.{name}:run" if (CONFORMANCE / f"{name}.py").exists() else name
    output = page.ROOT / "docs" / "engines" / f"{name}.json"
    output.parent.mkdir(exist_ok=True)
    report = [implementation, *CHECKED, "--time-limit", "300", "--revision", page.commit(), "--output", str(output)]
    steps = {
        "its tests": ["-m", "pytest", "-q", "-W", "default", "tests/conformance"],
        "the list of known defects": ["-m", "rnn_goldens", "defects"],
        "its report": ["-m", "rnn_goldens", "report", *report],
    }
    if name in DIALECTS:
        steps["its dialects"] = ["-m", "benchmarks", "dialects", *DIALECTS[name], "--write"]
    backend = {"KERAS_BACKEND": "tensorflow"} if name in ON_TENSORFLOW else {}
    environment = {**os.environ, "ENGINE": name, **backend}
    for what, arguments in steps.items():
        if subprocess.run([python, *arguments], cwd=page.ROOT, env=environment, check=False).returncode:
            return [f"{name}: {what} failed"]
    return []


def _python(name: str) -> Path:
    """Return the interpreter of an engine's environment, which is created again if its requirements are newer."""
    folder, requirements = page.ROOT / "build" / "engines" / name, CONFORMANCE / "requirements" / f"{name}.txt"
    python, ready = folder / "bin" / "python", folder / ".ready"
    needed = [requirements, page.ROOT / "pyproject.toml"]
    if not ready.exists() or any(path.stat().st_mtime > ready.stat().st_mtime for path in needed):
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        packages = ["pytest-asyncio", "pytest-xdist", "--editable", ".[generate,hypothesis]"]
        subprocess.run([*install, *packages, "--requirement", str(requirements)], cwd=page.ROOT, check=True)
        ready.touch()
    return python
