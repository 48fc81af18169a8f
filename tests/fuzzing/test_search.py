"""A search ends with the smallest golden that fails, whatever an implementation does instead of being right."""

import time
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnn_goldens import Golden, Unsupported
from rnn_goldens.cells import Network, case_of
from rnn_goldens.checkable.golden import Question
from rnn_goldens.deviations import deviation
from rnn_goldens.errors import WrongUse
from rnn_goldens.fuzzing.bounds import Bounds, Sizes, bounds
from rnn_goldens.fuzzing.causes import causes
from rnn_goldens.fuzzing.few import FEW, Place
from rnn_goldens.fuzzing.judged import size
from rnn_goldens.fuzzing.search import INTERRUPTED, TIME, Limits, Search, draw_here, search
from rnn_goldens.fuzzing.told import told
from rnn_goldens.generator.pool import in_order

Run = Callable[[Question], Any]


@pytest.fixture
def lstm() -> Bounds:
    return bounds("lstm", Sizes(), (), (), "float32")


@pytest.fixture
def small() -> Bounds:
    return bounds("lstm", Sizes(1, 3, 2, 3, 3), (), (), "float32")


def right(question: Question) -> tuple[Any, ...]:
    return Network().run(case_of(question, np.float64))


def wrong(question: Question) -> tuple[Any, ...]:
    return deviation("lstm_gates_iofg").run(case_of(question, np.float64))


def late(question: Question) -> tuple[Any, ...]:
    """Wrong where all is as large as it gets, which is seldom drawn."""
    return (wrong if question.x.shape == (2, 3, 3) and question.config.hidden_size == 3 else right)(question)


def asked(found: Search) -> list[str]:
    return [judged.golden.id for judged in (*found.lately, *found.failed)]


def interrupt(found: Search) -> None:
    if len(found.failed) == 3:
        raise KeyboardInterrupt


@pytest.mark.parametrize("seed", range(2))
def test_a_wrong_gate_order_ends_in_one_unit_and_one_step(lstm: Bounds, seed: int) -> None:
    found = search(wrong, lstm, Limits(100), seed)
    assert found.smallest is not None
    assert size(found.smallest.golden)[:5] == (1, 1, 1, 1, 1)


def test_the_cause_is_named_though_the_smallest_has_many(lstm: Bounds) -> None:
    said = "\n".join(causes(search(wrong, lstm, Limits(100), 0).failed))
    assert "One deviation explains every one, and no other does:\n  lstm_gates_iofg" in said


def test_the_same_seed_asks_the_same_and_finds_the_same(lstm: Bounds) -> None:
    first, second, other = (search(wrong, lstm, Limits(100), seed) for seed in (3, 3, 4))
    assert asked(first) == asked(second)
    assert asked(first) != asked(other)


def test_what_is_right_is_asked_so_many_goldens_that_differ(lstm: Bounds) -> None:
    found = search(right, lstm, Limits(25), 0)
    assert not found.failed
    assert found.asked == len(set(asked(found))) == 25


def test_a_crash_is_found_and_made_small(lstm: Bounds) -> None:
    def crashes(question: Question) -> tuple[Any, ...]:
        if question.config.bidirectional:
            raise IndexError("two directions")
        return right(question)

    found = search(crashes, lstm, Limits(100), 0)
    assert found.smallest is not None
    assert isinstance(found.smallest.crash, IndexError)
    assert size(found.smallest.golden)[:5] == (2, 1, 1, 1, 1)


def test_what_does_not_end_is_found_and_said_where(lstm: Bounds, tmp_path: Path) -> None:
    def loops(question: Question) -> tuple[Any, ...]:
        while question is not None:
            time.sleep(60)
        return ()

    found = search(loops, lstm, Limits(100, seconds=1, each=0.5), 0)
    assert found.smallest is not None
    said = "\n".join(told(found, "mine:loops", tmp_path / "found", 0))
    assert "mine:loops gave no outputs within 0.5 s" in said
    assert "time.sleep(60)" in said


