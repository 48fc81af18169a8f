"""Runs frameworks and the example programs on every golden, after the known defects: docs/conformance.*."""

import subprocess
import sys

from benchmarks import page
from benchmarks.benchmark import PROCESSES, Measured

DOCS = page.ROOT / "docs"

BUILT_IN = ("numpy", "torch", "torch-cells", "onnxruntime", "onnx-reference", "keras-torch", "keras-jax", "flax")

PROGRAMS = (
    "examples/programs/my_rnn",
    "node examples/programs/my_rnn.js",
    "node examples/programs/my_rnn_tfjs.js",
    "python3 examples/programs/my_rnn.py",
)

CHECKED = ("--gradients", "--known-failures", "docs/known-failures", "-n", str(PROCESSES))
"""Arguments of every report."""


def measured(*, write: bool = False, against: bool = False) -> Measured:
    """Check all; write the report and its page, or compare with the report that is committed."""
    output = DOCS / "conformance.json" if write else page.ROOT / "build" / "conformance.json"
    output.parent.mkdir(exist_ok=True)
    command = ["report", *BUILT_IN, *CHECKED, "--revision", page.commit(), "--output", str(output)]
    for program in PROGRAMS:
        command += ["--program", program]
    for row in sorted((DOCS / "engines").glob("*.json")):
        command += ["--with", str(row)]
    if write:
        command += ["--page", str(DOCS / "conformance.md")]
    if against:
        command += ["--against", str(DOCS / "conformance.json")]
    if not (page.ROOT / "examples" / "programs" / "node_modules").exists():
        subprocess.run(["examples/install.sh"], cwd=page.ROOT, check=True)
    subprocess.run(["make", "--silent", "-C", "examples/programs"], cwd=page.ROOT, check=True)
    steps = {"the list of known defects": ["defects"], "the report": command}
    return Measured("", [f"{what} failed" for what, arguments in steps.items() if not _succeeds(arguments)])


def _succeeds(arguments: list[str]) -> bool:
    done = subprocess.run([sys.executable, "-m", "rnn_goldens", *arguments], cwd=page.ROOT, check=False)
    return done.returncode == 0
