"""What can be seen in wrong outputs where no name fits: facts, each said only where it holds of all that failed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.diagnosis.likeness import Array, Outputs, readable
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.tolerance import Exact

if TYPE_CHECKING:
    from rnn_goldens.diagnosis.causes import Evidence
    from rnn_goldens.golden.data import GoldenData

Mask = NDArray[np.bool_]

FEWEST_PASSED = 2
"""So many goldens without a feature have to pass, for it to be blamed."""

IN_WORDS = {
    "bias": ("have biases", "have no biases"),
    "state": ("are given an initial state", "are given no initial state"),
    "multilayer": ("have several layers", "have one layer"),
    "bidirectional": ("run in both directions", "run in one direction"),
    "lengths": ("have sequences of several lengths", "have sequences of one length"),
    "unbatched": ("have no batch axis", "have a batch axis"),
    "saturated": ("saturate an activation", "saturate no activation"),
    "long": ("are long", "are short"),
}
"""Features that a cause may hang on: what goldens do that have it, and those that have it not."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A golden, the outputs that came, and which of their elements are wrong."""

    golden: "GoldenData"
    got: Outputs
    wrong: Mapping[str, Mask]

    @property
    def layers(self) -> int:
        """How many."""
        return self.golden.config.num_layers

    @property
    def directions(self) -> int:
        """How many."""
        return self.golden.config.num_directions

    @property
    def hidden(self) -> int:
        """Units of a layer in one direction."""
        return self.golden.config.hidden_size

    def want(self, name: str) -> Array:
        """The right output."""
        right: Array = getattr(self.golden.stored, name)
        return right


@np.errstate(all="ignore")
def facts(golden: "GoldenData", out: object, h_n: object = None, c_n: object = None) -> dict[str, bool]:
    """Which facts are so of outputs, and which are not; those that can not be seen in this golden are left out.

    Args:
        golden: what was asked.
        out: as for ``GoldenData.compare``, as are the others.
        h_n: likewise.
        c_n: likewise.
    """
    got = readable(golden, out, h_n, c_n)
    names = ("out", "h_n") if golden.stored.c_n is None else ("out", "h_n", "c_n")
    if any(name not in got or got[name].shape != getattr(golden.stored, name).shape for name in names):
        return {}
    precision = PRECISIONS[golden.dtype]
    wrong = {}
    for name in names:
        want = getattr(golden.stored, name)
        wrong[name] = ~(np.abs(got[name] - want) <= golden.tolerance.allowed(name, want, precision))
    seen = Seen(golden, got, wrong)
    found = {code: fact(seen) for code, (fact, _) in FACTS.items()}
    return {code: value for code, value in found.items() if value is not None}


def facts_of(failed: "Sequence[Evidence]", passed: "Sequence[Evidence]") -> list[str]:
    """What holds of all that failed, as far as it can be seen, in sentences; what tells most comes first."""
    found = [_sentence(*blamed) for blamed in blamed_features(failed, passed)]
    for code, showing in true_of_all(failed).items():
        where = "" if showing == len(failed) else f" (in the {showing} that can show it)"
        found.append(FACTS[code][1] + where)
    return found


def true_of_all(failed: "Sequence[Evidence]") -> dict[str, int]:
    """The facts that hold of all that failed and can show it, by name; and how many can, at least half of them."""
    found = {}
    for code in FACTS:
        values = [evidence.facts[code] for evidence in failed if code in evidence.facts]
        if values and all(values) and 2 * len(values) >= len(failed):
            found[code] = len(values)
    return found


def blamed_features(failed: "Sequence[Evidence]", passed: "Sequence[Evidence]") -> Iterator[tuple[str, bool, int, int]]:
    """Features that all that fail have, or have not; how many that pass are otherwise, and how many are the same."""
    for feature in IN_WORDS:
        for has in (True, False):
            if all((feature in e.features) == has for e in failed):
                others = sum((feature in e.features) != has for e in passed)
                same = len(passed) - others
                if others >= FEWEST_PASSED and same <= others / 2:
                    yield feature, has, others, same


