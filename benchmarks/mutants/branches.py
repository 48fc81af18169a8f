"""Whether the tests run every branch of the modules that decide right from wrong.

    python -m benchmarks.mutants.branches    # from the checkout; exits with 1 if one is not run

What runs in processes that tests start counts, too.
"""

import subprocess
import sys
from collections.abc import Iterable

from benchmarks.mutants.judging import BUILD
from benchmarks.mutants.modules import PLUGIN, PLUGIN_TESTS, TESTS, TOP

CONFIGURATION = BUILD / "coverage.ini"
DATA = BUILD / "coverage"


def main() -> None:
    """Run the tests and report."""
    BUILD.mkdir(parents=True, exist_ok=True)
    for left in BUILD.glob("coverage.*.*"):
        left.unlink()
    modules, tests = (*TESTS, *PLUGIN), dict.fromkeys((*(t for each in TESTS.values() for t in each), *PLUGIN_TESTS))
    CONFIGURATION.write_text(_configuration(modules), "utf-8")
    sys.exit(
        _coverage("run", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", *tests)
        or _coverage("combine", "--quiet")
        or _coverage("report", "--show-missing", "--fail-under=100")
    )


def _configuration(modules: Iterable[str]) -> str:
    include = "".join(f"\n    {TOP / module}" for module in modules)
    return f"[run]\nbranch = true\nparallel = true\npatch = subprocess\ndata_file = {DATA}\ninclude ={include}\n"


def _coverage(command: str, *arguments: str) -> int:
    told = [sys.executable, "-m", "coverage", command, f"--rcfile={CONFIGURATION}", *arguments]
    return subprocess.run(told, cwd=TOP, check=False).returncode


if __name__ == "__main__":
    main()
