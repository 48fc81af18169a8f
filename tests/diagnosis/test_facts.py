"""What can be seen in wrong outputs: each fact is so where it is said, and not where it is not."""

from collections.abc import Callable

import numpy as np
import pytest

import rnn_goldens
from rnn_goldens import Golden
from rnn_goldens.cells import Array, Network, case_of
from rnn_goldens.deviations import deviation
from rnn_goldens.diagnosis.facts import FACTS, facts
from rnn_goldens.implementations.numpy_cells import arithmetic

Outputs = tuple[Array, ...]


def right(golden: Golden) -> Outputs:
    return Network().run(case_of(golden, arithmetic(golden.dtype)))


def by(name: str) -> Callable[[Golden], Outputs]:
    return lambda golden: deviation(name).run(case_of(golden, arithmetic(golden.dtype)))


def changed(**change: Callable[[Array], Array]) -> Callable[[Golden], Outputs]:
    def outputs(golden: Golden) -> Outputs:
        named = dict(zip(("out", "h_n", "c_n"), right(golden), strict=False))
        return tuple(change[name](part.copy()) if name in change else part for name, part in named.items())

    return outputs


def with_nan(part: Array) -> Array:
    part[..., 0] = np.nan
    return part


def second_row_off(part: Array) -> Array:
    part[1] += 1
    return part


@pytest.mark.parametrize(
    ("fact", "golden", "outputs"),
    [
        ("not_finite", "gru/plain", changed(out=with_nan)),
        ("all_zero", "gru/plain", changed(out=np.zeros_like)),
        ("only_last_states", "gru/plain", changed(h_n=lambda h: h + 1)),
        ("only_out", "gru/plain", changed(out=lambda out: out + 1)),
        ("c_right", "lstm/plain", changed(out=lambda out: out + 1, h_n=lambda h: h + 1)),
        ("first_layer_right", "gru/two-layers", by("relu_between_layers")),
        ("forward_right", "gru/bidirectional", by("reverse_not_reversed")),
        ("first_row_right", "gru/plain", changed(out=second_row_off)),
        ("only_beyond_lengths", "gru/lengths", by("outputs_not_zeroed")),
        ("same_numbers_by_unit", "gru/plain", changed(out=lambda out: out[..., ::-1])),
        ("same_numbers_by_step", "gru/plain", changed(out=lambda out: out[:, ::-1])),
        ("constant_factor", "gru/plain", changed(out=lambda out: out * 3)),
        ("every_step_follows", "gru/with-state", by("h0_ignored")),
        ("no_step_follows", "gru/plain", by("gru_z_complemented")),
        ("first_step_right", "gru/plain", by("w_hh_transposed")),
        ("wrong_from_first_step", "gru/plain", by("w_ih_ignored")),
    ],
)
def test_a_fact_is_seen_where_it_is_so_and_not_in_right_outputs(
    fact: str, golden: str, outputs: Callable[[Golden], Outputs]
) -> None:
    asked = rnn_goldens.load(golden)
    assert facts(asked, *outputs(asked))[fact]
    assert not facts(asked, *right(asked)).get(fact, False)


def test_a_state_that_is_not_carried_on_is_seen() -> None:
    golden = rnn_goldens.load("gru/with-state")
    out, _ = right(golden)
    assert facts(golden, out + 1, golden.h0)["still_initial"]


def test_what_is_right_to_float32_is_seen_in_float64() -> None:
    golden = rnn_goldens.load("gru/plain", dtype="float64")
    single = tuple(output.astype(np.float32).astype(np.float64) for output in right(golden))
    assert facts(golden, *single)["right_to_float32"]
    assert not facts(golden, *by("w_hh_transposed")(golden))["right_to_float32"]


def test_nothing_is_seen_in_outputs_of_another_shape() -> None:
    golden = rnn_goldens.load("gru/plain")
    out, h_n = right(golden)
    assert facts(golden, out[:, 0], h_n) == {}
    assert facts(golden, None) == {}


def test_every_fact_has_a_sentence_that_fits_a_line() -> None:
    assert all(len(sentence) <= 76 for _, sentence in FACTS.values())