def _sentence(feature: str, has: bool, others: int, same: int) -> str:
    words = IN_WORDS[feature][0 if has else 1]
    but = f"; so do {same} that pass" if same else ""
    return f"all that fail {words}; {others} that do not pass{but}"


def _not_finite(seen: Seen) -> bool | None:
    return any(not np.isfinite(values).all() for values in seen.got.values())


def _all_zero(seen: Seen) -> bool | None:
    return not seen.got["out"].any()


def _still_initial(seen: Seen) -> bool | None:
    initial = seen.golden.stored.h0
    return None if initial is None or not initial.any() else np.array_equal(seen.got["h_n"], initial)


def _only_last_states(seen: Seen) -> bool | None:
    return not seen.wrong["out"].any() and any(wrong.any() for wrong in seen.wrong.values())


def _only_out(seen: Seen) -> bool | None:
    return bool(seen.wrong["out"].any()) and not any(seen.wrong[name].any() for name in seen.wrong if name != "out")


def _c_right(seen: Seen) -> bool | None:
    return None if "c_n" not in seen.wrong else bool(seen.wrong["h_n"].any()) and not seen.wrong["c_n"].any()


def _first_layer_right(seen: Seen) -> bool | None:
    if seen.layers == 1:
        return None
    first = [bool(seen.wrong[name][: seen.directions].any()) for name in seen.wrong if name != "out"]
    return not any(first) and bool(seen.wrong["out"].any())


def _forward_right(seen: Seen) -> bool | None:
    if seen.directions == 1 or seen.layers > 1:
        return None
    forward, reverse = np.split(seen.wrong["out"], 2, axis=-1)
    return not forward.any() and bool(reverse.any())


def _reverse_right(seen: Seen) -> bool | None:
    if seen.directions == 1 or seen.layers > 1:
        return None
    forward, reverse = np.split(seen.wrong["out"], 2, axis=-1)
    return not reverse.any() and bool(forward.any())


def _first_row_right(seen: Seen) -> bool | None:
    out = seen.wrong["out"]
    if out.ndim < 3 or len(out) == 1:  # noqa: PLR2004 - (batch, time, units)
        return None
    return not out[0].any() and bool(out[1:].any())


def _only_beyond_lengths(seen: Seen) -> bool | None:
    lengths = seen.golden.lengths
    if lengths is None or (lengths == seen.wrong["out"].shape[1]).all():
        return None
    within = np.arange(seen.wrong["out"].shape[1]) < lengths[:, None]
    return not seen.wrong["out"][within].any() and bool(seen.wrong["out"][~within].any())


def _first_step_right(seen: Seen) -> bool | None:
    out = seen.wrong["out"]
    if seen.layers > 1 or seen.directions > 1 or out.shape[-2] == 1 or not out.any():
        return None
    return not out[..., 0, :].any() and bool(out[..., 1:, :].any())


def _wrong_from_first_step(seen: Seen) -> bool | None:
    out = seen.wrong["out"]
    if seen.layers > 1 or seen.directions > 1 or out.shape[-2] == 1:
        return None
    return bool(out[..., 0, :].any())


def _same_numbers_by_unit(seen: Seen) -> bool | None:
    if seen.hidden == 1:
        return None
    got, want = (np.sort(values, axis=-1) for values in (seen.got["out"], seen.want("out")))
    return bool(seen.wrong["out"].any()) and _near(seen, got, want)


def _same_numbers_by_step(seen: Seen) -> bool | None:
    if seen.want("out").shape[-2] == 1:
        return None
    got, want = (np.sort(values, axis=-2) for values in (seen.got["out"], seen.want("out")))
    return bool(seen.wrong["out"].any()) and _near(seen, got, want)


def _constant_factor(seen: Seen) -> bool | None:
    got, want = seen.got["out"], seen.want("out")
    if not seen.wrong["out"].any() or not want.any():
        return None
    k = float((got * want).sum() / np.square(want).sum())
    return bool(np.isfinite(k)) and abs(k) > 1e-3 and _near(seen, got, k * want)  # noqa: PLR2004 - not zero


