"""The accuracy pages: error propagation and introduction of each operator, by element, as SONNX's pages have them."""

import math
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from rnn_goldens.cells import case_of, gradients
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus import load, open_corpus
from rnn_goldens.corpus.kill_matrix import detections
from rnn_goldens.export.exported_golden import ITSELF, Exported, allowed
from rnn_goldens.export.sonnx.case import OPERATORS, has_case
from rnn_goldens.golden.precision import PRECISIONS

_EXAMPLES = {"lstm": "lstm/plain", "gru": "gru/plain", "rnn": "rnn-tanh/plain"}
"""The golden of each page's example."""

_FLOAT = PRECISIONS["float32"]

_TEXTS = Path(__file__).parent


def pages(cases: Sequence[Exported]) -> list[Exported]:
    """Return for each operator of the cases its accuracy page, and the program that checks an implementation."""
    program, found = (_TEXTS / "check_cases.py.txt").read_text("utf-8"), []
    for folder, operator in OPERATORS.items():
        if not any(case.place.startswith(f"spec/tests/{folder}/") for case in cases):
            continue
        checking = program.replace("{folder}", folder).replace("{operator}", operator)
        for place, text in (
            (f"spec/informal/{folder}/{folder}_acc.md", page(folder)),
            (f"spec/tests/{folder}/test_{folder}.py", checking),
        ):
            found.append(Exported(place, place, {ITSELF: text.encode("utf-8")}))
    return found


def page(folder: str) -> str:
    """Return the accuracy page of an operator, ``lstm``, ``gru`` or ``rnn``."""
    definition, propagation, contraction, losses = (
        part.strip() for part in (_TEXTS / f"{folder}.md").read_text("utf-8").split("\n---\n")
    )
    golden = load(_EXAMPLES[folder], dtype="float32")
    states = golden.layout.states
    detected, deviations = _detected(golden.cell)
    values = {
        "operator": OPERATORS[folder],
        "folder": folder,
        "version": version("rnn-goldens"),
        "states": " and ".join(f"$Y_{state}$" for state in states),
        "initial": ", ".join(f"$\\textit{{initial\\_{state}}}_{{\\textit{{err}}}}$" for state in states),
        "initial_sum": " + ".join(_from_initial(state) for state in states),
        "definition": definition,
        "propagation": propagation,
        "contraction": contraction,
        "losses": f"{losses}\n" if losses else "",
        "tanh": "\n".join(_tanh_rows()),
        "detected": str(detected),
        "deviations": str(deviations),
        "example": golden.id,
        "purpose": golden.purpose,
        "elements": "\n".join(_element_rows(golden)),
    }
    text = (_TEXTS / "accuracy.md").read_text("utf-8")
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _detected(cell: str) -> tuple[int, int]:
    """Return how many deviations of a cell its cases detect in float32, and how many all goldens detect."""
    corpus = open_corpus()
    goldens = {entry.id: has_case(entry) for entry in corpus.entries if entry.cell == cell}
    by_cases = by_all = 0
    for detection in detections(corpus).values():
        margins = detection.margins[_FLOAT.name]
        shown = [golden for golden, margin in margins.items() if margin >= detection.enough and golden in goldens]
        by_all += bool(shown)
        by_cases += any(goldens[golden] for golden in shown)
    return by_cases, by_all


def _from_initial(state: str) -> str:
    initial = f"\\textit{{initial\\_{state}}}"
    return (
        f"\\sum_{{k}} \\frac{{\\partial Y[t,d,b,j]}}{{\\partial {initial}[d,b,k]}} \\, "
        f"{initial}_{{\\textit{{err}}}}[d,b,k]"
    )


def _tanh_rows() -> Iterator[str]:
    """Yield the bounds on tanh, in roundoffs of float, of SONNX's tanh_acc.md and of this rounding model."""
    for x in (0.0, 0.125, 0.5, 1.0, 2.0, 4.0):
        y = math.tanh(x)
        yield f"| {x:g} | {y:.2f} | {_tanh_from_exp(x):.2f} | {8 * max(y, 1) + y:.2f} |"


def _tanh_from_exp(x: float) -> float:
    """Return the bound of tanh_acc.md for (1 - exp(-2x)) / (1 + exp(-2x)) with x ≥ 0, divided by the roundoff."""
    u, e = _FLOAT.roundoff, math.exp(-2 * x)
    n = max(0, math.ceil(math.log2(x))) if x > 1 else 0
    quotient = (2 + (8 + n) * (1 + u) * e - 2 * e**2) / ((1 + e) * (1 - u) - (4 + n / 2) * u * (1 + u) * e)
    return (quotient * (1 + u) + 1 - e) / (1 + 2 * e)


def _element_rows(golden: Golden) -> Iterator[str]:
    """Yield a row for each element of out in batch row 0."""
    case, bounds, out = case_of(golden, np.float64), allowed(golden)["out"], golden.stored.out
    for _, t, j in [index for index in np.ndindex(out.shape) if index[0] == 0]:
        cotangent = np.zeros(out.shape)
        cotangent[0, t, j] = 1
        amplification = float(np.abs(gradients(case, {"d_out": cotangent})["x"]).sum())
        value, bound = float(out[0, t, j]), float(bounds[0, t, j])
        relative = bound / (_FLOAT.roundoff * abs(value))
        yield f"| [{t}, 0, 0, {j}] | {value:.9f} | {bound:.3g} | {relative:.1f} | {amplification:.3f} |"
