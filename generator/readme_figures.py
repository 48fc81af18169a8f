"""Updates the figures in the README, counts and numbers from pages of results; and sections of other pages."""

import re
from collections.abc import Mapping
from pathlib import Path

from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations.families import BACKWARD, FORWARD, INTEGERS

SENTENCES = (
    "none of {correct} correct implementations fails",
    "The {goldens} goldens detect [{deviations} known bugs]",
    "{with_gradients} of them also have certified gradients, which detect [{backward_deviations} bugs of the backward "
    "pass]",
    "run `pytest` there: {simple} passed.",
    "In float32, of {wrong_networks} wrong networks, {pass_onnx} pass ONNX's backend tests and {pass_corpus} pass "
    "this corpus",
)
"""The sentences of the README with figures. Each must occur once; line breaks do not matter."""

NOT_SIMPLE = ("multilayer", "bidirectional", "lengths", "unbatched")
"""Features that the examples in the README do not support."""


class MissingSentence(Exception):
    """Raised if a sentence does not occur exactly once in the README."""


def figures(root: Path) -> dict[str, int]:
    """Return every figure of a checkout by name."""
    corpus = open_corpus()
    simple = corpus.select(cell="rnn_tanh", without=NOT_SIMPLE)
    wrong_networks, pass_onnx, pass_corpus = row(root, "coverage.md", "onnx-backend", "together, ")[1:4]
    return {
        "correct": row(root, "correctness.md", "false-alarms", "corpus ")[1],
        "goldens": len(corpus.entries),
        "with_gradients": sum(bool(entry.gradients) for entry in corpus.entries),
        "deviations": sum(map(len, {**FORWARD, **INTEGERS}.values())),
        "backward_deviations": sum(map(len, BACKWARD.values())),
        "simple": sum("float32" in entry.precisions for entry in simple),
        "wrong_networks": wrong_networks,
        "pass_onnx": pass_onnx,
        "pass_corpus": pass_corpus,
    }


def row(root: Path, page: str, benchmark: str, begins: str) -> list[int]:
    """Return the integers of the last row with this beginning, in a benchmark's section of a page of results."""
    text = (root / "docs/results" / page).read_text("utf-8")
    section = text.partition(f"<!-- begin python -m benchmarks {benchmark} -->")[2].partition("<!-- end ")[0]
    cells = re.findall(rf"^\| +{re.escape(begins)}.*$", section, re.MULTILINE)[-1].strip("|").split("|")[1:]
    return [int(cell) for cell in cells if cell.strip().isdigit()]


def with_figures(readme: str, found: Mapping[str, int]) -> str:
    """Return the README with the current figures. Raises MissingSentence if one does not occur, or occurs twice."""
    for sentence in SENTENCES:
        parts = re.split(r"\{(\w+)\}", sentence)
        texts = [r"\s+".join(map(re.escape, re.split(r"\s+", text))) for text in parts[::2]]
        pattern = r"\d+".join(f"({text})" for text in texts)
        updated = "".join(f"{found[name]}\\g<{number}>" for number, name in enumerate(parts[1::2], 2))
        readme, count = re.subn(pattern, f"\\g<1>{updated}", readme)
        if count != 1:
            raise MissingSentence(
                f"README.md says {count} times: {sentence}; change README.md and generator/readme_figures.py together"
            )
    return readme


def with_sections(page: str, made: Mapping[str, str]) -> str:
    """Return a page with new text between ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` for each name."""
    for name, text in made.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->\n"
        before, rest = page.split(begin)
        page = f"{before}{begin}\n{text.strip()}\n\n{end}{rest.split(end)[1]}"
    return page
