"""What explains a whole run: never more than what failed and what passed bear out."""

from collections.abc import Sequence
from dataclasses import replace

from rnn_goldens.diagnosis.as_data import as_data, said_of
from rnn_goldens.diagnosis.asked import Cause, Parts
from rnn_goldens.diagnosis.causes import CONSISTENT, EXPLAINED, NOT_RECOGNISED, About, Diagnosis, Evidence, diagnose
from rnn_goldens.diagnosis.in_common import in_common
from rnn_goldens.diagnosis.summary import summary
from rnn_goldens.pages.causes import causes_of
from rnn_goldens.pages.content import Checked

A, B = ("w_hh_transposed",), ("b_hh_missing",)
BOTH = (A[0], B[0])


def failed(
    golden: str, *causes: Cause, cell: str = "gru", facts: dict[str, bool] | None = None, parts: Parts | None = None
) -> Evidence:
    return Evidence(golden, "float32", cell, explained_by=causes, facts=facts or {}, parts=parts or {})


def passed(golden: str, cell: str = "gru", features: tuple[str, ...] = ()) -> Evidence:
    return Evidence(golden, "float32", cell, features, passed=True)


def diagnosed(*evidence: Evidence, shows: Sequence[tuple[Cause, str]] = ()) -> Diagnosis:
    (found,) = diagnose(evidence, lambda cause, one: (cause, one.golden) in shows)
    return found


def text(*evidence: Evidence, shows: Sequence[tuple[Cause, str]] = ()) -> str:
    return "\n".join(summary(diagnose(evidence, lambda cause, one: (cause, one.golden) in shows)))


def test_what_is_alike_in_one_golden_is_settled_by_the_others() -> None:
    found = diagnosed(failed("g/1", A, B), failed("g/2", A), passed("g/3"))
    assert found.certainty == EXPLAINED
    assert [suspect.cause for suspect in found.suspects] == [A]
    assert found.suspects[0].runner_up == B
    assert found.suspects[0].told_apart_by is not None
    assert found.suspects[0].told_apart_by.golden == "g/2"


def test_what_passed_though_a_cause_would_show_there_speaks_against_it() -> None:
    found = diagnosed(failed("g/1", A, B), passed("g/2"), shows=[(B, "g/2")])
    assert (found.certainty, found.suspects[0].cause) == (EXPLAINED, A)
    assert found.suspects[0].told_apart_by is not None
    assert found.suspects[0].told_apart_by.golden == "g/2"


def test_a_cause_of_all_failures_that_something_contradicts_is_no_more_than_consistent() -> None:
    found = diagnosed(failed("g/1", A), passed("g/2"), shows=[(A, "g/2")])
    assert found.certainty == CONSISTENT
    assert "that would show in g/2 in float32 too" in " ".join(
        text(failed("g/1", A), passed("g/2"), shows=[(A, "g/2")]).split()
    )


def test_a_cause_of_a_third_of_the_failures_is_named_as_that() -> None:
    some = [failed("g/1", A), failed("g/2"), failed("g/3")]
    found = diagnosed(*some)
    assert (found.certainty, [e.golden for e in found.unexplained]) == (CONSISTENT, ["g/2", "g/3"])
    said = " ".join(text(*some).split())
    assert "1 of them is consistent with one deviation; the 2 others are not explained by it:" in said
    assert diagnosed(*some, failed("g/4")).certainty == NOT_RECOGNISED


def test_what_is_not_explained_is_told_from_what_is() -> None:
    explained = [Evidence(f"g/{k}", "float32", "gru", ("bias",), explained_by=(A,)) for k in range(4)]
    rest = [Evidence(f"g/{k}", "float32", "gru", ("bias", "bidirectional")) for k in range(4, 6)]
    said = " ".join(text(*explained, *rest, passed("g/9")).split())
    assert "all 2 that are not explained run in both directions; of those that are, 4 run in one direction" in said
    assert "all that fail" not in said


