"""The runners of ``examples/serving`` pass all call patterns and compute no step twice; each bug put in is named."""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from examples.compilation import EXAMPLES

from rnn_goldens import Golden
from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.comparison.call_patterns import CALL_PATTERNS
from rnn_goldens.comparison.verdict import Verdict
from rnn_goldens.corpus import open_corpus
from rnn_goldens.golden.features import KERNEL_SIZE
from rnn_goldens.implementations import adapt

CORPUS = open_corpus()
SERVING = EXAMPLES / "serving"
PAGED, STATEFUL = (SERVING / name for name in ("paged.py", "stateful_lstm.py"))
SERVED = ("pool", "mixed", "drafts", "snapshots", "padding", "empty")
IN_PARTS = ("chunks", "steps")
ONE, PACKED, ZERO, LONG = (
    f"gated-delta/{name}" for name in ("several-steps", "packed", "packed-from-zero", "twenty-steps")
)


def load(golden_id: str) -> Golden:
    return CORPUS.load(golden_id, "float32")


def module(path: Any, *changes: tuple[str, str]) -> ModuleType:
    """Return an example as a module, with pieces of its source replaced, each of which occurs once."""
    source = path.read_text("utf-8")
    for right, wrong in changes:
        assert source.count(right) == 1, right
        source = source.replace(right, wrong)
    found = ModuleType(path.stem)
    exec(compile(source, str(path), "exec"), vars(found))
    return found


def compared(run: Any, golden: Golden, patterns: tuple[str, ...]) -> dict[str, Verdict]:
    return dict(golden.compared(adapt(run), patterns))


def failures(run: Any, golden: Golden, patterns: tuple[str, ...]) -> list[str]:
    return [verdict.message for verdict in compared(run, golden, patterns).values() if not verdict.passed]


def goldens(cell: str, *, without: tuple[str, ...] = (KERNEL_SIZE,)) -> Iterator[Golden]:
    for entry in CORPUS.select(cell=cell):
        if "float32" in entry.precisions and not {*without} & {*entry.features}:
            yield load(entry.id)


# The paged runner.


def test_the_paged_runner_has_at_most_60_lines() -> None:
    assert len(PAGED.read_text("utf-8").splitlines()) <= 60


@pytest.mark.parametrize("golden_id", [ONE, PACKED, ZERO])
def test_the_paged_runner_passes_all_call_patterns(golden_id: str) -> None:
    golden = load(golden_id)
    found = compared(module(PAGED).run, golden, (*SERVED, *IN_PARTS, "twice"))
    assert [verdict.message for verdict in found.values() if not verdict.passed] == []
    assert [name for name in SERVED if name not in found] == []


@pytest.mark.slow
def test_the_paged_runner_passes_all_call_patterns_of_all_goldens() -> None:
    run = module(PAGED).run
    for golden in goldens("gated_delta"):
        found = compared(run, golden, tuple(CALL_PATTERNS))
        assert [verdict.message for verdict in found.values() if not verdict.passed] == []
        assert {*SERVED} <= found.keys()


@pytest.mark.parametrize("golden_id", [ONE, PACKED, ZERO, LONG])
@pytest.mark.parametrize("pattern", [None, *SERVED, *IN_PARTS])
def test_the_paged_runner_computes_each_step_that_calls_ask_for_once(golden_id: str, pattern: str | None) -> None:
    paged, golden, asked, computed = module(PAGED), load(golden_id), [0], [0]
    right, run = paged.step, adapt(paged.run)

    def step(*arrays: Any) -> Any:
        computed[0] += 1
        return right(*arrays)

    vars(paged)["step"] = step

    def counted(inputs: Inputs) -> Any:
        asked[0] += steps_of(inputs)
        return run(inputs)

    if pattern is None:
        counted(golden)
        assert asked[0] == len(golden.inputs["q"]) * golden.time
    elif CALL_PATTERNS[pattern].applies(golden):
        list(CALL_PATTERNS[pattern].of(counted, golden))
    assert computed == asked