def test_what_writes_into_its_inputs_is_found_though_its_outputs_are_right(small: Bounds, tmp_path: Path) -> None:
    def writes(question: Question) -> tuple[Any, ...]:
        outputs = right(question)
        question.stored.x.setflags(write=True)
        question.stored.x[...] = 7
        return outputs

    found = search(writes, small, Limits(10), 0)
    assert found.smallest is not None
    said = f"{found.smallest.golden.id} in float32: mine:writes wrote into x: inputs and weights are its caller's"
    assert said in "\n".join(told(found, "mine:writes", tmp_path / "found", 0))


def crashing(_: Question) -> tuple[Any, ...]:
    raise IndexError("always")


@pytest.mark.parametrize("run", [wrong, crashing])
def test_the_command_that_shows_a_golden_is_told_only_where_it_is_kept(run: Run, lstm: Bounds, tmp_path: Path) -> None:
    found = search(run, lstm, Limits(10), 0)
    show = f"rnn-goldens show {found.smallest.golden.id}" if found.smallest else ""
    folder = tmp_path / "with blanks"
    assert f"{show} --corpus '{folder}'" in "\n".join(told(found, "mine:wrong", folder, 0))
    (tmp_path / "file").write_text("mine", "utf-8")
    said = "\n".join(told(found, "mine:wrong", tmp_path / "file", 0))
    assert show not in said
    assert f"not kept: {tmp_path / 'file'} is a file" in said


def test_what_is_asked_when_the_time_is_over_is_not_waited_for_and_no_finding(lstm: Bounds) -> None:
    def sleeps(_: Question) -> tuple[Any, ...]:
        time.sleep(60)
        return ()

    begin = time.monotonic()
    found = search(sleeps, lstm, Limits(100, seconds=0.5, each=60), 0)
    assert (found.failed, found.asked, found.ended) == ([], 0, TIME)
    assert time.monotonic() - begin < 30


@pytest.mark.parametrize("each", [float("nan"), float("inf"), 1e12])
def test_a_limit_that_is_none_is_an_error(each: float) -> None:
    with pytest.raises(WrongUse, match="seconds for one golden: say a number above 0, and 1,000,000 at most"):
        Limits(10, each=each)


@pytest.mark.parametrize("leave", [SystemExit(0), pytest.skip.Exception("no device")])
def test_leaving_is_no_answer(lstm: Bounds, leave: BaseException) -> None:
    def leaves(_: Question) -> tuple[Any, ...]:
        raise leave

    found = search(leaves, lstm, Limits(20), 0)
    assert found.smallest is not None
    assert found.smallest.crash is leave


def test_what_is_refused_is_counted_by_reason(lstm: Bounds) -> None:
    def refuses(question: Question) -> tuple[Any, ...]:
        if question.config.bidirectional:
            raise Unsupported("one direction only\nand more")
        return right(question)

    found = search(refuses, lstm, Limits(30), 0)
    assert list(found.refused) == ["one direction only"]
    assert found.passed + found.refused["one direction only"] == found.asked == 30


def test_a_search_ends_when_its_time_is_over(lstm: Bounds) -> None:
    begin = time.monotonic()
    found = search(right, lstm, Limits(100_000, seconds=0.5), 0)
    assert found.ended == TIME
    assert time.monotonic() - begin < 10


def test_whoever_draws_the_same_is_found(small: Bounds) -> None:
    alone, elsewhere = (
        search(late, small, Limits(100), 5, drawing=drawing, follow=interrupt)
        for drawing in (draw_here, partial(in_order, ahead=10))
    )
    assert alone.passed > FEW
    assert (elsewhere.passed, asked(elsewhere)) == (alone.passed, asked(alone))
    assert [judged.golden.id for judged in elsewhere.failed] == [judged.golden.id for judged in alone.failed]