def _right_to_float32(seen: Seen) -> bool | None:
    if seen.golden.dtype != "float64" or isinstance(seen.golden.tolerance, Exact):
        return None
    single = PRECISIONS["float32"]
    allowed = {n: seen.golden.tolerance.allowed(n, seen.want(n), single) for n in seen.got}
    return all((np.abs(seen.got[n] - seen.want(n)) <= allowed[n]).all() for n in seen.got)


def _near(seen: Seen, got: Array, want: Array) -> bool:
    allowed = seen.golden.tolerance.allowed("out", seen.want("out"), PRECISIONS[seen.golden.dtype]).max(initial=0.0)
    rounding = 8 * PRECISIONS[seen.golden.dtype].roundoff * np.abs(want).max(initial=0.0)
    return bool((np.abs(got - want) <= 2 * allowed + rounding).all())


def _follows(seen: Seen) -> Mask | None:
    """Whether each step's output is what the definition makes of the one before; None if more than that goes in."""
    from rnn_goldens.cells import Network, case_of

    out = seen.got["out"]
    one_by_one = seen.layers == 1 and seen.directions == 1 and seen.golden.lengths is None
    if not one_by_one or "c_n" in seen.got or out.shape[-2] == 1 or not np.isfinite(out).all():
        return None
    case = case_of(seen.golden, np.float64).as_batch()
    network, batch = Network(), out if out.ndim == 3 else out[None]  # noqa: PLR2004 - (batch, time, units)
    w = network.weights(case, "l0")
    steps = [network.step(case, "l0", w, case.x, t, (batch[:, t - 1],))[0] for t in range(1, batch.shape[1])]
    follows = [_near(seen, batch[:, t + 1], step) for t, step in enumerate(steps)]
    return np.array(follows)


def _every_step_follows(seen: Seen) -> bool | None:
    follows = _follows(seen)
    return None if follows is None or not seen.wrong["out"].any() else bool(follows.all())


def _no_step_follows(seen: Seen) -> bool | None:
    follows = _follows(seen)
    return None if follows is None or not seen.wrong["out"].any() else not follows.any()


FACTS: dict[str, tuple[Callable[[Seen], bool | None], str]] = {
    "not_finite": (_not_finite, "there are NaN or infinite numbers in the outputs"),
    "all_zero": (_all_zero, "out is zero everywhere: is it ever written?"),
    "still_initial": (_still_initial, "h_n is h0: the state is not carried on"),
    "right_to_float32": (_right_to_float32, "all is right to float32's precision: something is computed in float32"),
    "only_last_states": (_only_last_states, "out is right; the last states are wrong"),
    "only_out": (_only_out, "the last states are right; out is wrong"),
    "c_right": (_c_right, "c_n is right, h_n is wrong: look at what follows the cell, o and its tanh"),
    "first_layer_right": (_first_layer_right, "the first layer's last states are right: look at what upper layers get"),
    "forward_right": (_forward_right, "the forward direction is right, the reverse direction is wrong"),
    "reverse_right": (_reverse_right, "the reverse direction is right, the forward direction is wrong"),
    "first_row_right": (_first_row_right, "the first row of a batch is right, others are wrong"),
    "only_beyond_lengths": (_only_beyond_lengths, "out is right within the lengths, and wrong beyond them"),
    "same_numbers_by_unit": (_same_numbers_by_unit, "out holds the right numbers in another order of the units"),
    "same_numbers_by_step": (_same_numbers_by_step, "out holds the right numbers in another order of the steps"),
    "constant_factor": (_constant_factor, "out is the right one times a number, the same for all elements"),
    "every_step_follows": (
        _every_step_follows,
        "each step is right, given the state before it: look at the start",
    ),
    "no_step_follows": (
        _no_step_follows,
        "no step follows from the state before it: look at the step itself",
    ),
    "first_step_right": (_first_step_right, "the first step is right: look at what the state goes through"),
    "wrong_from_first_step": (_wrong_from_first_step, "the first step is wrong already"),
}
"""By name: whether it is so, None where it can not be seen; and what to say."""
