"""Two corpora, the old one and the new one, small enough to be made a thousand times; and what stands in a folder."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rnn_goldens import Config, Scenario
from rnn_goldens.generator.generate import generate
from rnn_goldens.generator.index import Whose
from rnn_goldens.golden.shapes import LAYOUTS, weight_shapes

OLD, NEW = Whose("mine", "1.0.0"), Whose("mine", "2.0.0")

Contents = Mapping[str, bytes]
"""By path below a folder; hidden files too."""

SCENARIOS_FILE = """
from benchmarks.nothing_lost.corpora import NEW, asked

CORPUS, VERSION, SCENARIOS = NEW.name, NEW.version, asked(NEW)
"""
"""The new corpus, as ``generate --scenarios`` takes it."""


def asked(whose: Whose) -> Sequence[Scenario]:
    """What a corpus asks: of one cell each a network; the new one asks other numbers, one more and one less."""
    scenarios = [_scenario(cell, seed=1 + (whose == NEW)) for cell in ("rnn_tanh", "rnn_relu", "lstm")]
    return [*scenarios[1:], replace(scenarios[0], id="other/of-the-new")] if whose == NEW else scenarios


def _scenario(cell: str, seed: int) -> Scenario:
    numbers = np.random.default_rng(seed)
    config = Config(input_size=2, hidden_size=2)
    weights = {name: numbers.integers(-2, 3, shape) / 4 for name, shape in weight_shapes(LAYOUTS[cell], config).items()}
    return Scenario(
        id=f"some/{cell.replace('_', '-')}",
        purpose="To be written.",
        cell=cell,
        config=config,
        weights=weights,
        precisions=["float64"],
        x=numbers.integers(1, 3, (1, 2, 2)) / 2,
    )


def write(folder: Path, whose: Whose) -> None:
    """Make a corpus, as ``rnn-goldens generate`` does."""
    generate(asked(whose), folder, whose=whose)


def contents(folder: Path) -> Contents:
    """What stands in a folder; nothing if there is none."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def put(folder: Path, files: Contents) -> None:
    """Put files into a folder that is not there yet; no folder if there are none."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
