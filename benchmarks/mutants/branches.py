"""Whether the tests run every branch of the modules that decide right from wrong.

    python -m benchmarks.mutants.branches    # from the checkout; exits with 1 if one is not run

With --plugin those of the plugin too, whose tests take minutes; what runs in processes that tests start counts. Of one
that a test kills while it writes down what it ran, coverage says that its file can not be used, and goes on without it.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterable

from benchmarks.mutants.judging import BUILD
from benchmarks.mutants.modules import BRANCHES_ALONE, PLUGIN, PLUGIN_TESTS, TESTS, TOP

CONFIGURATION = BUILD / "branches.ini"
DATA = BUILD / "branches" / "data"


def main() -> None:
    """Run the tests and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plugin", action="store_true", help="the modules of the plugin that say what passed, too")
    with_plugin = parser.parse_args().plugin
    asked = {module: tests for module, tests in {**TESTS, **BRANCHES_ALONE}.items() if module not in PLUGIN}
    modules = (*asked, *(PLUGIN if with_plugin else ()))
    of_modules = (test for tests in asked.values() for test in tests)
    tests = dict.fromkeys((*of_modules, *(PLUGIN_TESTS if with_plugin else ())))
    shutil.rmtree(DATA.parent, ignore_errors=True)
    DATA.parent.mkdir(parents=True)
    CONFIGURATION.write_text(_configuration(modules, processes=with_plugin), "utf-8")
    sys.exit(
        _coverage("run", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", *tests)
        or (with_plugin and _coverage("combine", "--quiet"))
        or _coverage("report", "--show-missing", "--fail-under=100")
    )


def _configuration(modules: Iterable[str], *, processes: bool) -> str:
    """What is measured; in the processes that tests start too, or not."""
    include = "".join(f"\n    {TOP / module}" for module in modules)
    of_processes = "parallel = true\npatch = subprocess, _exit, fork\n" if processes else ""
    return f"[run]\nbranch = true\n{of_processes}data_file = {DATA}\ninclude ={include}\n"


def _coverage(command: str, *arguments: str) -> int:
    told = [sys.executable, "-m", "coverage", command, f"--rcfile={CONFIGURATION}", *arguments]
    return subprocess.run(told, cwd=TOP, check=False).returncode


if __name__ == "__main__":
    main()
