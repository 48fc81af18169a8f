"""What becomes of an edited source: which golden kills it, in each precision, or which drawn question would."""

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from benchmarks.mutation.asking import Ask, DidNot, Outputs, asked
from benchmarks.mutation.drawn_questions import ASKED_IN
from rnn_goldens import Golden
from rnn_goldens.corpus import open_corpus
from rnn_goldens.golden.features import CORE
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS, LAYOUTS
from rnn_goldens.judging.verdict import compare

Killed = Mapping[str, str]
"""By precision, the first that failed: ``golden: values``, ``shape``, ``error`` or ``time``; nothing where none did."""


_Right = list[tuple[Golden, Outputs]]
"""Right answers."""


@dataclass(frozen=True)
class Outcome:
    """What became of one.

    Attributes:
        by_core, by_corpus: what killed it of the core set, and of all.
        by_drawn: what would have killed it, where the corpus did not.
        runs: whether it is any network at all: it answers the simplest golden of each cell with something.
        apart: where it passes everything in a precision, how far any of its numbers is from the unedited network's,
            as a fraction of what is allowed; zero if all are the same to the last bit.
    """

    by_core: Killed = field(default_factory=dict)
    by_corpus: Killed = field(default_factory=dict)
    by_drawn: Killed = field(default_factory=dict)
    runs: bool = True
    apart: float = 0.0


class Judge:
    """Asks in an order that soon kills: the simplest core golden of each cell, the other core goldens, then all."""

    def __init__(self, drawn: Sequence[Golden]) -> None:
        corpus = open_corpus()
        core = [corpus.load(e.id) for e in corpus.entries if CORE in e.features]
        others = [corpus.load(e.id) for e in corpus.entries if CORE not in e.features]
        self.first = [next(golden for golden in core if golden.cell == cell) for cell in CELLS]
        self.core = self.first + sorted((golden for golden in core if golden not in self.first), key=_cost)
        self.others = sorted(others, key=_cost)
        self.drawn = list(drawn)
        self._in_precision: dict[tuple[str, str], Golden] = {}
        self._clean: dict[tuple[str, str, str], Outputs] = {}

    def judge(self, language: str, files: Mapping[str, str], clean: Mapping[str, str]) -> Outcome:
        """Ask an edited source, and where it must be known whether its numbers are the same, the unedited one."""
        try:
            with ExitStack() as opened:
                ask = opened.enter_context(asked(language, files))
                return self._judged(language, ask, opened, clean)
        except DidNot as why:
            return Outcome(by_core=(by := dict.fromkeys(ASKED_IN, f"start: {why}")), by_corpus=by, runs=False)

    def _judged(self, language: str, ask: Ask, opened: ExitStack, clean: Mapping[str, str]) -> Outcome:
        by_core, by_corpus, by_drawn, right = {}, {}, {}, _Right()
        for precision in ASKED_IN:
            if killer := self._killer(ask, self.core, precision, right):
                by_core[precision] = by_corpus[precision] = killer
            elif killer := self._killer(ask, self.others, precision, right):
                by_corpus[precision] = killer
            elif killer := self._killer(ask, self.drawn, precision, right):
                by_drawn[precision] = f"{killer}, {self._looks(killer)}"
        starts = {f"{golden.id}: error" for golden in self.first}
        passes = len(by_corpus) + len(by_drawn) < len(ASKED_IN)
        return Outcome(
            by_core,
            by_corpus,
            by_drawn,
            runs=not starts & set(by_core.values()),
            apart=self._apart(language, right, opened, clean) if passes else 0.0,
        )

    def _killer(self, ask: Ask, goldens: Sequence[Golden], precision: str, right: _Right) -> str:
        """The first of some goldens that fails, and how; empty if none does."""
        for golden in goldens:
            if precision in golden.precisions:
                asked_golden = self._cast(golden, precision)
                try:
                    outputs = ask(asked_golden)
                    verdict = compare(asked_golden, *outputs)
                except DidNot as why:
                    return f"{golden.id}: {why}"
                except Exception:  # of outputs that are none
                    return f"{golden.id}: error"
                if not verdict.passed:
                    shapes = any(difference.problem for difference in verdict.differences.values())
                    return f"{golden.id}: {'shape' if shapes else 'values'}"
                right.append((asked_golden, outputs))
        return ""

    def _looks(self, killer: str) -> str:
        """What the drawn question is like that kills: what a golden in its place would have."""
        golden = next(golden for golden in self.drawn if killer.startswith(f"{golden.id}:"))
        layers, x = golden.config.num_layers, "x".join(map(str, golden.stored.x.shape))
        return f"x {x}, hidden {golden.config.hidden_size}, {layers} layers, {' '.join(golden.features) or 'plain'}"

    def _cast(self, golden: Golden, precision: str) -> Golden:
        """In a precision; kept, with its arrays, which nobody can write to."""
        key = golden.id, precision
        if key not in self._in_precision:
            self._in_precision[key] = golden.in_precision(precision)
        return self._in_precision[key]

    def _apart(self, language: str, right: _Right, opened: ExitStack, clean: Mapping[str, str]) -> float:
        """How far right answers are from those of the unedited network."""
        ask: Ask | None = None
        largest = 0.0
        for golden, outputs in right:
            key = language, golden.id, golden.dtype
            if key not in self._clean:
                ask = ask or opened.enter_context(asked(language, clean))
                self._clean[key] = tuple(np.asarray(output, np.float64) for output in ask(golden))
            names = ("out", "h_n", "c_n")[: len(outputs)]
            for name, output, unedited in zip(names, outputs, self._clean[key], strict=True):
                apart = np.abs(np.asarray(output, np.float64) - unedited)
                if apart.any():
                    want = getattr(golden.stored, name)
                    allowed = golden.tolerance.allowed(name, want, PRECISIONS[golden.dtype])
                    largest = max(largest, float((apart / allowed).max()))
        return largest


def _cost(golden: Golden) -> int:
    """How much there is to compute."""
    config = golden.config
    rows = len(LAYOUTS[golden.cell].gates) * config.hidden_size * config.num_layers * config.num_directions
    return rows * (config.input_size + config.hidden_size) * math.prod(golden.stored.x.shape[:-1])
