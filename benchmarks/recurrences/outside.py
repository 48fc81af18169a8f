"""Correct forms that no contract covers, or not the strictest one: how far they are off, and why."""

import math
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

from benchmarks import page
from benchmarks.recurrences.goldens import goldens
from benchmarks.recurrences.kernels import Kernel, forms
from benchmarks.recurrences.kernels.contracts import INSIDE
from benchmarks.recurrences.kernels.forms import Array, Arrays, Form, Library
from benchmarks.recurrences.kernels.libraries import torch_function
from rnn_goldens.diagnosis.match import off_by
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.rounding_profile import STEP, UP_TO_64


def _in_base_2(form: Form, *, sums: bool) -> Form:
    """Return a form that computes decays as 2^(g log2 e), or from running sums of g log2 e."""

    def computed(lib: Library, x: Arrays, **options: Any) -> dict[str, Array]:  # noqa: ANN401 - of the form
        log2_e, torch = 1 / math.log(2), lib.xp
        other = {"cumsum": lambda a, axis: torch.cumsum(a * log2_e, axis), "exp": torch.exp2}
        if not sums:
            other = {"exp": lambda a: torch.exp2(a * log2_e)}
        return form(lib._replace(xp=SimpleNamespace(**{**vars(torch), **other})), x, **options)

    return computed


def _min_gru_of_logarithms(lib: Library, x: Arrays) -> dict[str, Array]:
    """Compute minGRU by log-cumsum-exp, as the appendix B of its paper does, for values of either sign."""
    xp, sums = lib.xp, lib.xp.cumsum(-lib.softplus(x["z"]), 1)

    def positive(n: Array, h0: Array) -> Array:
        terms = xp.log(n.clamp(min=0)) - lib.softplus(-x["z"]) - sums
        return xp.exp(sums + xp.logcumsumexp(xp.cat([xp.log(h0.clamp(min=0))[:, None], terms], 1), 1)[:, 1:])

    h = positive(x["n"], x["h0"]) - positive(-x["n"], -x["h0"])
    return {"out": h, "h_n": h[:, -1]}


def _rg_lru_of_powers(lib: Library, x: Arrays) -> dict[str, Array]:
    """Compute RG-LRU with a = sigmoid(-Lambda)^(8 sigmoid(r)), the formula of its paper."""
    a = lib.sigmoid(-x["Lambda"]) ** (8 * lib.sigmoid(x["r"]))
    h = forms.stepwise(lib, a, a, lib.xp.sqrt(1 - a**2) * lib.sigmoid(x["i"]) * x["x"], x["h0"])
    return {"out": h, "h_n": h[:, -1]}


class Outside(NamedTuple):
    """A correct form in torch, and what its contract does not cover."""

    what: str
    cell: str
    form: Form
    why: str
    of: str = OUTPUTS
    algorithm: str = UP_TO_64


FORMS = (
    *(
        Outside(
            "2^(g log2 e), differentiated", cell, _in_base_2(forms.attention, sums=False),
            "dg is multiplied by log2 e and ln 2, which are rounded; an exact golden allows nothing", GRADIENTS,
        )
        for cell in ("gated_linear_attention", "gated_delta")
    ),
    *(
        Outside(
            "running sums of g log2 e", cell, _in_base_2(partial(forms.chunks, size=64), sums=True),
            "`step` allows sums of the given g, which round little; `chunk=N` allows those of chunks", of, algorithm,
        )
        for cell in ("gated_linear_attention", "gated_delta")
        for of in (OUTPUTS, GRADIENTS)
        for algorithm in (STEP, UP_TO_64)
    ),
    Outside(
        "log-cumsum-exp", "min_gru", _min_gru_of_logarithms,
        "a logarithm of the state is rounded at each step, relative to the largest term of all steps",
    ),
    Outside(
        "a = sigmoid(-Lambda)^(8 r)", "rg_lru", _rg_lru_of_powers,
        "1 - a² cancels where a is nearly one; the equations have expm1", GRADIENTS,
    ),
)  # fmt: skip


def report() -> str:
    """Return the section."""
    rows = [row for one in FORMS for row in _rows(one)]
    header = ("form", "cell", "of", "contract", "precision", "outside", "largest", "on", "why")
    return (
        "## Correct forms outside the contracts\n\n"
        "These are right by their papers, and fail: how many goldens, and by how many times the tolerance. Use the "
        "form of the equations, or list these goldens as [known failures](../ci.md#known-failures).\n\n"
        + page.table(header, rows)
    )


def _rows(one: Outside) -> Iterator[tuple[object, ...]]:
    kernel = Kernel((one.cell,), partial(torch_function, {one.cell: one.form}))
    for precision in ("float64", "float32"):
        found: list[tuple[float, str, float]] = []
        for golden in goldens(precision, gradients=one.of == GRADIENTS):
            if golden.cell == one.cell:
                got = (kernel.gradients if one.of == GRADIENTS else kernel.outputs)(golden, INSIDE)
                expected = golden.in_profile(one.algorithm).expected_of(one.of)
                error = max(float(abs(got[name] - want).max()) for name, want in expected.values.items())
                found.append((off_by(expected, got), golden.id, error))
        failed, (most, golden_id, error) = sum(fraction > 1 for fraction, *_ in found), max(found)
        outside, largest = f"{failed} of {len(found)}", page.written(most)
        if math.isinf(most):
            largest = f"exact: by {error:.1e}"
        yield one.what, one.cell, one.of, one.algorithm, precision, outside, largest, golden_id, one.why
