"""The accuracy pages: error propagation and introduction of each operator, by element, as SONNX's pages have them.

python -m rnn_goldens.export.sonnx.accuracy docs/accuracy
"""

import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from rnn_goldens.atomic_write import write_whole
from rnn_goldens.cells import case_of, gradients
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus import load, open_corpus
from rnn_goldens.corpus.kill_matrix import kill_matrix
from rnn_goldens.error_analysis.rounding_model import ACTIVATION_ULPS
from rnn_goldens.export.exported_golden import ITSELF, Exported, Files, allowed
from rnn_goldens.export.sonnx import OPERATORS, operator_of, reason_against
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations.onnx_model import ATTRIBUTES

_EXAMPLES = {"lstm": "lstm/plain", "gru": "gru/plain", "rnn": "rnn-tanh/plain"}

_KNOWN_FAILURES = {
    "LSTM": """
ONNX Runtime 1.32 clips the arguments of gates but not c, the argument of the last activation: it fails the cases
lstm_clip_* where |c| exceeds the attribute clip.
"""
}
"""What the program says on failures of ONNX Runtime, by operator."""

_FLOAT = PRECISIONS["float32"]

_SECTIONS = ("definition", "variants", "propagation", "contraction", "losses")

_TEXTS = Path(__file__).parent


def with_pages(cases: Sequence[Exported]) -> Files:
    """Return the cases, and for each operator its accuracy page and the program that checks an implementation."""
    program, found = (_TEXTS / "check_cases.py.txt").read_text("utf-8"), []
    for folder, operator in OPERATORS.items():
        if not any(case.place.startswith(f"spec/tests/{folder}/") for case in cases):
            continue
        checking = program.replace("{folder}", folder).replace("{operator}", operator)
        checking = checking.replace("{known}", _KNOWN_FAILURES.get(operator, ""))
        for place, text in (
            (f"spec/informal/{folder}/{folder}_acc.md", page(folder)),
            (f"spec/tests/{folder}/test_{folder}.py", checking),
        ):
            found.append(Exported(place, place, {ITSELF: text.encode("utf-8")}))
    return Files(cases, found)


def page(folder: str) -> str:
    """Return the accuracy page of an operator, ``lstm``, ``gru`` or ``rnn``."""
    sections = (part.strip() for part in (_TEXTS / f"{folder}.md").read_text("utf-8").split("\n---\n"))
    golden = load(_EXAMPLES[folder], dtype="float32")
    states = golden.layout.states
    values = {
        "operator": OPERATORS[folder],
        "folder": folder,
        "version": open_corpus().version,
        "states": " and ".join(f"$Y_{state}$" for state in states),
        "initial": ", ".join(f"`initial_{state}` $= {state}_0$" for state in states),
        "initial_errors": ", ".join(f"${state}_{{0,\\textit{{err}}}}$" for state in states),
        "initial_sum": " +\n".join(_from_initial(state) for state in states),
        **dict(zip(_SECTIONS, sections, strict=True)),
        "tanh": "\n".join(_tanh_rows()),
        **_counts(OPERATORS[folder]),
        "example": golden.id,
        "purpose": golden.purpose,
        "elements": "\n".join(_element_rows(golden)),
    }
    text = (_TEXTS / "accuracy.md").read_text("utf-8")
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _counts(operator: str) -> dict[str, str]:
    """Return how many cases an operator has, and how many deviations they and all goldens of their cells detect."""
    corpus = open_corpus()
    entries = [
        entry
        for entry in corpus.entries
        if entry.cell in ATTRIBUTES and operator_of(entry.cell) == operator and _FLOAT.name in entry.precisions
    ]
    cases = {entry.id for entry in entries if reason_against(entry.cell, entry.features) is None}
    cells = {entry.cell for entry in entries if entry.id in cases}
    goldens = {entry.id for entry in entries if entry.cell in cells}
    matrix = kill_matrix(corpus)
    assert matrix is not None
    place = matrix.precisions.index(_FLOAT.name)
    rows = [matrix.rows(deviation.margins) for deviation in matrix.deviations]
    detecting = [  # None stands for infinity
        {golden for golden, row in found.items() if (margin := row[place]) is None or margin >= matrix.enough}
        for found in rows
    ]
    by_cases, by_all = (sum(bool(found & ids) for found in detecting) for ids in (cases, goldens))
    return {"cases": str(len(cases)), "detected": str(by_cases), "deviations": str(by_all)}


def _from_initial(state: str) -> str:
    slope = f"\\frac{{\\partial Y[t,d,b,j]}}{{\\partial {state}_0[d,b,k]}}"
    return f"\\sum_{{k}} {slope} {state}_{{0,\\textit{{err}}}}[d,b,k]"


def _tanh_rows() -> Iterator[str]:
    """Yield bounds on tanh in roundoffs: correctly rounded, by SONNX's tanh_acc.md, and by this rounding model."""
    for x in (0.0, 0.125, 0.5, 1.0, 2.0, 4.0):
        y = math.tanh(x)
        yield f"| {x:g} | {y:.2f} | {_tanh_from_exp(x):.2f} | {ACTIVATION_ULPS + y:.2f} |"


def _tanh_from_exp(x: float) -> float:
    """Return the general bound of tanh_acc.md for (1 - e) / (1 + e) with e = exp(-2x), x ≥ 0, in roundoffs.

    An exp has the relative error 2 ε on [-1, 0] and (2 + n/2) ε on [-2^n, -1], with ε = 2 u. It changes numerator and
    denominator by the same amount; each of them is rounded, and so is the quotient.
    """
    u, e = _FLOAT.roundoff, math.exp(-2 * x)
    n = math.ceil(math.log2(2 * x)) if 2 * x > 1 else 0
    of_exp = (4 + n) * u
    changed = of_exp * 2 * e * (1 + u) + 2 * u * (1 - e**2)
    smallest = (1 + e) * (1 - u) - of_exp * e * (1 + u)
    return (changed / ((1 + e) * smallest) * (1 + u) + u * (1 - e) / (1 + e)) / u


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


if __name__ == "__main__":
    for folder in OPERATORS:
        write_whole(Path(sys.argv[1]) / f"{folder}.md", page(folder).encode("utf-8"))