def test_that_looking_stopped_at_its_limit_is_said() -> None:
    evidence = [failed("g/1"), failed("l/1", cell="lstm")]
    found = diagnose(evidence, lambda *_: False, cut_short={About("", "gru")})
    said = " ".join(" ".join(summary(found)).split())
    assert "not every deviation was compared with what failed, for there are many, in gru; one cell alone gets" in said
    assert "It was not compared with every known deviation; those that were explain nothing." in said
    assert "not every deviation" not in text(*evidence)


def unknown_of(*goldens: str) -> list[Diagnosis]:
    """A failure that A explains, and what was not compared with it."""
    evidence = [failed("g/1", A), passed("g/2"), passed("g/3")]
    return diagnose(evidence, lambda _, one: None if one.golden in goldens else False)


def test_a_cause_that_was_not_compared_with_all_that_passed_is_no_more_than_consistent() -> None:
    (found,) = unknown_of("g/3")
    assert found.certainty == CONSISTENT
    said = " ".join(" ".join(summary([found])).split())
    assert "It is consistent with one deviation: w_hh_transposed" in said
    assert "not compared with 1 golden, which passed" in said
    assert unknown_of()[0].certainty == EXPLAINED


def test_a_failure_that_was_not_compared_with_a_cause_is_not_said_to_be_unexplained_by_it() -> None:
    open_ = replace(failed("g/2"), not_compared_with=(A,))
    found = diagnosed(failed("g/1", A), open_)
    assert found.certainty == CONSISTENT
    said = " ".join(text(failed("g/1", A), open_).split())
    assert "1 of them is consistent with one deviation: w_hh_transposed" in said
    assert "not compared with 1 golden, which fails" in said
    more = " ".join(text(failed("g/1", A), open_, failed("g/3")).split())
    assert "1 of them is consistent with one deviation; 1 other is not explained by it:" in more


def test_that_no_other_deviation_does_is_not_said_where_not_all_were_compared() -> None:
    said = " ".join(summary(diagnose([failed("g/1", A)], lambda *_: False, cut_short={About("", "gru")})))
    assert "One deviation explains it:" in said
    assert "no other does" not in said
    assert "One deviation explains it, and no other does:" in text(failed("g/1", A))


def test_of_two_at_once_it_is_not_said_that_no_others_do() -> None:
    assert "Two deviations at once explain it:" in text(failed("g/1", BOTH))


def test_a_cause_that_explains_one_failure_of_many_is_not_named_as_one_of_several() -> None:
    many = [failed(f"g/{k}", A) for k in range(5)]
    assert diagnosed(*many, failed("g/9", B)).certainty == CONSISTENT
    assert diagnosed(*many, failed("g/8", B), failed("g/9", B)).certainty == EXPLAINED


def test_a_size_that_only_what_fails_has_is_said() -> None:
    def of(steps: int, name: str, *, passes: bool) -> Evidence:
        return Evidence(name, "float32", "gru", passed=passes, sizes={"steps": steps, "rows": 2})

    evidence = [
        of(5, "g/1", passes=False),
        of(9, "g/2", passes=False),
        of(3, "g/3", passes=True),
        of(4, "g/4", passes=True),
    ]
    assert "only goldens of more than 4 time steps fail" in text(*evidence)
    assert "rows" not in text(*evidence)


def test_two_causes_that_together_explain_all_are_both_named() -> None:
    found = diagnosed(failed("g/1", A), failed("g/2", B), failed("g/3", B))
    assert found.certainty == EXPLAINED
    assert [suspect.cause for suspect in found.suspects] == [B, A]
    said = text(failed("g/1", A), failed("g/2", B), failed("g/3", B))
    assert "2 causes explain all of them together:" in said
    assert "2 of them: b_hh_missing: " in said


def test_one_deviation_is_preferred_to_two_at_once() -> None:
    assert diagnosed(failed("g/1", BOTH, A)).suspects[0].cause == A
    assert diagnosed(failed("g/1", BOTH), failed("g/2", A, BOTH)).suspects[0].cause == BOTH


def test_causes_that_nothing_tells_apart_are_all_named() -> None:
    said = text(failed("g/1", A, B))
    assert "gru: 1 of 1 fails. One deviation explains it:" in said
    assert "nothing here tells it from b_hh_missing" in said


