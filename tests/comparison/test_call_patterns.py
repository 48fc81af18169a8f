"""Implementations that are right in a single call and wrong in another call pattern."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from factories.goldens import MakeGolden
from factories.scenarios import scenario

from rnn_goldens import Golden, GoldenMismatch, UnknownName, Unsupported
from rnn_goldens.cells import Case, Network, case_of
from rnn_goldens.comparison.call_patterns import CALL_PATTERNS, OF_ANY
from rnn_goldens.comparison.golden_slices import of_rows
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import WrongUse
from rnn_goldens.generator.certification import certify
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.larger_golden import gathered, original
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.implementations.numpy_cells import run as right

CORPUS = open_corpus()
NETWORKS = [entry for entry in CORPUS.entries if entry.cell not in RECURRENCES]
Run = Callable[[Golden], Any]


def load(golden_id: str = "lstm/lengths", dtype: str = "float32") -> Golden:
    return CORPUS.load(golden_id, dtype)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_a_right_implementation_passes_every_call_pattern(dtype: str) -> None:
    entries = [entry for entry in NETWORKS if dtype in entry.precisions and not entry.id.startswith("sizes")]
    for entry in entries:
        verdicts = dict(load(entry.id, dtype).compared(right, list(OF_ANY)))
        assert [verdict.message for verdict in verdicts.values() if not verdict.passed] == []
        assert {"once", "twice", "weights", "views"} <= verdicts.keys()  # negated weights change every golden


def test_call_patterns_that_do_not_apply_to_a_golden_are_skipped() -> None:
    def applicable(golden_id: str) -> list[str]:
        return [name for name, pattern in CALL_PATTERNS.items() if pattern.applies(load(golden_id))]

    assert applicable("lstm/with-state") == ["twice", "rows", "chunks", "steps", "weights", "views", "stateful"]
    assert applicable("lstm/unbatched") == ["twice", "chunks", "steps", "weights", "views", "stateful"]
    assert applicable("lstm/one-sequence") == ["twice", "chunks", "steps", "weights", "views", "stateful"]
    assert applicable("lstm/bidirectional") == ["twice", "rows", "weights", "views"]
    assert applicable("lstm/lengths") == ["twice", "rows", "chunks", "weights", "views"]
    assert applicable("lstm/one-step") == ["twice", "weights", "views"]


def wrong(change: Callable[[Golden, Case, dict[str, Any]], Any]) -> Callable[[], Run]:
    """Return a function that makes an implementation, which may keep something between its calls."""

    def make() -> Run:
        kept: dict[str, Any] = {}
        return lambda inputs: change(inputs, case_of(inputs, np.float32), kept)

    return make


@wrong
def keeps_last_state(inputs: Golden, case: Case, kept: dict[str, Any]) -> Any:
    if inputs.initial_state is None and "state" in kept:
        case = replace(case, state=kept["state"])
    out, *states = Network().run(case)
    kept["state"] = tuple(states)
    return out, *states


@wrong
def doubles_single_rows(inputs: Golden, case: Case, _: dict[str, Any]) -> Any:
    outputs = Network().run(case)
    return outputs if len(inputs.x) > 1 else tuple(output * 2 for output in outputs)


@wrong
def ignores_initial_state_of_short_sequences(inputs: Golden, case: Case, _: dict[str, Any]) -> Any:
    zeros = tuple(np.zeros_like(part) for part in case.state)
    return Network().run(replace(case, state=zeros) if inputs.x.shape[-2] < 4 else case)


@wrong
def caches_first_weights(_: Golden, case: Case, kept: dict[str, Any]) -> Any:
    return Network().run(replace(case, weights=kept.setdefault("weights", case.weights)))


@wrong
def caches_second_weights(_: Golden, case: Case, kept: dict[str, Any]) -> Any:
    weights = kept.setdefault("weights", [])
    weights.append(case.weights)
    return Network().run(replace(case, weights=weights[:2][-1]))


@wrong
def reads_x_as_if_contiguous(inputs: Golden, case: Case, _: dict[str, Any]) -> Any:
    base = inputs.x if inputs.x.base is None or inputs.x.flags.c_contiguous else inputs.x.base
    return Network().run(replace(case, x=base.reshape(-1)[: inputs.x.size].reshape(inputs.x.shape)))


short = ignores_initial_state_of_short_sequences
APART = "with the state carried over, give other outputs than a single call: out is first wrong at time step"


@pytest.mark.parametrize(
    ("make", "pattern", "golden_id", "text"),
    [
        (keeps_last_state, "twice", "gru/plain", "like state_not_reset: the second call differs from the first: out "),
        (doubles_single_rows, "rows", "gru/plain", "row 0 alone differs from the same row in the batch: out is "),
        (short, "chunks", "gru/plain", f"steps 0 to 1 and then the rest, {APART} 2"),
        (short, "chunks", "gru/lengths-no-state", f"steps 0 to 0 and then the rest, {APART} 1"),
        (caches_first_weights, "weights", "gru/plain", "weights that change between calls have no effect: with every "),
        (caches_second_weights, "weights", "gru/plain", "the outputs before and after a call with other "),
        (
            reads_x_as_if_contiguous,
            "views",
            "gru/plain",
            "non-contiguous arrays give other outputs than contiguous arrays: ",
        ),
    ],
)
def test_the_message_says_which_call_differs(make: Callable[[], Run], pattern: str, golden_id: str, text: str) -> None:
    golden = load(golden_id)
    others = [name for name in OF_ANY if name not in (pattern, "steps")]
    verdicts = golden.compare_calls(make(), [pattern])
    once, verdict = verdicts
    assert once.passed
    assert not verdict.passed
    assert not verdicts
    assert verdict.message.startswith(f"{golden_id} in float32{', ' if text.startswith('like') else ': '}{text}")
    with pytest.raises(GoldenMismatch, match="in float32"):
        golden.check_calls(make(), [pattern])
    if pattern in ("rows", "chunks", "views"):
        golden.check_calls(make(), others)


def test_there_are_no_more_calls_after_a_wrong_first_call() -> None:
    calls = []

    def wrong(inputs: Golden) -> Any:
        calls.append(inputs)
        return tuple(output + 1 for output in right(inputs))

    (verdict,) = load().compare_calls(wrong)
    assert "float32: out is first wrong" in verdict.message
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("scale", "dtype"), [(0, "float32"), (2.0**-14, "bfloat16"), (2.0**-14, "float16"), (2.0**-14, "float32")]
)
def test_the_call_pattern_weights_is_skipped_where_it_cannot_change_the_outputs(scale: float, dtype: str) -> None:
    golden = certify(scenario("gru", state=True, scale=scale)).in_precision(dtype)
    names = [name for name, _ in golden.compared(right, "weights")]
    assert names == (["once"] if scale == 0 or dtype != "float32" else ["once", "weights"])


def test_the_call_pattern_weights_is_skipped_without_the_equations_of_the_cell() -> None:
    golden = replace(certify(scenario("gru", state=True)), cell="not_here:gru", custom_layout=LAYOUTS["gru"])
    expected = golden.out, golden.h_n
    names = [name for name, _ in golden.compared(lambda _: tuple(a.copy() for a in expected), ["weights", "views"])]
    assert names == ["once", "views"]


def test_an_unknown_call_pattern_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"no call pattern 'thrice'.* Call patterns: twice, rows, chunks, steps, "):
        load().check_calls(right, ["thrice"])


def in_call(number: int, change: Callable[..., Any]) -> Run:
    """Return an implementation whose outputs are changed in the call with this number; call 1 is the single call."""
    calls = []

    def run(inputs: Golden) -> Any:
        calls.append(inputs)
        outputs = right(inputs)
        return change(*outputs) if len(calls) == number else outputs

    return run


def message_of(golden_id: str, pattern: str, run: Run, dtype: str = "float32") -> str:
    """Return the message of a failed call pattern, and check that the single call is right."""
    once, verdict = load(golden_id, dtype).compare_calls(run, pattern)
    assert once.passed
    assert not verdict.passed
    return verdict.message


@pytest.mark.parametrize(
    ("call", "change", "text"),
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
def test_wrong_outputs_of_one_part_of_a_sequence_are_reported(call: int, change: Callable[..., Any], text: str) -> None:
    begin = "steps 0 to 1 and then the rest, with the state carried over, give other outputs than a single call"
    message = message_of("lstm/with-state", "chunks", in_call(call, change))
    assert message.startswith(f"lstm/with-state in float32: {begin}: {text}")


def test_an_implementation_may_reuse_its_output_memory() -> None:
    memory: dict[Any, Any] = {}

    def run(inputs: Golden) -> Any:
        outputs = right(inputs)
        for index, output in enumerate(outputs):
            buffer = memory.setdefault((index, output.shape), output)
            buffer[...] = output
        return tuple(memory[index, output.shape] for index, output in enumerate(outputs))

    load("lstm/with-state").check_calls(run, "chunks")


def test_integer_outputs_of_a_part_count_as_exact() -> None:
    golden = load("exact/with-state")
    integers = in_call(2, lambda out, h_n: (out.astype(np.int64), h_n.astype(int)))
    golden.check_calls(integers, "chunks")
    half = in_call(3, lambda out, h_n: (out.astype(np.float16), h_n))
    assert "out is float16: less precise" in message_of("exact/with-state", "chunks", half)


def test_the_feature_state_and_the_lengths_are_set_for_each_part() -> None:
    parts: list[Any] = []

    def run(inputs: Golden) -> Any:
        parts.append(
            (inputs.x.shape, "state" in inputs.features, () if inputs.lengths is None else inputs.lengths.tolist())
        )
        return right(inputs)

    golden = load("gru/lengths-no-state")  # lengths 3, 1, 4: a sequence of one step is in neither part
    golden.check_calls(run, "chunks")
    assert [shape for shape, *_ in parts] == [(3, 4, 4), (2, 1, 4), (2, 3, 4)]
    assert [state for _, state, _ in parts] == [False, False, True]
    assert [lengths for *_, lengths in parts] == [[3, 1, 4], [1, 1], [2, 3]]


def test_rows_run_one_by_one_until_one_is_wrong() -> None:
    parts: list[Any] = []

    def run(inputs: Golden) -> Any:
        parts.append((inputs.x.shape, None if inputs.lengths is None else inputs.lengths.tolist()))
        outputs = right(inputs)
        return tuple(output + 1 for output in outputs) if len(parts) == 3 else outputs

    message = message_of("lstm/lengths", "rows", run)
    assert message.startswith("lstm/lengths in float32: row 1 alone differs from the same row in the batch: out is")
    assert parts == [((3, 4, 4), [2, 4, 1]), ((1, 4, 4), [2]), ((1, 4, 4), [4])]


@pytest.mark.parametrize(
    ("sizes", "of_a_row"), [({"hidden_size": 16, "batch": 4}, "hidden_size=16"), ({"batch": 4}, ""), ({}, "")]
)
def test_a_row_has_the_larger_sizes_other_than_the_batch(sizes: dict[str, int], of_a_row: str) -> None:
    seen: list[Any] = []

    def run(inputs: Golden) -> Any:
        seen.append(inputs.embedding)
        outputs = right(inputs)
        return tuple(output + 1 for output in outputs) if len(seen) == 3 else outputs

    golden = load("lstm/plain").embedded(**sizes)
    *_, verdict = golden.compare_calls(run, "rows")
    where = f" with {of_a_row}" if of_a_row else ""
    assert verdict.message.startswith(f"lstm/plain in float32{where}: row 1 alone differs")
    assert [str(embedding or "") for embedding in seen] == [str(golden.embedding or ""), of_a_row, of_a_row]
    assert all(embedding is None or embedding.original is None for embedding in seen)


def test_the_own_elements_of_rows_are_those_of_the_golden() -> None:
    golden = load("lstm/plain").embedded(hidden_size=16, batch=5)
    own = original(golden)
    assert golden.embedding is not None
    source = golden.embedding.axes["batch"].source
    for index in range(5):
        row = of_rows(golden, np.array([index]))
        found, expected = gathered(row, row.expected), own.expected
        np.testing.assert_array_equal(found["out"], expected["out"][source[index]][None])
        np.testing.assert_array_equal(original(row).expected["out"], found["out"])


def test_the_largest_error_of_rows_is_the_maximum_over_the_rows() -> None:
    golden = load("gru/plain", "float64")
    allowed = golden.tolerance.allowed("out", golden.stored.out, PRECISIONS["float64"])
    largest = []
    for row in (0, 1):
        moved = golden.stored.out + 0.8 * allowed * (np.arange(2) == row)[:, None, None]

        def run(inputs: Golden, moved: Any = moved) -> Any:
            out, h_n = right(inputs)
            alone = len(inputs.x) == 1
            of = int(np.array_equal(inputs.x[0], golden.x[1]))
            return (moved[of : of + 1] if alone else out), h_n

        _, verdict = golden.compare_calls(run, "rows")
        assert verdict.passed
        largest.append(verdict.largest_error)
    assert all(0.75 < error < 0.85 for error in largest)


@pytest.mark.parametrize("golden_id", ["exact/with-state", "gru/with-state"])
def test_each_row_is_checked_against_the_tolerance_of_this_row(golden_id: str) -> None:
    golden = load(golden_id)
    golden.check_calls(right, "rows")
    changed = in_call(4, lambda out, *states: (out, *(state + 1e-3 for state in states)))
    assert "row 2 alone differs from the same row in the batch: h_n is first" in message_of(golden_id, "rows", changed)


def test_a_refused_or_inapplicable_pattern_is_skipped_and_later_ones_run() -> None:
    def run(inputs: Golden) -> Any:
        if len(inputs.x) == 1:
            raise Unsupported("no single rows")
        return right(inputs)

    names = [name for name, _ in load("gru/plain").compared(run, ["rows", "chunks", "twice"])]
    assert names == ["once", "chunks", "twice"]
    names = [name for name, _ in load("gru/bidirectional").compared(right, ["chunks", "twice"])]
    assert names == ["once", "twice"]


def test_an_error_in_a_later_call_names_the_call_pattern() -> None:
    def raises(*_: Any) -> Any:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory") as caught:
        load("gru/plain").check_calls(in_call(2, raises), "twice")
    note = "in calls=twice, the same call once more: no state remains from the first call; a single call was right"
    assert caught.value.__notes__ == [note]
    with pytest.raises(RuntimeError) as caught:
        load("gru/plain").check_calls(in_call(1, raises), "twice")
    assert not hasattr(caught.value, "__notes__")


def test_the_expected_arrays_themselves_are_refused_in_every_call() -> None:
    golden = load("gru/plain")
    with pytest.raises(WrongUse, match="the golden's own out"):
        golden.check_calls(in_call(2, lambda _, h_n: (golden.out, h_n)), "twice")


def test_a_view_has_a_nan_between_any_two_elements() -> None:
    calls: list[Any] = []

    def run(inputs: Golden) -> Any:
        calls.append(inputs)
        return right(inputs)

    load("lstm/with-state").check_calls(run, "views")
    once, views = calls
    for array, view in (
        *((getattr(once, name), getattr(views, name)) for name in ("x", "h0", "c0")),
        *((array, views.weights[name]) for name, array in once.weights.items()),
    ):
        assert np.array_equal(array, view)
        assert view.strides[-1] == 2 * view.itemsize
        assert not view.flags.writeable
        wide = np.lib.stride_tricks.as_strided(view, (view.size * 2,), (view.itemsize,))
        assert np.isnan(wide[1::2]).all()


def test_a_view_of_integers_has_the_largest_integer_between_any_two_elements() -> None:
    golden = load("lstm-int8-tflm/plain")
    between: list[Any] = []

    def run(inputs: Golden) -> Any:
        between.append([inputs.x.base, inputs.weights["b_i"].base])
        return tuple(array.copy() for array in golden.expected.values())

    golden.check_calls(run, "views")
    for wide in between[1]:
        assert (wide[..., 1::2] == np.iinfo(wide.dtype).max).all()


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"time": 8}, [((2, 4, 3), None), ((2, 4, 3), None)]),
        ({"time": 7}, [((2, 3, 3), None), ((2, 4, 3), None)]),
        ({"time": 2}, [((2, 1, 3), None), ((2, 1, 3), None)]),
        ({"time": 8, "batch": ()}, [((4, 3), None), ((4, 3), None)]),
        ({"time": 7, "lengths": [5, 4]}, [((2, 2, 3), [2, 2]), ((2, 5, 3), [3, 2])]),
        ({"time": 9, "batch": (3,), "lengths": [9, 2, 1]}, [((2, 1, 3), [1, 1]), ((2, 8, 3), [8, 1])]),
    ],
)
def test_sequences_are_first_split_in_the_middle_of_the_shortest_sequence_with_at_least_two_steps(
    make_golden: MakeGolden, options: dict[str, Any], parts: list[Any]
) -> None:
    golden, calls = make_golden("gru", **options), []

    def run(part: Any) -> Any:
        calls.append((part.stored.x.shape, None if part.lengths is None else part.lengths.tolist()))
        return right(part)

    assert CALL_PATTERNS["chunks"].applies(golden)
    results = next(CALL_PATTERNS["chunks"].of(run, golden))
    assert calls == parts
    assert results.meaning.startswith(f"steps 0 to {parts[0][0][-2] - 1} and then the rest, ")


def test_an_extra_state_of_the_first_part_is_reported() -> None:
    message = message_of("gru/plain", "chunks", in_call(2, lambda out, h_n: (out, h_n, h_n)))
    assert "c_n: was given, but a golden for gru has no c_n" in message