def steps_of(inputs: Inputs) -> int:
    """Return the number of steps of rows that are no padding."""
    if inputs.call.mask is not None:
        return int(inputs.call.mask.sum())
    count = inputs.time * (1 if inputs.offsets is not None else inputs.sequences)
    places = inputs.call.state_indices
    if places is None:
        return count
    counts = np.full(len(places), inputs.time) if inputs.offsets is None else np.diff(inputs.offsets)
    return int(counts[places.reshape(len(places), -1)[:, 0] >= 0].sum())


Change = tuple[str, str]
READ, WRITTEN = "pool[places[accepted - 1]]", "pool[places[count - 1]] = S"
ACCEPTED = "accepted = 1 if num_accepted_tokens is None else num_accepted_tokens[number]"
LAST = "        if num_accepted_tokens is None:\n            pool[places[0]] = S"
UPDATES = "            if mask is None or mask.reshape(-1)[token]:"
STARTS = "S = np.zeros_like(pool[0]) if begins else"
HAS_STATE = "begins = has_initial_state is not None and not has_initial_state[number]"
PLACES = "np.atleast_1d(state_indices[number])"

PAGED_BUGS: dict[str, tuple[str, str, list[Change]]] = {
    "snapshots_on_grid_of_all_sequences": ("snapshots", PACKED, [("count % snap", "(token + 1) % snap")]),
    "rejected_drafts_kept": ("drafts", ZERO, [(WRITTEN, "pool[places[0]] = S"), (READ, "pool[places[0]]")]),
    "accepted_drafts_ignored": ("drafts", LONG, [(ACCEPTED, "accepted = 1")]),
    "accepted_drafts_ignored_without_drafts": (
        "drafts",
        ZERO,
        [(ACCEPTED, ACCEPTED.replace("is None else", "is None or end - begin == 1 else"))],
    ),
    "one_accepted_draft_too_many": ("drafts", ZERO, [(READ, "pool[places[min(accepted, len(places) - 1)]]")]),
    "one_accepted_draft_too_few": ("drafts", LONG, [(READ, "pool[places[max(accepted - 2, 0)]]")]),
    "accepted_drafts_of_first_row_for_all": ("drafts", ZERO, [("tokens[number]", "tokens[0]")]),
    "states_of_drafts_one_step_early": (
        "drafts",
        ZERO,
        [(UPDATES, f"            before = S\n{UPDATES}"), (WRITTEN, "pool[places[count - 1]] = before")],
    ),
    "place_of_padding_is_last": ("pool", ZERO, [("if places[0] < 0:", "if False:")]),
    "place_of_padding_is_first": ("pool", ZERO, [(PLACES, "np.atleast_1d(np.maximum(state_indices[number], 0))")]),
    "last_state_of_empty_sequence_zero": ("empty", PACKED, [(LAST, f"{LAST} if end > begin else 0")]),
    "last_state_of_empty_sequence_is_that_before": (
        "empty",
        ZERO,
        [(STARTS, "S = S if end == begin and number else np.zeros_like(pool[0]) if begins else")],
    ),
    "padding_reaches_state": ("padding", ZERO, [(UPDATES, "            if True:")]),
    "mask_of_first_row_for_all": ("padding", ZERO, [("mask.reshape(-1)[token]", "mask[0, token % time]")]),
    "state_ignored_by_several_steps": ("mixed", ZERO, [("if begins else", "if begins or end - begin > 1 else")]),
    "state_of_row_that_begins_with_one_step_not_zero": (
        "mixed",
        ZERO,
        [(HAS_STATE, f"{HAS_STATE} and end - begin > 1")],
    ),
    "state_of_row_that_begins_not_zero": ("mixed", ZERO, [(HAS_STATE, "begins = False")]),
    "places_are_rows": ("pool", ZERO, [(f"[number] if state_indices is None else {PLACES}", "[number]")]),
    "state_of_one_step_not_written": ("pool", ZERO, [(LAST, LAST.replace("None:", "None and end - begin > 1:"))]),
}


