"""Runs the measurements in an environment with the wheel, as users install it, and the plugins it is compared with."""

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from benchmarks.benchmark import Measured
from benchmarks.page import ROOT

BENCH = ROOT / "build" / "bench"
PYTHON = BENCH / "venv" / "bin" / "python"


def measured(runs: int = 15) -> Measured:
    """Return the section, with the versions of that environment."""
    prepare()
    output = BENCH / "section.json"
    (wheel,) = BENCH.glob("*.whl")
    subprocess.run([PYTHON, "-m", "benchmarks.performance", str(runs), wheel, output], cwd=BENCH, check=True)
    section = json.loads(output.read_text("utf-8"))
    return Measured(section["text"], versions=section["versions"])


def prepare() -> None:
    """Build the wheel and install it with the other plugins; torch is that of this environment."""
    shutil.rmtree(BENCH, ignore_errors=True)
    venv.create(BENCH / "venv", with_pip=True)
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(BENCH), str(ROOT)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = BENCH.glob("*.whl")
    requirements = ROOT / "benchmarks" / "performance" / "requirements.txt"
    install = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, f"{wheel}[generate]", "-r", str(requirements)], check=True)
    here = sysconfig.get_path("purelib")
    there = subprocess.run(
        [PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    Path(there, "torch_of_the_checkout.pth").write_text(f"{here}\n", "utf-8")
    shutil.copytree(ROOT / "benchmarks", BENCH / "benchmarks")
    shutil.copytree(ROOT / "examples" / "programs", BENCH / "examples" / "programs")
