"""Counts the goldens of every size, option and argument of an activation.

    python -m benchmarks.corpus_coverage    # from the checkout; --write renews docs/results/coverage.md

These are the requirements of the coverage gate of ``rnn-goldens generate`` (``generator/coverage``). Exits with 1 if
something is not covered and not listed with a reason.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from benchmarks import page
from benchmarks.corpus_coverage import arguments, tables
from rnn_goldens.corpus import open_corpus
from rnn_goldens.generator.coverage.arguments import coverage
from rnn_goldens.generator.coverage.coverage_gate import require_covered, require_covered_backward
from rnn_goldens.generator.coverage.dimensions import sizes_of
from rnn_goldens.golden.built_in_cells import CELLS

PAGE = "coverage.md"

TITLE = """## What the corpus covers

The goldens of every size, option and argument that a network can depend on were counted. Those without a golden are
listed with the reason; `rnn-goldens generate` refuses a corpus that misses any other. Measured by
`python -m benchmarks.corpus_coverage --write`."""


def main() -> None:
    """Run and print; exit with 1 if something is not covered."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write the section of docs/results/{PAGE}")
    parser.add_argument("--corpus", help="a version or a folder (default: the newest version)")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    corpus = open_corpus(options.corpus)
    with ProcessPoolExecutor(options.processes) as pool:
        ids = [entry.id for entry in corpus.networks]
        sharpness = list(pool.map(partial(arguments.of_one, options.corpus), ids, chunksize=4))
    goldens = [corpus.load(entry.id, "float64") for entry in corpus.networks]
    require_covered(goldens, sharpness)
    backward = [corpus.load(e.id, "float64", gradients=True) for e in corpus.select() if e.gradient_precisions]
    require_covered_backward(backward)
    standard = [(e, g) for e, g in zip(corpus.networks, goldens, strict=True) if e.cell in CELLS]
    sized = [(e, sizes_of(g.network, g.x.shape)) for e, g in standard]
    covered = coverage(sharpness)
    parts = [TITLE, tables.profiles(corpus), tables.sizes(sized), tables.options(sized), arguments.report(covered)]
    text = "\n\n".join(part.strip() for part in (*parts, f"{page.versions('numpy')}.")) + "\n"
    print(text)
    if options.write:
        page.write(PAGE, "benchmarks.corpus_coverage", text)


if __name__ == "__main__":
    main()
