"""Measures the branch coverage of the modules that decide what passes."""

import subprocess
import sys

from benchmarks import page
from benchmarks.benchmark import Measured

DECIDING = {
    "golden": "expected precision shapes tolerance",
    "comparison": "call_patterns calls_as_served calls_in_parts served_sequences states differences actual "
    "array_conversion returned verdict",
    "encoding": "golden_types files consistency tree",
}
"""Modules by package."""

TESTS = [f"tests/{name}" for name in ("golden", "comparison", "checkable_golden", "encoding", "corpus")]


def measured() -> Measured:
    """Run the tests of these modules, and report branches that none runs."""
    modules = [f"rnn_goldens/{package}/{name}.py" for package, names in DECIDING.items() for name in names.split()]
    pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", *TESTS]
    steps = {
        "a test": ["run", "--branch", "--data-file=build/coverage", f"--include={','.join(modules)}", *pytest],
        "100 % branch coverage": ["report", "--data-file=build/coverage", "--show-missing", "--fail-under=100"],
    }
    (page.ROOT / "build").mkdir(exist_ok=True)
    commands = {what: [sys.executable, "-m", "coverage", *arguments] for what, arguments in steps.items()}
    codes = {what: subprocess.run(one, cwd=page.ROOT, check=False).returncode for what, one in commands.items()}
    return Measured("", [f"{what} failed" for what, code in codes.items() if code])
