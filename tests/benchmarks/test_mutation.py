"""What becomes of an edited network, and that a run which is stopped goes on where it was."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import page_check
from benchmarks.mutation import asking, report, running
from benchmarks.mutation.__main__ import replaced_section
from benchmarks.mutation.asking import asked
from benchmarks.mutation.drawn_questions import ASKED_IN, question
from benchmarks.mutation.judging import Judge, Outcome
from benchmarks.mutation.recorded import Recorded
from benchmarks.mutation.running import CutShort, Mutant, judged
from benchmarks.mutation.sources import Source, source
from rnn_goldens import load
from rnn_goldens.judging.verdict import compare

A_HANDFUL = ("documented/mini-batch", "rnn-tanh/one-step", "lstm/lengths", "gru/plain", "exact/three-layers")
PYTHONS = ("NumPy", "plain Python")
FORGET = "sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)"


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge([load("lstm/lengths"), load("gru/plain")])


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """As in the processes that judge."""
    with np.errstate(all="ignore"):
        yield


def numpy_with(before: str, after: str) -> dict[str, str]:
    ((name, text),) = source("NumPy").files.items()
    assert before in text
    return {name: text.replace(before, after)}


def judged_with(judge: Judge, before: str, after: str) -> Outcome:
    return judge.judge("NumPy", numpy_with(before, after), source("NumPy").files)


@pytest.mark.parametrize("language", PYTHONS)
@pytest.mark.parametrize("golden_id", A_HANDFUL)
def test_an_unedited_network_is_right(language: str, golden_id: str) -> None:
    for precision in ASKED_IN:
        golden = load(golden_id, dtype=precision)
        with asked(language, source(language).files) as ask:
            assert compare(golden, *ask(golden)).passed


def test_a_wrong_edit_is_killed_by_the_core_set_in_both_precisions(judge: Judge) -> None:
    outcome = judged_with(judge, FORGET, FORGET.replace("sigmoid(f)", "sigmoid(i)"))
    assert set(outcome.by_core) == set(outcome.by_corpus) == set(ASKED_IN)
    assert outcome.by_core["float32"].endswith(": values")
    assert outcome.runs


def test_an_edit_that_changes_no_number_is_equivalent(judge: Judge) -> None:
    outcome = judged_with(judge, "x_z + h_z", "h_z + x_z")
    assert not outcome.by_corpus
    assert not outcome.by_drawn
    assert outcome.apart == 0


def test_an_edit_that_only_rounds_otherwise_is_equivalent_but_for_that(judge: Judge) -> None:
    outcome = judged_with(judge, "(1 - z) * n + z * state[0]", "n + z * (state[0] - n)")
    assert not outcome.by_corpus
    assert not outcome.by_drawn
    assert 0 < outcome.apart < 0.5


def test_an_edit_that_only_a_drawn_question_rejects_survives(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "core", [golden for golden in judge.core if golden.cell != "lstm"])
    monkeypatch.setattr(judge, "others", [])
    outcome = judged_with(judge, FORGET, FORGET.replace("sigmoid(f)", "sigmoid(i)"))
    assert not outcome.by_corpus
    assert set(outcome.by_drawn) == set(ASKED_IN)
    assert outcome.by_drawn["float32"].startswith("lstm/lengths: values, x ")


def test_an_edit_that_raises_at_once_does_not_run(judge: Judge) -> None:
    outcome = judged_with(judge, FORGET, FORGET.replace("np.tanh", "np.nothing"))
    assert not outcome.runs
    assert set(outcome.by_corpus) == set(ASKED_IN)


def test_a_wrong_shape_is_one(judge: Judge) -> None:
    outcome = judged_with(judge, "np.stack(parts)", "np.concatenate(parts)")
    assert {killer.partition(": ")[2] for killer in outcome.by_corpus.values()} == {"shape"}


def test_an_endless_loop_is_ended(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "SECONDS", 0.05)
    outcome = judged_with(judge, "outs = []", "outs = []\n        while True:\n            pass")
    assert {killer.partition(": ")[2] for killer in outcome.by_corpus.values()} == {"time"}


def test_a_question_is_drawn_the_same_again_in_both_precisions() -> None:
    one, again = question(("gru", 1)), question(("gru", 1))
    assert one.precisions == ASKED_IN
    assert np.array_equal(one.stored.out, again.stored.out)
    assert one.id == "drawn/gru-1"


class InThisProcess:
    """A pool without processes."""

    def __init__(self, *_: object, initargs: tuple[object, ...], **__: object) -> None:
        assert initargs == ([],)

    def map(self, function: Callable[[Any], Any], items: Iterable[Any], **_: object) -> Iterator[Any]:
        return map(function, items)

    def shutdown(self, **_: object) -> None:
        pass


class Stopped:
    """Progress that counts, and is interrupted."""

    def __init__(self, after: int) -> None:
        self.left, self.done = after, 0

    def __call__(self, items: Iterable[Any], *_: object) -> Iterator[Any]:
        for item in items:
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            self.done += 1
            yield item


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Source:
    """A source of which everything is right."""

    class Right:
        def judge(self, *_: object) -> Outcome:
            return Outcome()

    monkeypatch.setattr(running, "ProcessPoolExecutor", InThisProcess)
    monkeypatch.setattr(running, "questions", lambda *_: [])
    monkeypatch.setattr(running, "_judges", [Right()])
    whole = source("NumPy")
    return Source("NumPy", whole.files, whole.words, whole.find, lambda texts: [True] * len(texts))


def test_a_run_that_is_stopped_says_how_far_it_came_and_goes_on(plain: Source, tmp_path: Path) -> None:
    with pytest.raises(CutShort, match=r"^4 of 11 edits judged; run it again to go on$"):
        judged(plain, range(10), 1, Stopped(4), tmp_path)
    rest = Stopped(-1)
    found = judged(plain, range(10), 1, rest, tmp_path)
    assert (rest.done, len(found)) == (7, 11)
    again = Stopped(0)
    assert judged(plain, range(10), 1, again, tmp_path) == found


def test_what_was_judged_of_another_source_is_judged_again(plain: Source, tmp_path: Path) -> None:
    judged(plain, range(3), 1, Stopped(-1), tmp_path)
    changed = numpy_with("e^-z", "exp(-z)")
    other, again = Source("NumPy", changed, plain.words, plain.find, plain.valid), Stopped(-1)
    judged(other, range(3), 1, again, tmp_path)
    assert again.done == 4


def test_a_line_that_was_being_written_is_judged_again(tmp_path: Path) -> None:
    path = tmp_path / "NumPy.jsonl"
    Recorded(path).add("a", Outcome(by_core={"float64": "gru/plain: values"}))
    with path.open("a") as file:
        file.write('{"key": "b", "by_c')
    known = Recorded(path)
    assert known.outcomes == {"a": Outcome(by_core={"float64": "gru/plain: values"})}
    known.add("b", Outcome())
    assert set(Recorded(path).outcomes) == {"a", "b"}


def test_a_line_with_other_fields_is_judged_again(tmp_path: Path) -> None:
    path = tmp_path / "NumPy.jsonl"
    path.write_text('{"key": "a", "by_corpus": {}}\n', "utf-8")
    assert Recorded(path).outcomes == {}


def mutants(*outcomes: Outcome) -> list[Mutant]:
    of = source("NumPy")
    texts = [numpy_with("x_r + h_r", f"x_r + h_r + {seed}") for seed in range(len(outcomes))]
    return [Mutant("NumPy", seed, (), texts[seed], of.files, outcome) for seed, outcome in enumerate(outcomes)]


BOTH = dict.fromkeys(ASKED_IN, "gru/plain: values")
FOUND = {
    "NumPy": mutants(
        Outcome(BOTH, BOTH),
        Outcome({}, BOTH),
        Outcome({}, {}, BOTH),
        Outcome(BOTH, BOTH, runs=False),
        Outcome(),
        Outcome(apart=0.25),
        Outcome({"float64": "a: values"}, {"float64": "a: values"}),
    )
}


def test_the_page_counts() -> None:
    row = page_check.rows(report.page_of(FOUND, 7, 2))["By language: NumPy"]
    assert row == {
        "seeds": "7",
        "edits": "7",
        "do not run": "1",
        "equivalent": "2",
        "but for rounding": "1",
        "not equivalent": "4",
        "float64": "3",
        "float32": "2",
        "survivors": "1",
        "core survivors": "2",
    }
    assert set(row) == set(report.COLUMNS)


def test_the_page_shows_what_survives_and_the_other_what_is_equivalent() -> None:
    whole = report.page_of(FOUND, 7, 2)
    assert "+    r = sigmoid(x_r + h_r + 2)" in whole
    assert "+    r = sigmoid(x_r + h_r + 1)" in whole.partition("Survivors of the core set")[2]
    other = report.equivalent_page(FOUND)
    assert [seed for seed in range(7) if f"h_r + {seed})" in other] == [4, 5, 6]
    assert "but for rounding, 0.25 of the tolerance at most" in other


def test_the_first_seeds_are_checked_alone() -> None:
    whole, part = report.page_of(FOUND, 7, 2), report.share(FOUND, 2)
    assert replaced_section(whole, part) == whole
    changed = replaced_section(whole, part.replace(" 2 |", " 3 |"))
    assert next(iter(page_check.moved(whole, changed, report.COLUMNS))).startswith("The first 2 seeds: NumPy: ")
