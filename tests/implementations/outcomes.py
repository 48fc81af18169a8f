"""Outcomes of a user's network on the small goldens of the corpus."""

from collections import Counter
from typing import Any

from rnn_goldens import Unsupported
from rnn_goldens.corpus import open_corpus
from rnn_goldens.implementations import adapt, outputs_of

CORPUS = open_corpus()
SMALL = [e for e in CORPUS.entries if "long" not in e.features and not e.id.startswith("sizes")]


def check_all(what: Any, dtype: str = "float32", **selected: Any) -> tuple[Counter[str], list[str]]:
    """Check the selected small goldens; return the counts of outcomes and the reasons of refusals."""
    run, counts, reasons = adapt(what), Counter[str](), []
    ids = {entry.id for entry in CORPUS.select(**selected)}
    for entry in SMALL:
        if entry.id in ids and dtype in entry.precisions:
            golden = CORPUS.load(entry.id, dtype)
            try:
                passed = golden.compare(*outputs_of(run(golden))).passed
            except Unsupported as error:
                reasons.append(str(error))
            else:
                counts["passed" if passed else "failed"] += 1
    return counts, sorted(set(reasons))