def test_what_is_wrong_in_several_cells_for_one_reason_is_said_once() -> None:
    said = text(failed("g/1", A), failed("l/1", A, cell="lstm"))
    assert said.startswith("gru, lstm: 2 of 2 fail. One deviation explains every one, and no other does:")
    assert said.count("w_hh_transposed: ") == 1


def test_where_no_name_fits_what_holds_of_all_failures_is_said_and_what_of_some_is_not() -> None:
    seen = {"only_last_states": True, "first_row_right": True}
    evidence = [
        Evidence("g/1", "float32", "gru", ("multilayer",), facts=seen),
        Evidence("g/2", "float32", "gru", ("multilayer", "bias"), facts={**seen, "first_row_right": False}),
        *(passed(f"g/{k}", features=("bias",) * (k % 2)) for k in range(3, 33)),
    ]
    said = text(*evidence)
    assert "No known deviation explains them" in said
    assert "all that fail have several layers; of those that pass, 30 have one layer" in said
    assert "out is right; the last states are wrong" in said
    assert "first row" not in said
    assert "biases" not in said


def test_few_failures_are_listed_beside_what_they_have_in_common() -> None:
    two = [Evidence(f"g/{k}", "float32", "gru", ("multilayer",)) for k in (1, 2)]
    right = [passed(f"g/{k}") for k in range(3, 33)]
    said = " ".join(text(*two, *right).split())
    assert "all that fail have several layers" in said
    assert "- g/1, g/2 alone fail" in said


def test_a_feature_that_few_goldens_have_in_common_by_chance_is_not_said() -> None:
    few = [Evidence(f"g/{k}", "float32", "gru", ("bias",)) for k in (1, 2)]
    assert "biases" not in text(*few, passed("g/3"), passed("g/4"), passed("g/5", features=("bias",)))


def test_options_that_a_network_does_not_have_are_said_together_and_how_to_leave_them_out() -> None:
    def one(name: str, *features: str) -> Evidence:
        return Evidence(name, "float32", "gru", features)

    right = [passed(f"g/{k}", features=("bias", "state")) for k in (5, 6)]
    failures = [one("g/1", "bias", "multilayer"), one("g/2", "lengths"), one("g/3", "lengths", "multilayer")]
    said = " ".join(text(*failures, *right).split())
    assert "all that fail have several layers or have sequences of several lengths; nothing that passes does" in said
    assert 'to leave them out, without=["multilayer", "lengths"]' in said
    assert "without=" not in text(*failures, one("g/4", "bias"), *right)
    assert "without=" not in text(*failures, *right, passed("g/7", features=("lengths",)))


def test_what_one_failure_looks_like_is_said_to_explain_no_more_than_it_does() -> None:
    said = " ".join(text(failed("g/1", A), *(failed(f"g/{k}") for k in range(2, 6))).split())
    assert "g/1 in float32 looks like w_hh_transposed, which explains 1 of the 5 failures" in said


def test_where_nothing_holds_of_all_failures_the_few_are_named() -> None:
    some = [failed(f"g/{k}") for k in range(6)]
    assert "- every golden fails, the simplest too" in text(*some)
    right = [passed(f"g/{k}") for k in range(6, 10)]
    said = " ".join(text(*some, *right).split())
    assert "- no feature tells what fails from what passes; g/6, g/7, g/8 and 1 more pass" in said
    assert "- g/6 alone passes" in text(*some, right[0])
    assert "- g/0 alone fails" in text(some[0], *right)


def test_what_gives_one_output_of_all_failures_is_said_of_that_output_alone() -> None:
    both = [failed(f"g/{k}", parts={"out": (A, B), "h_n": (A,)}) for k in (1, 2)]
    assert diagnosed(*both).certainty == NOT_RECOGNISED
    assert diagnosed(*both).parts == {"out": (A, B), "h_n": (A,)}
    assert diagnosed(*both, passed("g/3"), shows=[(A, "g/3")]).parts == {"out": (B,)}
    assert diagnosed(*both, failed("g/3")).parts == {}
    said = text(*both)
    assert "out alone is as with one of w_hh_transposed, b_hh_missing" in said
    assert "h_n alone is as with w_hh_transposed: Multiplies by" in said


