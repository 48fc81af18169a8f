"""Runs the convolution of two versions of flash-linear-attention, before and after a bug of its backward pass."""

import os
import re
import subprocess
from pathlib import Path

from benchmarks import page
from benchmarks.benchmark import Measured
from benchmarks.engines import environment_of

VERSIONS = {"0.5.2": "3.6.0", "0.6.0": "3.9.0"}
"""Versions of flash-linear-attention, and of triton that run it in the interpreter."""

COMMAND = "rnn-goldens check conformance.fla:causal_conv --cell causal_conv --gradients"

CAUSE = "causal_conv_short_last_window_shifted"
"""What the first version has."""

TITLE = """## Two versions of flash-linear-attention

Gradients of `causal_conv1d` in Triton's interpreter, before and after
[flash-linear-attention#1140](https://github.com/fla-org/flash-linear-attention/issues/1140):

"""


def measured() -> Measured:
    """Return the section, and what differs from what is known."""
    runs = {version: _run(version) for version in VERSIONS}
    old, new = runs.values()
    wrong = [] if CAUSE in old and " failed" in old else [f"0.5.2: {CAUSE} is not named"]
    wrong += [] if re.search(r"^4 passed", new, re.MULTILINE) else ["0.6.0: not 4 goldens pass"]
    return Measured(TITLE + "\n".join(runs.values()), wrong)


def _run(version: str) -> str:
    """Return the end of the run with a version, without what depends on the machine, in at most ten lines."""
    python = environment_of(f"fla-{version}", _requirements(version))
    command = [str(python), "-m", *COMMAND.replace("rnn-goldens", "rnn_goldens").split(), "-q"]
    found = subprocess.run(command, cwd=page.ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    lines = found.stdout.splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("causal_conv: ")]
    ends = [i for i, line in enumerate(lines) if line.startswith("  - all failed goldens")]
    cause = lines[starts[0] : ends[0]] if starts and ends else []
    last = re.sub(r" in [\d.]+s.*", "", next((line for line in reversed(lines) if " passed" in line), found.stderr))
    return "\n".join(["```text", f"$ {COMMAND}  # {version}", *cause, last, "```", ""])


def _requirements(version: str) -> Path:
    """Return a file of requirements of a version, which is written anew if it changed."""
    path = page.ROOT / "build" / "engines" / f"fla-{version}.txt"
    text = f"fla-core=={version}\nflash-linear-attention=={version}\ntorch>=2.13\ntriton=={VERSIONS[version]}\n"
    if not path.exists() or path.read_text("utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return path
