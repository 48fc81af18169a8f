"""Counts the goldens of every size, option and argument of an activation.

These are the requirements of the coverage gate of ``rnn-goldens generate`` (``generator/coverage``). Exits with 1 if
something is not covered and not listed with a reason.
"""

from concurrent.futures import ProcessPoolExecutor

from benchmarks.benchmark import PROCESSES, Measured
from benchmarks.corpus_coverage import arguments, tables
from rnn_goldens.corpus import open_corpus
from rnn_goldens.generator.coverage.arguments import coverage
from rnn_goldens.generator.coverage.coverage_gate import require_covered, require_covered_backward
from rnn_goldens.generator.coverage.dimensions import sizes_of
from rnn_goldens.golden.built_in_cells import CELLS

TITLE = """## What the corpus covers

The goldens of every size, option and argument that a network can depend on were counted. Those without a golden are
listed with the reason; `rnn-goldens generate` refuses a corpus that misses any other."""


def measured() -> Measured:
    """Return the section; raises an error if something is not covered."""
    corpus = open_corpus()
    with ProcessPoolExecutor(PROCESSES) as pool:
        ids = [entry.id for entry in corpus.networks]
        sharpness = list(pool.map(arguments.of_one, ids, chunksize=4))
    goldens = [corpus.load(entry.id, "float64") for entry in corpus.networks]
    require_covered(goldens, sharpness)
    backward = [corpus.load(e.id, "float64", gradients=True) for e in corpus.select() if e.gradient_precisions]
    require_covered_backward(backward)
    standard = [(e, g) for e, g in zip(corpus.networks, goldens, strict=True) if e.cell in CELLS]
    sized = [(e, sizes_of(g.network, g.x.shape)) for e, g in standard]
    covered = coverage(sharpness)
    parts = [TITLE, tables.profiles(corpus), tables.sizes(sized), tables.options(sized), arguments.report(covered)]
    return Measured("\n\n".join(part.strip() for part in parts))