def test_outputs_that_the_same_deviation_gives_are_named_together() -> None:
    said = text(failed("g/1", parts={"out": (A,), "c_n": (A,)}))
    assert "out and c_n alone are as with w_hh_transposed: " in said


def test_a_page_says_of_the_results_file_what_the_terminal_says() -> None:
    rest = [failed("g/1", facts={"only_out": True}), failed("g/2", facts={"only_out": True})]
    contradicted = [failed("g/3", A), passed("g/4")]
    for evidence, shows in (
        ([*rest, passed("g/4", features=("bias",)), passed("g/5", features=("bias",))], ()),
        ([failed("g/1"), failed("g/2"), passed("g/3")], ()),
        ([failed("g/3", A), failed("g/6", A), *rest], ()),
        (contradicted, [(A, "g/4")]),
    ):
        found = diagnosed(*evidence, shows=shows)
        assert found.certainty != EXPLAINED
        assert said_of(as_data(found)) == in_common([found]).said


WITHOUT = Evidence("own/1", "float32", "cells:own", no_equations="the equations of cells:own are not here: no module")


def test_where_equations_are_wanting_it_is_said_that_nothing_was_compared() -> None:
    said = "It was compared with no deviation: the equations of cells:own are not here: no module."
    shown = " ".join(text(WITHOUT, passed("own/2", cell="cells:own")).split())
    assert f"cells:own: 1 of 2 fails. {said}" in shown
    assert "No known deviation" not in shown
    data = as_data(diagnosed(WITHOUT))
    assert data["no_equations"] == WITHOUT.no_equations
    (cause,) = causes_of(0, Checked("mine", {}, [], [data]))
    assert said in cause.notes


def test_where_out_is_zero_everywhere_it_is_said_that_nothing_was_compared_and_no_cause_is_denied() -> None:
    zero = {"all_zero": True}
    said = "It was compared with no deviation as a whole: out is zero everywhere, as many leave it."
    shown = " ".join(text(failed("g/1", facts=zero), passed("g/2")).split())
    assert f"gru: 1 of 2 fails. {said}" in shown
    assert "No known deviation" not in shown
    (cause,) = causes_of(0, Checked("mine", {}, [], [as_data(diagnosed(failed("g/1", facts=zero)))]))
    assert said in cause.notes


def test_where_out_is_zero_in_some_failures_the_others_were_compared() -> None:
    some = failed("g/1", facts={"all_zero": True}), failed("g/2")
    denied = "No known deviation explains them"
    assert denied in " ".join(text(*some).split())
    (cause,) = causes_of(0, Checked("mine", {}, [], [as_data(diagnosed(*some))]))
    assert any(note.startswith(denied) for note in cause.notes)


def test_how_to_see_a_deviation_is_not_said_of_cells_that_explain_does_not_show() -> None:
    to_see = "to see it beside what is right: rnn-goldens explain w_hh_transposed"
    own = failed("own/1", A, cell="cells:own")
    assert to_see not in text(own)
    assert to_see in text(failed("g/1", A))
    assert to_see in text(own, failed("g/1", A))
    for evidence, is_explained in (own, False), (failed("g/1", A), True):
        (cause,) = causes_of(0, Checked("mine", {}, [], [as_data(diagnosed(evidence))]))
        assert cause.is_explained == is_explained


def test_where_they_are_wanting_for_some_failures_it_is_said_of_those() -> None:
    shown = " ".join(text(WITHOUT, failed("own/2", A, cell="cells:own")).split())
    assert "1 of them is consistent with one deviation" in shown
    assert "- 1 of them was compared with no deviation: the equations of cells:own are not here: no module" in shown
    assert "no_equations" not in as_data(diagnosed(WITHOUT, failed("own/2", cell="cells:own")))


def test_nothing_is_said_of_a_run_in_which_all_passed() -> None:
    assert text(passed("g/1")) == ""


def test_every_line_fits_80_columns() -> None:
    said = text(failed("lengths-bidirectional-two-layers/" + "g" * 30, BOTH), failed("g/2"), failed("g/3", A))
    assert max(map(len, said.splitlines())) <= 80
