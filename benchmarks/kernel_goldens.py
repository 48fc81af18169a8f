"""Goldens at the sizes of kernels: their cost, right implementations, and kernels that lose a part of an array."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks import page
from benchmarks.benchmark import PROCESSES, Measured
from benchmarks.beyond_sizes import BEYOND, GROUPS, detects, has
from benchmarks.recurrences.right_implementations import compared
from rnn_goldens.cells.recurrence import recurrence_case, run
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus import KERNELS, open_corpus
from rnn_goldens.diagnosis.match import off_by
from rnn_goldens.generator.certification_cache import CommittedCache
from rnn_goldens.golden.larger_golden import sizes_of
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.golden.shapes import TIME
from rnn_goldens.implementations import numpy_cells

Arrays = Mapping[str, NDArray[np.float64]]

RIGHT = ("numpy_step", "torch_step", "torch_chunk_16", "torch_chunk_64", "torch_chunk_128", "torch_chunk_256")
"""Implementations of recurrences. Networks have the definition in NumPy."""

BY_STEP = RIGHT[:2]
"""Those of recurrences without a tolerance for chunks."""

WARP = 32
CHUNKS = (16, 32, 64, 128)


@dataclass(frozen=True)
class Found:
    """What was measured with a golden.

    Attributes:
        comparisons: of right implementations.
        largest: by precision, their largest error as a fraction of the tolerance.
        failed: those that failed.
        bugs: the number of wrong kernels.
        missed: those that the golden does not detect.
    """

    comparisons: int
    largest: Mapping[str, float]
    failed: list[str]
    bugs: int
    missed: list[str]


def measured() -> Measured:
    """Return the section, and right implementations that fail or bugs that a golden misses."""
    corpus = open_corpus(KERNELS)
    seconds = CommittedCache(corpus.folder / "certified.txt").seconds
    with ProcessPoolExecutor(PROCESSES) as pool:
        found = dict(zip(corpus.ids, pool.map(_measured, corpus.ids), strict=True))
    rows, total = [], 0
    for entry in corpus.entries:
        of, size = found[entry.id], sum((corpus.folder / file.path).stat().st_size for file in entry.all_files)
        total += size
        largest = [f"{of.largest[p]:.2f}" if p in of.largest else "" for p in PRECISIONS]
        shapes = _described(corpus.load(entry.id))
        gradients = "yes" if entry.gradient_precisions else ""
        rows.append([entry.id, shapes, gradients, size, seconds.get(entry.id, ""), of.comparisons, *largest, of.bugs])
    header = ["golden", "sizes", "gradients", "bytes", "CPU s", "right ones", *PRECISIONS, "bugs"]
    text = TITLE.format(count=len(rows), megabytes=f"{total / 1e6:.1f}", minutes=f"{sum(seconds.values()) / 60:.0f}")
    wrong = [line for of in found.values() for line in (*of.failed, *of.missed)]
    return Measured(text + page.table(header, rows), wrong)


TITLE = f"""## Goldens at the sizes of kernels

The corpus `kernels` has {{count}} goldens, {{megabytes}} MB in HDF5; certifying all takes {{minutes}} CPU minutes.
*Right ones* are comparisons with right implementations in each precision and by each contract, with the largest error
as a fraction of the tolerance: {", ".join(f"`{name}`" for name in RIGHT)} for
recurrences, those by step for recurrences without chunks, the definition in NumPy for networks. None fails.

*Bugs* are kernels that each golden detects in float32: nothing is computed beyond N places of a size, or steps, for N
of {", ".join(map(str, BEYOND))}; the second half of the columns repeats the first; every second warp of {WARP}
columns repeats the one before, if there are two; the last partial chunk of {", ".join(map(str, CHUNKS))} steps leaves
the state as it was.

"""


def _described(golden: Golden) -> str:
    sizes = {name: size for name, size in sizes_of(golden).items() if size > 1}
    return ", ".join([*(f"{name} {size}" for name, size in sizes.items()), f"{golden.time} steps"])


def _measured(golden_id: str) -> Found:
    corpus = open_corpus(KERNELS)
    entry = corpus.entry(golden_id)
    largest, failed, count = dict[str, float](), list[str](), 0
    for precision in entry.precisions:
        golden = corpus.load(golden_id, precision)
        for name, fraction in _right(golden):
            count += 1
            largest[precision] = max(largest.get(precision, 0.0), fraction)
            failed += [f"{name} on {golden_id} in {precision}: {fraction:.2f}"] if fraction > 1 else []
    golden = corpus.load(golden_id)
    bugs = dict(_bugs(golden))
    missed = [f"{golden_id} does not detect: {name}" for name, is_detected in bugs.items() if not is_detected]
    return Found(count, largest, failed, len(bugs), missed)


def _right(golden: Golden) -> Iterator[tuple[str, float]]:
    """Yield right implementations with their largest error as a fraction of the tolerance."""
    if golden.cell in RECURRENCES:
        names: tuple[str, ...] = RIGHT if golden.recurrence.recurrence.chunked else BY_STEP
        yield from ((one.implementation, one.fraction) for one in compared(golden, names))
    else:
        outputs = numpy_cells.run(golden.for_implementation())
        names = golden.layout.outputs
        yield "numpy", off_by(golden.expected_of(), dict(zip(names, outputs, strict=True)))


def _bugs(golden: Golden) -> Iterator[tuple[str, bool]]:
    """Yield kernels that lose a part, and whether the golden detects each."""
    sizes = {**sizes_of(golden), TIME: golden.time}
    bugs = next(bugs for cells, bugs in GROUPS.values() if golden.cell in cells)
    for bug in bugs:
        if len(bug.sizes) == 1 and has(golden, bug):
            for most in BEYOND:
                if most < sizes[bug.sizes[0]]:
                    yield f"beyond {most}: {bug}", detects(golden, bug, most)
    expected = golden.expected_of().values
    name, array = next(iter(expected.items()))
    columns = array.shape[-1]
    half = np.concatenate([array[..., : columns // 2]] * 2, axis=-1)
    yield "second half of the columns", _fails(golden, {name: half})
    if columns > WARP:
        places = np.arange(columns) - WARP * (np.arange(columns) // WARP % 2)
        yield "every second warp", _fails(golden, {name: array[..., places]})
    if golden.cell in RECURRENCES:
        yield from _partial_chunks(golden)


def _partial_chunks(golden: Golden) -> Iterator[tuple[str, bool]]:
    """Yield kernels in which the last partial chunk does not change the last state of the last sequence."""
    case = recurrence_case(golden, np.float64).sequences()[-1]
    for size in CHUNKS:
        if (whole := case.time - case.time % size) and whole < case.time:
            shorter = {name: array[:, :whole] for name, array in case.inputs.items()}
            last = run(case.with_arrays(**shorter))
            changed = dict[str, NDArray[np.float64]]()
            for name in (f"{state}_n" for state in golden.recurrence.recurrence.compared):
                changed[name] = golden.expected_of().values[name].copy()
                changed[name][-1:] = last[name][-1:]
            yield f"last partial chunk of {size}", _fails(golden, changed)


def _fails(golden: Golden, changed: Arrays) -> bool:
    expected = golden.expected_of()
    return any(
        bool((np.abs(array - expected.values[name]) > expected.allowed(name)).any()) for name, array in changed.items()
    )
