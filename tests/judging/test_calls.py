"""An implementation that is right when it is called once, and wrong when it is called as people do, is told so."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnn_goldens import Golden, GoldenMismatch, UnknownName
from rnn_goldens.cells import Network, case_of
from rnn_goldens.corpus import open_corpus
from rnn_goldens.implementations.numpy_cells import run as right
from rnn_goldens.judging.calls import WAYS

CORPUS = open_corpus()
Run = Callable[[Golden], Any]


def golden(golden_id: str = "lstm/lengths", dtype: str = "float32") -> Golden:
    return CORPUS.load(golden_id, dtype)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_a_right_implementation_is_right_in_every_way(dtype: str) -> None:
    asked = [entry for entry in CORPUS.entries if dtype in entry.precisions and not entry.id.startswith("sizes")]
    for entry in asked:
        verdicts = golden(entry.id, dtype).compare_calls(right)
        assert all(verdict.passed for verdict in verdicts), verdicts[-1].message
        assert len(verdicts) >= 4


def test_ways_that_a_golden_can_not_be_asked_are_left_out() -> None:
    def asked(golden_id: str) -> list[str]:
        return [name for name, way in WAYS.items() if way.applies(golden(golden_id))]

    assert asked("lstm/with-state") == ["twice", "rows", "chunks", "weights", "views"]
    assert asked("lstm/unbatched") == ["twice", "chunks", "weights", "views"]
    assert asked("lstm/one-sequence") == ["twice", "chunks", "weights", "views"]
    assert asked("lstm/bidirectional") == ["twice", "rows", "weights", "views"]
    assert asked("lstm/lengths") == ["twice", "rows", "chunks", "weights", "views"]
    assert asked("lstm/one-step") == ["twice", "weights", "views"]


def state_kept() -> Run:
    """Goes on from the last state of the call before, where none is given."""
    kept: dict[str, Any] = {}

    def run(asked: Golden) -> Any:
        case = case_of(asked, np.float32)
        if asked.initial_state is None and "state" in kept:
            case = replace(case, state=kept["state"])
        out, *states = Network().run(case)
        kept["state"] = tuple(states)
        return out, *states

    return run


def rows_mixed() -> Run:
    """Every row gets the mean of the batch added: nothing, for a mean that it first takes away."""

    def run(asked: Golden) -> Any:
        outputs = right(asked)
        return outputs if len(asked.x) > 1 else tuple(output * 2 for output in outputs)

    return run


def start_forgotten() -> Run:
    """Takes any state given at a later step for zero."""

    def run(asked: Golden) -> Any:
        shorter = asked.x.shape[-2] < 4
        return Network().run(
            replace(case_of(asked, np.float32), state=zeros(asked)) if shorter else case_of(asked, np.float32)
        )

    return run


def zeros(asked: Golden) -> Any:
    return tuple(np.zeros_like(part) for part in case_of(asked, np.float32).state)


def weights_kept() -> Run:
    """Converts the weights when it first sees them, and never again."""
    kept: dict[str, Any] = {}

    def run(asked: Golden) -> Any:
        case = case_of(asked, np.float32)
        return Network().run(replace(case, weights=kept.setdefault("weights", case.weights)))

    return run


def weights_changed_once() -> Run:
    """Takes new weights the first time they change, and never again."""
    kept: list[Any] = []

    def run(asked: Golden) -> Any:
        case = case_of(asked, np.float32)
        kept.append(case.weights)
        return Network().run(replace(case, weights=kept[:2][-1]))

    return run


def strides_ignored() -> Run:
    """Reads x as if its elements lay side by side."""

    def run(asked: Golden) -> Any:
        case = case_of(asked, np.float32)
        base = asked.x if asked.x.base is None or asked.x.flags.c_contiguous else asked.x.base
        flat = base.reshape(-1)[: asked.x.size].reshape(asked.x.shape)
        return Network().run(replace(case, x=flat))

    return run


@pytest.mark.parametrize(
    ("wrong", "way", "golden_id", "said"),
    [
        (state_kept, "twice", "gru/plain", "the second call differs from the first: out is first wrong at time step 0"),
        (rows_mixed, "rows", "gru/plain", "row 0 alone differs from the same row in the batch: out is first wrong"),
        (
            start_forgotten,
            "chunks",
            "gru/plain",
            "steps 0 to 1 and then the others, with the state carried over, differ from all at once: "
            "out is first wrong at time step 2",
        ),
        (
            start_forgotten,
            "chunks",
            "gru/lengths-no-state",
            "steps 0 to 0 and then the others, with the state carried over, differ from all at once: "
            "out is first wrong at time step 1",
        ),
        (weights_kept, "weights", "gru/plain", "weights that change between calls have no effect: with every weight"),
        (
            weights_changed_once,
            "weights",
            "gru/plain",
            "after a call with other weights the outputs differ from those before it: out is first wrong",
        ),
        (
            strides_ignored,
            "views",
            "gru/plain",
            "arrays that are not contiguous give other outputs than those that are: ",
        ),
    ],
)
def test_what_differs_is_said(wrong: Callable[[], Run], way: str, golden_id: str, said: str) -> None:
    asked = golden(golden_id)
    others = [name for name in WAYS if name != way]
    once, verdict = asked.compare_calls(wrong(), [way])
    assert once.passed
    assert not verdict.passed
    assert verdict.message.startswith(f"{golden_id} in float32: {said}")
    with pytest.raises(GoldenMismatch, match="in float32: "):
        asked.check_calls(wrong(), [way])
    if way in ("rows", "chunks", "views"):
        asked.check_calls(wrong(), others)


def test_what_is_wrong_when_called_once_is_not_called_again() -> None:
    calls = []

    def wrong(asked: Golden) -> Any:
        calls.append(asked)
        return tuple(output + 1 for output in right(asked))

    (verdict,) = golden().compare_calls(wrong)
    assert "float32: out is first wrong" in verdict.message
    assert len(calls) == 1


def test_a_state_that_can_not_be_carried_over_is_what_is_said() -> None:
    def squeezed(asked: Golden) -> Any:
        out, h_n = right(asked)
        return (out, h_n) if asked.x.shape[-2] == 4 else (out, h_n[0])

    verdict = golden("gru/plain").compare_calls(squeezed, ["chunks"])[-1]
    assert "differ from all at once: " in verdict.message
    assert "h_n has shape (2, 3), " in verdict.message


@pytest.mark.slow
def test_weights_negated_give_other_answers_for_every_golden() -> None:
    for entry in CORPUS.entries:
        for dtype in entry.precisions:
            if len(golden(entry.id, dtype).stored.x) < 100:
                assert all(v.passed for v in golden(entry.id, dtype).compare_calls(right, "weights")), entry.id


def test_an_unknown_way_is_an_error_that_lists_those_there_are() -> None:
    with pytest.raises(
        UnknownName, match=r"no way of calling 'thrice'.* Ways of calling: twice, rows, chunks, weights, views"
    ):
        golden().check_calls(right, ["thrice"])
