"""What certifying costs: the whole corpus from scratch and again, and one golden as its sizes grow.

    make bench-generation

Wall and CPU seconds of whole processes, and the largest process's memory.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rnn_goldens.generator.certify import certify
from rnn_goldens.generator.scenarios.variants import Variant, rounded
from rnn_goldens.shapes import Config

GENERATE = """
import sys
from pathlib import Path
from rnn_goldens.generator.generate import generate
from rnn_goldens.generator.reuse import Certified
from rnn_goldens.generator.scenarios import SCENARIOS

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    outcomes = generate(SCENARIOS, folder / "v1", adequate=True, certified=Certified(folder / "certified"))
    print(sum(outcome.became == "new" for outcome in outcomes), "new of", len(outcomes))
"""

BASE = {"time": 10, "hidden": 8, "layers": 1}
GROWTH: dict[str, Sequence[int]] = {"time": (10, 50, 200), "hidden": (8, 32, 64), "layers": (1, 2, 4)}


def main() -> None:
    """Print one line a figure."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "generate.py"
        program.write_text(GENERATE)
        for what in ("whole corpus, from scratch", "whole corpus, nothing changed"):
            whole_corpus(what, program)
    one_golden(**BASE)  # imports torch, which is not what is measured
    print(f"\none LSTM golden, batch 2, CPU seconds; {BASE} but for what grows")
    for what, values in GROWTH.items():
        cells = (f"{value}: {one_golden(**{**BASE, what: value}):.2f} s" for value in values)
        print(f"  {what:<8}{', '.join(cells)}", flush=True)


def whole_corpus(what: str, program: Path) -> None:
    """Generate in a process of its own, with its pool."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, str(program), str(program.parent)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{what:<32}{wall:6.1f} s wall {cpu:6.1f} s CPU, largest process {after.ru_maxrss / 1024:.0f} MiB ({printed})"
    )


def one_golden(time: int, hidden: int, layers: int) -> float:
    """CPU seconds to certify one golden of a size, in all precisions its tolerance allows."""
    config = Config(input_size=4, hidden_size=hidden, num_layers=layers)
    variant = Variant("sized", "sized", "To be timed.", config, time=time, state=True)
    scenario = variant.scenario("benchmark", "lstm", rounded(max(1 / hidden**0.5, 1 / 16), states=0.5))
    before = resource.getrusage(resource.RUSAGE_SELF)
    certify(scenario)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
