"""What the corpus asks of everything that a network can depend on.

    python -m benchmarks.corpus_coverage    # from the checkout; --write renews docs/results/coverage.md

The page of what ``rnn-goldens generate`` holds the corpus to (``generator/coverage``). Exits with 1 if something is not
asked, and is not listed with the reason.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from benchmarks import page
from benchmarks.corpus_coverage import arguments, tables
from rnn_goldens.corpus import open_corpus
from rnn_goldens.generator.coverage.arguments import coverage
from rnn_goldens.generator.coverage.dimensions import sizes_of
from rnn_goldens.generator.coverage.gate import require_covered, require_covered_backward

PAGE = "coverage.md"

TITLE = """# What the corpus asks

<!-- Made by `python -m benchmarks.corpus_coverage --write`; do not edit. -->

A bug shows only if some golden asks for what it depends on. These are the counts that `rnn-goldens generate` holds the
corpus to: it refuses one in which a size, a pair of options, a band of an argument, or a deviation of one layer that
starts from zero is asked by no golden and is not listed here with the reason."""


def main() -> None:
    """Run and print; exit with 1 if something is not asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write docs/results/{PAGE}")
    parser.add_argument("--corpus", help="another corpus than the newest: a version, or a folder")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    corpus = open_corpus(given.corpus)
    with ProcessPoolExecutor(given.processes) as pool:
        looked = list(pool.map(partial(arguments.of_one, given.corpus), corpus.ids, chunksize=4))
    goldens = [corpus.load(golden_id, "float64") for golden_id in corpus.ids]
    require_covered(goldens, looked)
    backward = [corpus.load(e.id, "float64", gradients=True) for e in corpus.entries if e.gradient_precisions]
    require_covered_backward(backward)
    sized = [(e, sizes_of(g.config, g.x.shape)) for e, g in zip(corpus.entries, goldens, strict=True)]
    found = coverage(looked)
    parts = [TITLE, tables.profiles(corpus), tables.sizes(sized), tables.options(sized), arguments.report(found)]
    text = "\n\n".join([*parts, page.versions("numpy")]) + "\n"
    print(text)
    if given.write:
        page.write(PAGE, text)


if __name__ == "__main__":
    main()
