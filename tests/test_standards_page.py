"""The page for standards: its anchors are permanent, and what it quotes is true."""

import re
from pathlib import Path

from rnn_goldens.corpus import open_corpus

PAGE = (Path(__file__).parents[1] / "docs/standards.md").read_text("utf-8")


def test_every_anchor_that_the_page_promises_is_a_heading() -> None:
    promised = re.findall(r"`#([a-z-]+)`", PAGE)
    assert promised == [
        "expected-values",
        "tolerance-statement",
        "rule-table",
        "kill-matrix",
        "accuracy-of-operators",
        "conformance-statement",
    ]
    headings = [heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.*)$", PAGE, re.MULTILINE)]
    assert set(promised) < set(headings)


def test_the_citation_names_the_current_corpus_and_a_golden_of_it() -> None:
    version, golden_id, content = re.findall(r"corpus ([\d.]+), golden `(\S+)`, content `(\w+)…`", PAGE)[0]
    corpus = open_corpus()
    assert corpus.version == version
    assert corpus.entry(golden_id).content.startswith(content)
    assert f"corpus {corpus.version} of the cells" in PAGE