@pytest.mark.parametrize("name", PAGED_BUGS)
def test_each_bug_put_into_the_paged_runner_is_named(name: str) -> None:
    pattern, golden_id, changes = PAGED_BUGS[name]
    (message,) = failures(module(PAGED, *changes).run, load(golden_id), (pattern,))
    assert message.startswith(f"{golden_id} in float32, like {name}: ")


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGED_BUGS)
def test_each_bug_put_into_the_paged_runner_is_among_the_causes_on_every_golden(name: str) -> None:
    pattern, _, changes = PAGED_BUGS[name]
    run = module(PAGED, *changes).run
    for golden in goldens("gated_delta", without=(KERNEL_SIZE, "long")):
        try:
            found = compared(run, golden, (pattern,))
        except TypeError as error:  # a grid over all sequences may have another number of snapshots
            assert pattern in str(error)
            continue
        if found["once"].passed:
            wrong = [verdict for verdict in found.values() if not verdict.passed]
            assert [verdict.message for verdict in wrong if name not in verdict.explained_by] == []


# The stateful LSTM.


@pytest.fixture
def stateful() -> Callable[..., Any]:
    """A function that returns the class of the stateful LSTM, with pieces of its source replaced."""
    pytest.importorskip("torch", reason="the example is in torch")
    return lambda *changes: module(STATEFUL, *changes).StatefulLSTM


PLAIN, FIVE_STEPS = "lstm/plain", "lstm/hidden-17-batch-17-no-state"


@pytest.mark.parametrize("golden_id", [PLAIN, FIVE_STEPS, "lstm/with-state", "lstm/two-layers"])
def test_the_stateful_lstm_passes_all_call_patterns(stateful: Callable[..., Any], golden_id: str) -> None:
    found = compared(stateful(), load(golden_id), ("twice", "stateful", *IN_PARTS))
    assert [verdict.message for verdict in found.values() if not verdict.passed] == []
    assert {*IN_PARTS, "stateful"} <= found.keys()


@pytest.mark.slow
def test_the_stateful_lstm_passes_all_call_patterns_of_all_goldens(stateful: Callable[..., Any]) -> None:
    for golden in goldens("lstm", without=(KERNEL_SIZE, "bidirectional", "lengths")):
        assert failures(stateful(), golden, ("twice", "stateful", *IN_PARTS)) == []


def test_the_stateful_lstm_runs_each_step_that_calls_ask_for_once(
    stateful: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    computed, asked = list[int](), list[int]()
    forward = torch.nn.LSTM.forward

    def counted(layer: Any, x: Any, *states: Any) -> Any:
        computed.append(x.shape[1])
        return forward(layer, x, *states)

    monkeypatch.setattr(torch.nn.LSTM, "forward", counted)
    run = adapt(stateful())

    def asking(inputs: Inputs) -> Any:
        asked.append(inputs.time)
        return run(inputs)

    list(CALL_PATTERNS["stateful"].of(asking, load(FIVE_STEPS)))
    assert computed == asked == [2, 2, 1, 5]


RUNS = "        with torch.no_grad():"
STATEFUL_BUGS: dict[str, tuple[str, str, list[Change]]] = {
    "kept_state_ignored": (
        "stateful",
        "lstm/with-state",
        [(RUNS, f"        else:\n            self.states = None\n{RUNS}")],
    ),
    "kept_state_ignored_by_several_steps": (
        "stateful",
        "lstm/with-state",
        [(RUNS, f"        elif golden.x.shape[1] > 1:\n            self.states = None\n{RUNS}")],
    ),
    "state_not_reset": ("stateful", PLAIN, [("        self.states = None\n", "        pass\n")]),
    "c_of_call_before_ignored": (
        "stateful",
        PLAIN,
        [
            (
                "        return out, self.states",
                "        h, c = self.states\n        self.states = h, torch.zeros_like(c)\n        return out, (h, c)",
            )
        ],
    ),
}


@pytest.mark.parametrize("name", STATEFUL_BUGS)
def test_each_bug_put_into_the_stateful_lstm_is_named(stateful: Callable[..., Any], name: str) -> None:
    pattern, golden_id, changes = STATEFUL_BUGS[name]
    (message,) = failures(stateful(*changes), load(golden_id), (pattern,))
    assert message.startswith(f"{golden_id} in float32, like {name}: ")