def test_what_others_drew_stays_as_it_is_where_it_is_not_drawn_again(small: Bounds) -> None:
    def by_another_version(
        work: Callable[[Place], list[Golden]], todo: list[Place]
    ) -> Generator[list[Golden], None, None]:
        yield from (work(replace(place, seed=place.seed + 1)) for place in todo)

    found = search(late, small, Limits(100), 4, drawing=by_another_version)
    assert found.smallest is not None
    assert len(found.failed) == 1


def test_an_interrupted_search_keeps_what_it_found(lstm: Bounds) -> None:
    found = search(wrong, lstm, Limits(100), 0, follow=interrupt)
    assert (found.ended, len(found.failed)) == (INTERRUPTED, 3)
    assert found.smallest is not None


def test_what_was_found_before_is_asked_first_and_ends_the_search(lstm: Bounds) -> None:
    smallest = search(wrong, lstm, Limits(100), 0).smallest
    assert smallest is not None
    found = search(wrong, lstm, Limits(100), 0, before=[smallest.golden])
    assert (found.found_before, asked(found)) == (True, [smallest.golden.id])


def test_what_was_found_before_and_is_right_now_is_no_example(small: Bounds, tmp_path: Path) -> None:
    alone = search(late, small, Limits(100), 5, follow=interrupt)
    found = search(late, small, Limits(100), 5, before=[alone.lately[0].golden], follow=interrupt)
    assert (found.drawn, found.asked) == (alone.drawn, alone.asked + 1)
    assert f"example {alone.asked} of seed 5 fails" in "\n".join(told(found, "mine:late", tmp_path / "found", 5))


def test_an_implementation_that_does_not_always_give_the_same_is_told_of(lstm: Bounds, tmp_path: Path) -> None:
    given: list[Golden] = []

    def once_wrong(question: Question) -> tuple[Any, ...]:
        given.append(question)  # type: ignore[arg-type]
        return wrong(question) if len(given) == 3 else right(question)

    found = search(once_wrong, lstm, Limits(100), 0)
    assert found.is_flaky
    assert "does not always give the same" in "\n".join(told(found, "mine:run", tmp_path / "found", 0))


def test_wrong_use_of_an_implementation_is_no_finding(lstm: Bounds) -> None:
    def misused(_: Question) -> tuple[Any, ...]:
        raise WrongUse("not like this")

    with pytest.raises(WrongUse, match="not like this"):
        search(misused, lstm, Limits(10), 0)


def test_an_error_of_this_package_that_a_network_raises_later_is_a_crash_like_any_other(small: Bounds) -> None:
    given: list[str] = []

    def wrong_and_misused(question: Question) -> tuple[Any, ...]:
        given.append(question.id)
        if len(given) > 3:
            raise WrongUse("not like this")
        return wrong(question)

    assert search(wrong_and_misused, small, Limits(100), 1).failed
    assert len(given) > 3


def test_what_was_found_before_and_is_refused_is_no_example_either(small: Bounds) -> None:
    def refuses(_: Question) -> tuple[Any, ...]:
        raise Unsupported("no")

    drawn_before = search(right, small, Limits(1), 9).lately[0].golden
    found = search(refuses, small, Limits(5), 1, before=[drawn_before])
    assert (found.drawn, found.asked, found.right_before) == (5, 6, 0)


def test_more_examples_than_a_seed_has_are_an_error() -> None:
    with pytest.raises(WrongUse, match="at most 1,000,000 are of one seed; say another"):
        Limits(10**9)


@pytest.mark.parametrize(("examples", "seconds"), [(0, None), (-3, None), (10, 0.0), (10, -1.0), (10, float("nan"))])
def test_limits_within_which_nothing_would_be_asked_are_an_error(examples: int, seconds: float | None) -> None:
    with pytest.raises(WrongUse, match="say"):
        Limits(examples, seconds)
