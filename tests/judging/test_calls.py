"""An implementation that is right when it is called once, and wrong when it is called as people do, is told so."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made_scenarios import scenario
from making import MakeGolden

from rnn_goldens import Golden, GoldenMismatch, UnknownName, Unsupported
from rnn_goldens.cells import Network, case_of
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import WrongUse
from rnn_goldens.generator.certify import certify
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import LAYOUTS
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
                verdicts = golden(entry.id, dtype).compare_calls(right, "weights")
                assert [verdict.passed for verdict in verdicts] == [True, True], entry.id


@pytest.mark.parametrize(
    ("scale", "dtype"), [(0, "float32"), (2.0**-14, "bfloat16"), (2.0**-14, "float16"), (2.0**-14, "float32")]
)
def test_other_weights_are_not_called_where_they_give_the_same_outputs(scale: float, dtype: str) -> None:
    asked = certify(scenario("gru", state=True, scale=scale)).in_precision(dtype)
    names = [name for name, _ in asked.compared(right, "weights")]
    assert names == (["once"] if scale == 0 or dtype != "float32" else ["once", "weights"])


def test_other_weights_are_not_called_where_the_equations_of_a_cell_are_not_here() -> None:
    asked = replace(certify(scenario("gru", state=True)), cell="not_here:gru", own_layout=LAYOUTS["gru"])
    answers = asked.out, asked.h_n
    names = [name for name, _ in asked.compared(lambda _: tuple(a.copy() for a in answers), ["weights", "views"])]
    assert names == ["once", "views"]


def test_an_unknown_way_is_an_error_that_lists_those_there_are() -> None:
    with pytest.raises(
        UnknownName, match=r"no way of calling 'thrice'.* Ways of calling: twice, rows, chunks, weights, views"
    ):
        golden().check_calls(right, ["thrice"])


def in_call(number: int, change: Callable[..., Any]) -> Run:
    """Right, but for one call, of which the first is the single one."""
    calls = []

    def run(asked: Golden) -> Any:
        calls.append(asked)
        outputs = right(asked)
        return change(*outputs) if len(calls) == number else outputs

    return run


def said_of(golden_id: str, way: str, run: Run, dtype: str = "float32") -> str:
    """What is said of a way of calling; the single call is right."""
    once, verdict = golden(golden_id, dtype).compare_calls(run, way)
    assert once.passed
    assert not verdict.passed
    return verdict.message


@pytest.mark.parametrize(
    ("call", "change", "said"),
    [
        (2, lambda _, *states: (None, *states), "out is None: the implementation returned nothing for it"),
        (2, lambda _, *states: (["no"], *states), "out holds "),
        (2, lambda out, _, c_n: (out, None, c_n), "h_n is None: the implementation returned nothing for it"),
        (2, lambda out, _, c_n: (out, "no", c_n), "h_n is a str, not an array of numbers"),
        (2, lambda out, h_n, c_n: (out, (h_n, c_n), h_n), "h_n has shape"),
        (2, lambda out, h_n, c_n: (out, h_n[:, :2], c_n), "h_n has shape (1, 2, 3), want (1, 3, 3)"),
        (3, lambda _, *states: (None, *states), "out is None: the implementation returned nothing for it"),
        (3, lambda out, *states: (out[:1], *states), "out has shape (1, 2, 3), want (3, 4, 3)"),
        (3, lambda out, *states: (out.astype(np.float16), *states), "out is float16: less precise than the declared"),
        (2, lambda out, *states: (out.astype(np.float16), *states), "out is float16: less precise than the declared"),
        (2, lambda out, *states: (out + 1, *states), "out is first wrong at time step 0 "),
        (3, lambda out, *states: (out + 1, *states), "out is first wrong at time step 2 "),
        (3, lambda out, h_n, c_n: (out, h_n, c_n + 1), "c_n is first wrong at layer 0 "),
    ],
)
def test_what_one_part_of_a_sequence_gives_wrongly_is_what_is_said(
    call: int, change: Callable[..., Any], said: str
) -> None:
    begin = "lstm/with-state in float32: steps 0 to 1 and then the others, with the state carried over, differ from"
    message = said_of("lstm/with-state", "chunks", in_call(call, change))
    assert message.startswith(f"{begin} all at once: {said}")


def test_memory_that_a_second_call_uses_again_does_not_matter() -> None:
    memory: dict[Any, Any] = {}

    def run(asked: Golden) -> Any:
        outputs = right(asked)
        for place, output in enumerate(outputs):
            held = memory.setdefault((place, output.shape), output)
            held[...] = output
        return tuple(memory[place, output.shape] for place, output in enumerate(outputs))

    golden("lstm/with-state").check_calls(run, "chunks")


def test_an_integer_part_is_exact_and_the_other_part_counts() -> None:
    asked = golden("exact/with-state")
    whole = in_call(2, lambda out, h_n: (out.astype(np.int64), h_n.astype(int)))
    asked.check_calls(whole, "chunks")
    half = in_call(3, lambda out, h_n: (out.astype(np.float16), h_n))
    assert "out is float16: less precise" in said_of("exact/with-state", "chunks", half)


def test_the_parts_are_told_that_there_is_a_state_and_how_long_each_row_still_is() -> None:
    seen = []

    def run(asked: Golden) -> Any:
        seen.append((asked.x.shape, "state" in asked.features, () if asked.lengths is None else asked.lengths.tolist()))
        return right(asked)

    asked = golden("gru/lengths-no-state")  # of 3, 1 and 4 steps: the one of a single step has no second part
    asked.check_calls(run, "chunks")
    assert [shape for shape, *_ in seen] == [(3, 4, 4), (2, 1, 4), (2, 3, 4)]
    assert [state for _, state, _ in seen] == [False, False, True]
    assert [lengths for *_, lengths in seen] == [[3, 1, 4], [1, 1], [2, 3]]


def test_each_row_is_asked_alone_until_one_is_wrong() -> None:
    seen = []

    def run(asked: Golden) -> Any:
        seen.append((asked.x.shape, None if asked.lengths is None else asked.lengths.tolist()))
        outputs = right(asked)
        return tuple(output + 1 for output in outputs) if len(seen) == 3 else outputs

    message = said_of("lstm/lengths", "rows", run)
    assert message.startswith("lstm/lengths in float32: row 1 alone differs from the same row in the batch: out is")
    assert seen == [((3, 4, 4), [2, 4, 1]), ((1, 4, 4), [2]), ((1, 4, 4), [4])]


def test_the_largest_error_of_rows_is_that_of_the_row_that_is_nearest_to_the_edge() -> None:
    asked = golden("gru/plain", "float64")
    allowed = asked.tolerance.allowed("out", asked.stored.out, PRECISIONS["float64"])
    largest = []
    for row in (0, 1):
        moved = asked.stored.out + 0.8 * allowed * (np.arange(2) == row)[:, None, None]

        def run(question: Golden, moved: Any = moved) -> Any:
            out, h_n = right(question)
            alone = len(question.x) == 1
            of = int(np.array_equal(question.x[0], asked.x[1]))
            return (moved[of : of + 1] if alone else out), h_n

        _, verdict = asked.compare_calls(run, "rows")
        assert verdict.passed
        largest.append(verdict.largest_error)
    assert all(0.75 < error < 0.85 for error in largest)


@pytest.mark.parametrize("golden_id", ["exact/with-state", "gru/with-state"])
def test_rows_are_held_to_their_own_part_of_the_tolerance(golden_id: str) -> None:
    asked = golden(golden_id)
    asked.check_calls(right, "rows")
    nudged = in_call(4, lambda out, *states: (out, *(state + 1e-3 for state in states)))
    assert "row 2 alone differs from the same row in the batch: h_n is first" in said_of(golden_id, "rows", nudged)


def test_a_way_that_is_refused_or_does_not_apply_is_left_out_and_those_after_it_are_not() -> None:
    def run(asked: Golden) -> Any:
        if len(asked.x) == 1:
            raise Unsupported("no single rows")
        return right(asked)

    names = [name for name, _ in golden("gru/plain").compared(run, ["rows", "chunks", "twice"])]
    assert names == ["once", "chunks", "twice"]
    names = [name for name, _ in golden("gru/bidirectional").compared(right, ["chunks", "twice"])]
    assert names == ["once", "twice"]


def test_what_is_refused_at_once_is_refused() -> None:
    def run(_: Golden) -> Any:
        raise Unsupported("no GRU")

    with pytest.raises(Unsupported, match="no GRU"):
        golden("gru/plain").compare_calls(run)


def test_an_error_in_a_later_call_says_in_which_way_it_came() -> None:
    def raises(*_: Any) -> Any:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory") as caught:
        golden("gru/plain").check_calls(in_call(2, raises), "twice")
    said = "in calls=twice, the same call once more: no state is left over from the first; a single call was right"
    assert caught.value.__notes__ == [said]
    with pytest.raises(RuntimeError) as caught:
        golden("gru/plain").check_calls(in_call(1, raises), "twice")
    assert not hasattr(caught.value, "__notes__")


def test_a_golden_of_ones_own_memory_is_no_answer_in_any_call() -> None:
    asked = golden("gru/plain")
    with pytest.raises(WrongUse, match="the golden's own out"):
        asked.check_calls(in_call(2, lambda _, h_n: (asked.out, h_n)), "twice")


def test_between_any_two_elements_of_a_view_lies_a_nan() -> None:
    seen: list[Any] = []

    def run(asked: Golden) -> Any:
        seen.append(asked)
        return right(asked)

    golden("lstm/with-state").check_calls(run, "views")
    once, views = seen
    for array, view in (
        *((getattr(once, name), getattr(views, name)) for name in ("x", "h0", "c0")),
        *((array, views.weights[name]) for name, array in once.weights.items()),
    ):
        assert np.array_equal(array, view)
        assert view.strides[-1] == 2 * view.itemsize
        assert not view.flags.writeable
        wide = np.lib.stride_tricks.as_strided(view, (view.size * 2,), (view.itemsize,))
        assert np.isnan(wide[1::2]).all()


def test_weights_without_effect_are_wrong_though_every_output_is_right() -> None:
    asked = golden("gru/plain")
    answers = [output.copy() for output in right(asked)]
    (_, verdict) = asked.compare_calls(lambda _: tuple(output.copy() for output in answers), "weights")
    assert not verdict.passed
    assert verdict.largest_error < 1
    assert verdict.message == (
        "gru/plain in float32: weights that change between calls have no effect: "
        "with every weight negated the outputs were the same"
    )


@pytest.mark.parametrize(
    ("made", "parts"),
    [
        ({"time": 8}, [((2, 4, 3), None), ((2, 4, 3), None)]),
        ({"time": 7}, [((2, 3, 3), None), ((2, 4, 3), None)]),
        ({"time": 2}, [((2, 1, 3), None), ((2, 1, 3), None)]),
        ({"time": 8, "batch": ()}, [((4, 3), None), ((4, 3), None)]),
        ({"time": 7, "lengths": [5, 4]}, [((2, 2, 3), [2, 2]), ((2, 5, 3), [3, 2])]),
        ({"time": 9, "batch": (3,), "lengths": [9, 2, 1]}, [((2, 1, 3), [1, 1]), ((2, 8, 3), [8, 1])]),
    ],
)
def test_a_sequence_is_cut_in_the_middle_of_the_shortest(
    make_golden: MakeGolden, made: dict[str, Any], parts: list[Any]
) -> None:
    asked, seen = make_golden("gru", **made), []

    def ask(part: Any) -> Any:
        seen.append((part.stored.x.shape, None if part.lengths is None else part.lengths.tolist()))
        return right(part.question())

    assert WAYS["chunks"].applies(asked)
    verdict = WAYS["chunks"].judge(ask, asked)
    assert seen == parts
    assert verdict is not None
    assert f"steps 0 to {parts[0][0][-2] - 1} and then the others" in verdict.message


def test_a_state_too_many_of_a_first_part_is_what_is_said() -> None:
    said = said_of("gru/plain", "chunks", in_call(2, lambda out, h_n: (out, h_n, h_n)))
    assert "c_n: was given, but a golden for gru has none" in said
