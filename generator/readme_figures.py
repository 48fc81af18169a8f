"""The figures in the README, made anew: counted in the corpus and the catalogue, or read from pages of results.

python -m rnn_goldens.generator.readme_figures .
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import DEVIATIONS
from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
from rnn_goldens.writing import write_whole

SENTENCES = (
    "none of {correct} correct implementations fails",
    "corpus of {goldens} goldens is held to [{deviations} known ways",
    "the gradients of {with_gradients} of them to [{backward_deviations} more]",
    "run `pytest` there: {simple} passed.",
    "and run `pytest`: {simple_with_gradients} passed.",
    "[some {ways} ways of misbehaving]",
    "is the corpus: {goldens} goldens",
    "In float32, of {wrong_networks} wrong networks",
    "{pass_onnx} pass ONNX's backend tests and {pass_corpus} are not told apart",
    "selects the {core} that alone expose as much as all",
)
"""Where the README says a figure, each once; how lines are broken does not matter."""

NOT_SIMPLE = ("multilayer", "bidirectional", "lengths", "unbatched")
"""What the snippets of the README leave out."""


class Lost(Exception):
    """A sentence that the README should have, and has not once."""


def figures(root: Path) -> dict[str, int]:
    """Every figure by its name, of a checkout."""
    corpus = open_corpus("v1")
    simple = corpus.select(cell="rnn_tanh", without=NOT_SIMPLE)
    asked_back = corpus.select(cell="rnn_tanh", features=["bias", "state"], without=NOT_SIMPLE)
    wrong_networks, pass_onnx, pass_corpus = row(root, "onnx-backend.md", "together, ")[1:4]
    return {
        "correct": row(root, "false-alarms.md", "corpus ")[1],
        "goldens": len(corpus.entries),
        "with_gradients": sum(bool(entry.gradients) for entry in corpus.entries),
        "deviations": len(DEVIATIONS),
        "backward_deviations": len(BACKWARD_DEVIATIONS),
        "simple": sum("float32" in entry.precisions for entry in simple),
        "simple_with_gradients": sum(bool(entry.gradients) for entry in asked_back),
        "ways": len(lines(root, "nothing-unchecked.md", r"(?!misbehaviour|-)")) // 10 * 10,
        "wrong_networks": wrong_networks,
        "pass_onnx": pass_onnx,
        "pass_corpus": pass_corpus,
        "core": len(corpus.select(features=["core"])),
    }


def row(root: Path, page: str, begins: str) -> list[int]:
    """The whole numbers of the last row of a page that begins so, but for those in its name."""
    cells = lines(root, page, re.escape(begins))[-1].strip("|").split("|")[1:]
    return [int(cell) for cell in cells if cell.strip().isdigit()]


def lines(root: Path, page: str, begins: str) -> list[str]:
    """The rows of a page of results that begin so."""
    text = (root / "docs/results" / page).read_text("utf-8")
    return re.findall(rf"^\| +{begins}.*$", text, re.MULTILINE)


def with_figures(readme: str, found: Mapping[str, int]) -> str:
    """The README with each figure as it is now.

    Raises:
        Lost: a sentence with figures is not there, or is there twice.
    """
    for sentence in SENTENCES:
        parts = re.split(r"\{(\w+)\}", sentence)
        texts = [r"\s+".join(map(re.escape, re.split(r"\s+", text))) for text in parts[::2]]
        pattern = r"\d+".join(f"({text})" for text in texts)
        values = [str(found[name]) for name in parts[1::2]]

        def renewed(match: "re.Match[str]", values: list[str] = values) -> str:
            texts = match.groups()
            return texts[0] + "".join(value + text for value, text in zip(values, texts[1:], strict=True))

        readme, count = re.subn(pattern, renewed, readme)
        if count != 1:
            raise Lost(f"README.md says {count} times: {sentence}; it and generator/readme_figures.py change together")
    return readme


def main() -> None:
    """Write the README's figures."""
    root = Path(sys.argv[1])
    readme = root / "README.md"
    write_whole(readme, with_figures(readme.read_text("utf-8"), figures(root)).encode("utf-8"))


if __name__ == "__main__":
    main()
