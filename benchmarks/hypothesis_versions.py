"""Tests ``rnn-goldens fuzz`` with the lowest version of Hypothesis that pyproject.toml allows, and with the newest.

Each version has its own environment below build/. There ``fuzz`` must find five wrong networks and a crash, and
nothing in a correct network: ``tests/fuzz/test_wrong_networks.py``. Exits with 1 otherwise.
"""

import re
import subprocess
import tomllib
import venv
from pathlib import Path

from benchmarks.benchmark import Measured

ENVIRONMENTS = Path("build", "hypothesis")
TEST = "tests/fuzz/test_wrong_networks.py"


def measured() -> Measured:
    """Return which versions fail."""
    versions = {f"Hypothesis {lowest()}": f"=={lowest()}", "the newest Hypothesis": ""}
    return Measured("", [f"fails with {name}" for name, version in versions.items() if not runs(version)])


def lowest() -> str:
    """Return the lowest supported version."""
    extras = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    found = next(filter(None, (re.fullmatch(r"hypothesis>=([\d.]+)", need) for need in extras["hypothesis"])))
    return found[1]


def runs(version: str) -> bool:
    """Return whether the test passes with a version of Hypothesis, such as ``==6.100``; "" for the newest."""
    environment = ENVIRONMENTS / (version.removeprefix("==") or "newest")
    python = environment / "bin" / "python"
    venv.create(environment, with_pip=True)
    packages = [f"hypothesis{version}", "--editable", ".[hypothesis]", "pytest-asyncio"]
    subprocess.run([python, "-m", "pip", "install", "-q", "--upgrade", *packages], check=True)
    done = subprocess.run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", TEST], check=False)
    version_line = "import hypothesis; print('Hypothesis', hypothesis.__version__, end=': ')"
    subprocess.run([python, "-c", version_line], check=True)
    print("passed" if done.returncode == 0 else "FAILED")
    return done.returncode == 0
