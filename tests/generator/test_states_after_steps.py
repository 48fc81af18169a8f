"""The certified states after every step: those of sequences that end there, in every kind of golden."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from factories.recurrences import recurrence_scenario
from factories.scenarios import chaotic, scenario

import rnn_goldens
from rnn_goldens import Golden, Refused, Scenario, Unsupported, certify
from rnn_goldens.errors import WrongUse
from rnn_goldens.generator.recurrence_scenario import RecurrenceScenario
from rnn_goldens.golden.expected_states import states_after_steps
from rnn_goldens.golden.precision import PRECISIONS, SupportedOnly
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.golden.tolerance import Exact, in_use


def cut(one: Scenario, steps: int) -> Scenario:
    """Return a scenario of a network whose sequences end after some of their own steps."""
    x = np.asarray(one.x)
    lengths = np.asarray(one.lengths if one.lengths is not None else np.full(x.shape[:-2] or (1,), x.shape[-2]))
    own, reverse = np.minimum(lengths, steps), isinstance(one.config, rnn_goldens.Config) and one.config.direction
    rows = x if x.ndim == 3 else x[None]
    kept = np.zeros((len(rows), steps, x.shape[-1]))
    for row, (length, count) in enumerate(zip(lengths, own, strict=True)):
        kept[row, :count] = rows[row, length - count : length] if reverse else rows[row, :count]
    return replace(one, x=kept if x.ndim == 3 else kept[0], lengths=own if one.lengths is not None else None)


def direction(both: Scenario, number: int) -> Scenario:
    """Return one direction of a bidirectional network of one layer as a network of its own."""
    config: Any = both.config
    weights: Any = both.weights
    return replace(
        both,
        cell="gru_reverse" if number else "gru",
        weights={name: array for name, array in weights.items() if name.endswith("_reverse") == bool(number)},
        config=replace(config, bidirectional=False, direction="reverse" if number else ""),
        h0=np.asarray(both.h0)[number : number + 1],
    )


@pytest.mark.parametrize("cell", ["rnn_tanh", "gru", "lstm"])
@pytest.mark.parametrize(
    "given",
    [{}, {"state": True}, {"num_layers": 2, "state": True}, {"lengths": [4, 2]}, {"unbatched": True, "state": True}],
    ids=["plain", "state", "two layers", "lengths", "unbatched"],
)
def test_states_of_a_network_are_the_last_states_of_shorter_sequences(cell: str, given: dict[str, Any]) -> None:
    one = scenario(cell, scale=0.25, **given)
    golden = certify(one)
    assert set(golden.expected_states) == {state.removesuffix("0") for state in golden.states}
    for name, states in golden.expected_states.items():
        assert states.shape == (5, *golden.states[f"{name}0"].shape)
        assert (states[0] == golden.states[f"{name}0"]).all()
        for steps in range(1, 5):
            assert (states[steps] == certify(cut(one, steps)).expected[f"{name}_n"]).all()


@pytest.mark.parametrize("lengths", [None, [4, 2]])
def test_a_reverse_direction_counts_its_own_steps(lengths: list[int] | None) -> None:
    both = scenario("gru", scale=0.25, bidirectional=True, state=True, lengths=lengths)
    states = certify(both).expected_states["h"]
    for number in (0, 1):
        for steps in range(1, 5):
            assert (states[steps, number] == certify(cut(direction(both, number), steps)).expected["h_n"][0]).all()


def parts(whole: RecurrenceScenario, steps: int) -> Iterator[tuple[str, RecurrenceScenario]]:
    """Yield by the end of the name of its states each sequence of a scenario, which ends after some steps."""
    offsets = None if whole.offsets is None else np.asarray(whole.offsets)
    for k in range(1 if offsets is None else len(offsets) - 1):
        begin, end = (0, steps) if offsets is None else (offsets[k], offsets[k] + steps)
        if offsets is None or end <= offsets[k + 1]:
            inputs = {name: np.asarray(array)[:, begin:end] for name, array in whole.inputs.items()}
            rows = slice(None) if offsets is None else slice(k, k + 1)
            states = {name: np.asarray(array)[rows] for name, array in whole.states.items()}
            yield (
                "" if offsets is None else f"_{k}",
                replace(whole, inputs=inputs, states=states, offsets=None, precisions=SupportedOnly(PRECISIONS)),
            )


@pytest.mark.parametrize("offsets", [None, (0, 2, 3, 7)])
@pytest.mark.parametrize("cell", RECURRENCES)
def test_states_of_a_recurrence_are_the_last_states_of_shorter_sequences(
    cell: str, offsets: tuple[int, ...] | None
) -> None:
    whole = recurrence_scenario(cell, offsets=offsets)
    golden = certify(whole, states=True)
    states, found = golden.expected_states, 0
    for steps in range(1, 6 if offsets is None else 5):
        for end, part in parts(whole, steps):
            alone = certify(part, confirm=False)
            for name in golden.layout.compared:
                found += 1
                assert (
                    states[f"{name}{end}"][0] == alone.states[f"{name}0"].reshape(states[f"{name}{end}"][0].shape)
                ).all()
                assert (states[f"{name}{end}"][steps].ravel() == alone.expected[f"{name}_n"].ravel()).all()
                require_tolerance(golden, f"{name}{end}", steps, alone, f"{name}_n")
    assert found == len(golden.layout.compared) * (5 if offsets is None else 7)


def require_tolerance(golden: Golden, name: str, steps: int, alone: Golden, last: str) -> None:
    """Require that a state has at least the tolerance of a last state, and not much more: one number for a step."""
    for dtype in alone.precisions:
        of_states = states_after_steps(golden.in_precision(dtype))
        got = np.broadcast_to(of_states.allowed(name), of_states.values[name].shape)[steps].ravel()
        tolerance = in_use(alone.tolerance, alone.profile, dtype)
        want = tolerance.allowed(last, alone.stored.expected[last], PRECISIONS[dtype]).ravel()
        assert (got >= want * (1 - 2**-4)).all()  # bounds are rounded up to five bits
        assert got.max() <= 3 * want.max() or isinstance(tolerance, Exact)


@pytest.mark.parametrize("time", [20, 70])
def test_states_inside_a_chunk_have_the_tolerance_of_a_chunk_that_ends_there(time: int) -> None:
    whole = recurrence_scenario("gated_delta", time=time, heads=1, d_k=2, d_v=1)
    golden = certify(whole, states=True, confirm=False)
    for steps in (1, 15, 16, 17, time - 1):
        for end, part in parts(whole, steps):
            require_tolerance(golden, f"S{end}", steps, certify(part, confirm=False), "S_n")


def test_states_of_exact_goldens_are_exact() -> None:
    network = certify(scenario("rnn_relu", num_layers=2))
    assert isinstance(network.tolerance, Exact)
    assert network.stored_states is not None
    assert isinstance(network.stored_states.tolerance, Exact)
    recurrence = certify(rnn_goldens.load("gated-delta/exact-steps"))
    assert recurrence.stored_states is not None
    assert isinstance(recurrence.stored_states.tolerance, Exact)
    last = {2: {"S": recurrence.expected_states["S"][2] + 2.0**-10}}
    assert not recurrence.compare({n: a.copy() for n, a in recurrence.expected.items()}, states_at=last)


def test_what_outputs_hold_is_not_stored() -> None:
    assert certify(scenario("gru")).stored_states is None
    lstm = certify(scenario("lstm", lengths=[4, 2]))
    assert lstm.stored_states is not None
    assert set(lstm.stored_states.values) == {"c"}
    assert "c after every step" in lstm._repr_html_()
    assert (lstm.expected_states["h"][1:, 0, 0] == lstm.out[0]).all()
    assert (lstm.expected_states["h"][2:, 0, 1] == lstm.h_n[0, 1]).all()
    reverse = certify(scenario("lstm_reverse", direction="reverse"))
    assert reverse.stored_states is not None
    assert set(reverse.stored_states.values) == {"h", "c"}


def test_many_states_are_computed_when_asked_for() -> None:
    whole = scenario("lstm", scale=0.125, time=70)
    golden = certify(whole, confirm=False)
    with pytest.raises(
        Unsupported, match=r"does not store its states after every step, 284 numbers of c: rnn_goldens\."
    ):
        _ = golden.expected_states
    assert certify(golden) is golden
    with_states = certify(golden, states=True)
    assert with_states.expected_states["c"].shape == (71, 1, 2, 2)
    assert (with_states.expected_states["c"] == certify(whole, states=True, confirm=False).expected_states["c"]).all()
    assert with_states.dtype == golden.dtype
    with_states.check(
        {n: a.copy() for n, a in golden.expected.items()},
        states_at={9: {"c": with_states.expected_states["c"][9].copy()}},
    )
    assert certify(scenario("lstm"), states=False).stored_states is None
    derived = certify(scenario("gru", scale=0.125, time=200), confirm=False)
    assert derived.expected_states["h"].shape == (201, 1, 2, 2)
    assert certify(derived, states=True) is derived


def test_states_without_a_tolerance_are_refused() -> None:
    golden = certify(chaotic(), states=False, confirm=False)
    assert golden.expected_states["h"].shape == (161, 1, 2, 24)
    loose = rnn_goldens.load("lstm-projection/plain")
    with pytest.raises(
        Refused, match=r"its states after every step have a tolerance of 0\.11 in bfloat16, at most 0\.1"
    ):
        certify(loose, states=True)
    with pytest.raises(Refused, match=r"is not what its inputs give: c: its last state is not the last state c_n"):
        plain = rnn_goldens.load("lstm/plain")
        wrong = {name: array + 1 for name, array in plain.stored.expected.items()}
        certify(replace(plain, stored_states=None, stored=replace(plain.stored, expected=wrong)), states=True)


def test_larger_sizes_and_other_arithmetic_have_no_states() -> None:
    golden = certify(rnn_goldens.load("lstm/plain", dtype="float32"))
    with pytest.raises(Unsupported, match=r"embedded in hidden_size=9: states after steps are those of the golden"):
        _ = golden.embedded(hidden_size=9).expected_states
    assert golden.embedded(hidden_size=9).stored_states is None
    with pytest.raises(WrongUse, match=r"certify the golden itself"):
        certify(golden.embedded(hidden_size=9), states=True)
    with pytest.raises(Unsupported, match=r"c after every step has a tolerance by other profiles only"):
        _ = golden.in_profile("tf32").expected_states
    assert golden.in_profile("tf32").in_precision("float64").expected_states["c"].any()
    gru = rnn_goldens.load("gru/plain", dtype="float32").in_profile("tf32")
    assert (gru.expected_states["h"][1:, 0].swapaxes(0, 1) == gru.out).all()
