"""Questions that are drawn by seed and answered by the generator: they tell whether an edit changed anything."""

import hashlib
import os
import pickle
import signal
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens import Golden, cells, generator
from rnn_goldens.golden.shapes import CELLS, LAYOUTS, Config, state_shape, weight_shapes

if TYPE_CHECKING:
    from rnn_goldens.generator.scenario import Scenario

Progress = Callable[[Iterable[Any], int, str], Iterable[Any]]
"""Shows how far some work has come: given what comes of it, how much will, and what is being done."""

ASKED_IN = ("float64", "float32")
EACH = 200
"""So many questions to each cell."""

Seed = tuple[str, int]
"""A cell, and which of its questions."""


def seeds() -> list[Seed]:
    """Of all questions."""
    return [(cell, number) for number in range(EACH) for cell in CELLS]


def question(seed: Seed) -> Golden:
    """The question of a seed with its certified answer; what the generator refuses is drawn again."""
    from rnn_goldens.generator.certify import certify
    from rnn_goldens.generator.scenario import Refused

    cell, number = seed
    for attempt in count():
        draw = np.random.default_rng([CELLS.index(cell), number, attempt])
        fields = _fields(cell, draw)
        for declared in ((), ("saturated",)):
            try:
                golden = certify(_scenario(f"drawn/{cell.replace('_', '-')}-{number}", cell, fields, declared))
            except Refused:
                continue
            if golden.precisions == ASKED_IN:
                return golden
    raise AssertionError


def _fields(cell: str, draw: np.random.Generator) -> dict[str, Any]:
    """A configuration, weights and inputs, each kind of number of its own size; all are numbers of float32."""

    def chance(of: float) -> bool:
        return bool(draw.random() < of)

    config = Config(
        int(draw.integers(1, 5)),
        int(draw.integers(1, 5)),
        num_layers=int(draw.integers(1, 4)),
        bidirectional=chance(0.5),
        bias=chance(0.7),
    )
    time, unbatched, stateful = int(draw.integers(1, 7)), chance(0.2), chance(0.6)
    batch = () if unbatched else (int(draw.integers(1, 5)),)
    lengths = draw.integers(1, time + 1, batch) if batch and chance(0.5) else None

    def numbers(shape: tuple[int, ...], smallest: float, largest: float) -> NDArray[np.float64]:
        amplitude = 2.0 ** draw.uniform(smallest, largest)
        return draw.uniform(-amplitude, amplitude, shape).astype(np.float32).astype(np.float64)

    of_weights = {name: numbers(shape, -3, 1.5) for name, shape in weight_shapes(LAYOUTS[cell], config).items()}
    states = [numbers(state_shape(config, batch), -4, 2) for _ in LAYOUTS[cell].states] if stateful else []
    return {
        "config": config,
        "weights": of_weights,
        "x": numbers((*batch, time, config.input_size), -8, 4),
        "h0": states[0] if states else None,
        "c0": states[1] if len(states) > 1 else None,
        "lengths": lengths,
    }


def _scenario(name: str, cell: str, fields: Mapping[str, Any], declared: tuple[str, ...]) -> "Scenario":
    from rnn_goldens.generator.scenario import Scenario

    return Scenario(
        id=name,
        title="Drawn",
        purpose="To see whether an edit changed anything.",
        documented_in="nowhere: it was drawn",
        cell=cell,
        declared=declared,
        precisions=ASKED_IN,
        **fields,
    )


def questions(folder: Path, processes: int, progress: Progress) -> list[Golden]:
    """All of them: certified once, and kept in a folder until the generator or what is drawn changes."""
    path = folder / f"drawn-{basis()}.pickle"
    if not path.is_file():
        with ProcessPoolExecutor(processes, initializer=_begin) as pool:
            found = list(progress(pool.map(question, seeds(), chunksize=8), len(seeds()), "certifying drawn questions"))
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(pickle.dumps(found))
        unfinished.replace(path)
    loaded: list[Golden] = pickle.loads(path.read_bytes())
    return loaded


def _begin() -> None:
    """Whoever started the processes says when to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def basis() -> str:
    """What the questions and their answers hang on, as a hash."""
    folders = [Path(folder) for package in (cells, generator) for folder in package.__path__]
    code = sorted(path for folder in folders for path in folder.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in (Path(__file__), *code))).hexdigest()[:16]
