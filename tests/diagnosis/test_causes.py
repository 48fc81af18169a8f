"""Failed goldens support the causes of a run, and passed goldens may contradict them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rnn_goldens.diagnosis import CONSISTENT, EXPLAINED, NOT_RECOGNISED, Cause, CellInTest, Diagnosis, Evidence, Parts
from rnn_goldens.diagnosis.causes import diagnose
from rnn_goldens.diagnosis.summary import finding_of, summary, to_json
from rnn_goldens.diagnosis.unexplained_failures import finding_on
from rnn_goldens.pages import Checked
from rnn_goldens.pages.causes import causes_of

A, B = ("w_hh_transposed",), ("b_hh_missing",)
BOTH = (A[0], B[0])


def failed(
    golden: str, *causes: Cause, cell: str = "gru", facts: dict[str, bool] | None = None, parts: Parts | None = None
) -> Evidence:
    return Evidence(golden, "float32", cell, explained_by=causes, facts=facts or {}, parts=parts or {})


def passed(golden: str, cell: str = "gru", features: tuple[str, ...] = ()) -> Evidence:
    return Evidence(golden, "float32", cell, features, passed=True)


def diagnosed(*evidence: Evidence, would_fail: Sequence[tuple[Cause, str]] = ()) -> Diagnosis:
    (found,) = diagnose(evidence, lambda cause, one: (cause, one.golden) in would_fail)
    return found


def lines(*evidence: Evidence, would_fail: Sequence[tuple[Cause, str]] = ()) -> list[str]:
    return list(summary(diagnose(evidence, lambda cause, one: (cause, one.golden) in would_fail)))


def text(*evidence: Evidence, would_fail: Sequence[tuple[Cause, str]] = ()) -> str:
    return flat(lines(*evidence, would_fail=would_fail))


def flat(lines: Iterable[str]) -> str:
    return " ".join(" ".join(lines).split())


def test_causes_equivalent_on_one_golden_are_distinguished_by_another() -> None:
    found = diagnosed(failed("g/1", A, B), failed("g/2", A), passed("g/3"))
    assert found.certainty == EXPLAINED
    assert [candidate.cause for candidate in found.candidates] == [A]
    assert found.candidates[0].runner_up == B
    assert found.candidates[0].distinguished_by is not None
    assert found.candidates[0].distinguished_by.golden == "g/2"


def test_a_passed_golden_contradicts_a_cause_that_would_fail_it() -> None:
    found = diagnosed(failed("g/1", A, B), passed("g/2"), would_fail=[(B, "g/2")])
    assert (found.certainty, found.candidates[0].cause) == (EXPLAINED, A)
    assert found.candidates[0].distinguished_by is not None
    assert found.candidates[0].distinguished_by.golden == "g/2"


def test_a_cause_of_all_failures_that_a_passed_golden_contradicts_is_only_consistent() -> None:
    found = diagnosed(failed("g/1", A), passed("g/2"), would_fail=[(A, "g/2")])
    assert found.certainty == CONSISTENT
    assert "but that cause would also fail g/2 in float32, which passed:" in text(
        failed("g/1", A), passed("g/2"), would_fail=[(A, "g/2")]
    )


def test_a_cause_that_more_goldens_contradict_than_failures_support_is_no_candidate() -> None:
    right, contradicted = [passed(f"g/{k}") for k in range(2, 5)], [(A, f"g/{k}") for k in range(2, 5)]
    two = text(failed("g/0", A), failed("g/1", A), *right, would_fail=contradicted[:2])
    assert "but that cause would also fail 2 goldens that passed, such as g/2 in float32:" in two
    assert diagnosed(failed("g/0", A), failed("g/1", A), *right, would_fail=contradicted).candidates == ()


def test_no_cause_is_named_if_most_failures_were_not_compared() -> None:
    (few,) = diagnose([failed("g/1", A)], lambda *_: False, crashed={CellInTest("", "gru"): 2})
    summary_text = flat(summary([few]))
    assert "gru: 1 of 1 fails. No cause is named: 2 others failed before outputs were compared." in summary_text
    assert "w_hh_transposed" not in summary_text
    assert to_json(few)["crashed"] == 2
    assert "every golden fails" not in summary_text
    (enough,) = diagnose([failed("g/1", A)], lambda *_: False, crashed={CellInTest("", "gru"): 1})
    assert enough.certainty == EXPLAINED


def test_a_cause_of_half_of_the_failures_is_consistent_and_one_of_less_is_left_out() -> None:
    some = [failed("g/0", A), failed("g/1", A), failed("g/2"), failed("g/3")]
    found = diagnosed(*some)
    assert (found.certainty, [e.golden for e in found.unexplained]) == (CONSISTENT, ["g/2", "g/3"])
    summary_text = text(*some)
    assert "2 of them are consistent with one known deviation; the 2 others are not explained by it:" in summary_text
    assert diagnosed(*some, failed("g/4")).certainty == NOT_RECOGNISED
    some = [failed("g/1", A), *(failed(f"g/{k}") for k in range(2, 6))]
    assert "w_hh_transposed" not in text(*some)


def test_unexplained_failures_are_compared_with_explained_ones() -> None:
    explained = [Evidence(f"g/{k}", "float32", "gru", ("bias",), explained_by=(A,)) for k in range(4)]
    unexplained = [Evidence(f"g/{k}", "float32", "gru", ("bias", "bidirectional")) for k in range(4, 6)]
    summary_text = text(*explained, *unexplained, passed("g/9"))
    assert "all 2 unexplained failures run in both directions; 4 of the others run in one direction" in summary_text
    assert "all failed goldens" not in summary_text


def test_the_summary_reports_a_spent_budget() -> None:
    evidence = [failed("g/1"), failed("l/1", cell="lstm")]
    found = diagnose(evidence, lambda *_: False, cut_short={CellInTest("", "gru")})
    summary_text = flat(summary(found))
    spent = "gru: not every deviation was compared, because the failed goldens have too many time steps"
    assert f"{spent}; to compare more, check one cell at a time" in summary_text
    alone = summary(diagnose(evidence[:1], lambda *_: False, cut_short={CellInTest("", "gru")}))
    assert flat(alone).endswith(spent)
    not_all = "It was not compared with every known deviation; the compared ones explain nothing."
    assert not_all in summary_text
    (cause,) = causes_of(0, Checked("mine", causes=[to_json(found[0])]))
    assert not_all in cause.notes
    assert "to compare more" not in text(*evidence)


def diagnosed_without(*goldens: str) -> list[Diagnosis]:
    """Diagnose a failure that A explains, where A was not compared with these goldens."""
    evidence = [failed("g/1", A), passed("g/2"), passed("g/3")]
    return diagnose(evidence, lambda _, one: None if one.golden in goldens else False)


def test_a_cause_not_compared_with_all_passed_goldens_is_only_consistent() -> None:
    (found,) = diagnosed_without("g/3")
    assert found.certainty == CONSISTENT
    summary_text = flat(summary([found]))
    assert "It is consistent with one known deviation: w_hh_transposed" in summary_text
    assert "not compared with 1 golden that passed" in summary_text
    assert diagnosed_without()[0].certainty == EXPLAINED


def test_a_failure_not_compared_with_a_cause_does_not_count_as_unexplained() -> None:
    not_compared = replace(failed("g/2"), not_compared_with=(A,))
    found = diagnosed(failed("g/1", A), not_compared)
    assert found.certainty == CONSISTENT
    summary_text = text(failed("g/1", A), not_compared)
    assert "1 of them is consistent with one known deviation: w_hh_transposed" in summary_text
    assert "not compared with 1 golden, which fails" in summary_text
    more = text(failed("g/1", A), not_compared, failed("g/3"))
    assert "1 of them is consistent with one known deviation; 1 other is not explained by it:" in more


def test_other_causes_are_excluded_only_if_all_were_compared() -> None:
    summary_text = " ".join(summary(diagnose([failed("g/1", A)], lambda *_: False, cut_short={CellInTest("", "gru")})))
    assert "One known deviation matches it:" in summary_text
    assert "no other does" not in summary_text
    assert "One known deviation matches it, and no other does:" in text(failed("g/1", A))
    assert "Two known deviations at once match it:" in text(failed("g/1", BOTH))


def test_a_second_cause_must_explain_more_than_one_of_many_failures() -> None:
    many = [failed(f"g/{k}", A) for k in range(5)]
    assert diagnosed(*many, failed("g/9", B)).certainty == CONSISTENT
    assert diagnosed(*many, failed("g/8", B), failed("g/9", B)).certainty == EXPLAINED


def test_a_size_that_separates_failed_from_passed_goldens_is_reported() -> None:
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


def test_two_causes_that_together_explain_all_failures_are_both_reported() -> None:
    found = diagnosed(failed("g/1", A), failed("g/2", B), failed("g/3", B))
    assert found.certainty == EXPLAINED
    assert [candidate.cause for candidate in found.candidates] == [B, A]
    summary_text = text(failed("g/1", A), failed("g/2", B), failed("g/3", B))
    assert "2 causes explain all of them together:" in summary_text
    assert "2 of them: b_hh_missing: " in summary_text


def test_equivalent_causes_are_all_reported_and_one_deviation_is_preferred_to_two() -> None:
    summary_text = text(failed("g/1", A, B))
    assert "gru: 1 of 1 fails. One known deviation matches it:" in summary_text
    assert "nothing here distinguishes it from b_hh_missing" in summary_text
    assert diagnosed(failed("g/1", BOTH, A)).candidates[0].cause == A
    assert diagnosed(failed("g/1", BOTH), failed("g/2", A, BOTH)).candidates[0].cause == BOTH


def test_cells_with_the_same_cause_share_a_paragraph() -> None:
    summary_text = text(failed("g/1", A), failed("l/1", A, cell="lstm"))
    assert summary_text.startswith("gru, lstm: 2 of 2 fail. One known deviation matches every one, and no other does:")
    assert summary_text.count("w_hh_transposed: ") == 1


def test_without_a_cause_facts_of_all_failures_are_reported() -> None:
    observed = {"only_last_states": True, "first_row_right": True}
    evidence = [
        Evidence("g/1", "float32", "gru", ("multilayer",), facts=observed),
        Evidence("g/2", "float32", "gru", ("multilayer", "bias"), facts={**observed, "first_row_right": False}),
        *(passed(f"g/{k}", features=("bias",) * (k % 2)) for k in range(3, 33)),
    ]
    summary_text = text(*evidence)
    assert "No known deviation explains them" in summary_text
    assert "all failed goldens have several layers; 30 passed goldens have one layer" in summary_text
    assert "out is right; the last states are wrong" in summary_text
    assert "first row" not in summary_text
    assert "biases" not in summary_text


def test_a_feature_that_all_failures_share_is_reported_unless_by_coincidence() -> None:
    two = [Evidence(f"g/{k}", "float32", "gru", ("multilayer",)) for k in (1, 2)]
    right = [passed(f"g/{k}") for k in range(3, 33)]
    summary_text = text(*two, *right)
    assert "all failed goldens have several layers" in summary_text
    assert "- only g/1 and g/2 fail" in summary_text
    failures = [Evidence(f"g/{k}", "float32", "gru", ("bias",)) for k in (1, 2)]
    assert "biases" not in text(*failures, passed("g/3"), passed("g/4"), passed("g/5", features=("bias",)))


def test_unsupported_options_are_reported_together_with_how_to_exclude_them() -> None:
    def one(name: str, *features: str) -> Evidence:
        return Evidence(name, "float32", "gru", features)

    right = [passed(f"g/{k}", features=("bias", "state")) for k in (5, 6)]
    failures = [one("g/1", "bias", "multilayer"), one("g/2", "lengths"), one("g/3", "lengths", "multilayer")]
    summary_text = text(*failures, *right)
    assert (
        "all failed goldens have several layers or have sequences of several lengths, unlike all passed goldens"
        in summary_text
    )
    assert 'to exclude them, without=["multilayer", "lengths"]' in summary_text
    assert "without=" not in text(*failures, one("g/4", "bias"), *right)
    assert "without=" not in text(*failures, *right, passed("g/7", features=("lengths",)))


def test_without_a_pattern_the_smaller_group_is_listed() -> None:
    some = [failed(f"g/{k}") for k in range(6)]
    assert "- every golden fails, the simplest too" in text(*some)
    right = [passed(f"g/{k}") for k in range(6, 10)]
    summary_text = text(*some, *right)
    assert "- 4 goldens pass: g/6, g/7, g/8 and 1 more" in summary_text
    assert "- only g/6 passes" in text(*some, right[0])
    assert "- only g/0 fails" in text(some[0], *right)


def test_a_cause_of_a_single_output_is_reported_for_that_output() -> None:
    both = [failed(f"g/{k}", parts={"out": (A, B), "h_n": (A,)}) for k in (1, 2)]
    assert diagnosed(*both).certainty == NOT_RECOGNISED
    assert diagnosed(*both).parts == {"out": (A, B), "h_n": (A,)}
    assert diagnosed(*both, passed("g/3"), would_fail=[(A, "g/3")]).parts == {"out": (B,)}
    assert diagnosed(*both, failed("g/3")).parts == {}
    summary_text = text(*both)
    assert "only out matches one of w_hh_transposed, b_hh_missing" in summary_text
    assert "only h_n matches w_hh_transposed: Multiplies by" in summary_text
    summary_text = text(failed("g/1", parts={"out": (A,), "c_n": (A,)}))
    assert "only out and c_n match w_hh_transposed: " in summary_text


def test_the_results_file_and_the_terminal_have_the_same_finding() -> None:
    unexplained = [failed("g/1", facts={"only_out": True}), failed("g/2", facts={"only_out": True})]
    contradicted = [failed("g/3", A), passed("g/4")]
    for evidence, would_fail in (
        ([*unexplained, passed("g/4", features=("bias",)), passed("g/5", features=("bias",))], ()),
        ([failed("g/1"), failed("g/2"), passed("g/3")], ()),
        ([failed("g/3", A), failed("g/6", A), *unexplained], ()),
        (contradicted, [(A, "g/4")]),
    ):
        found = diagnosed(*evidence, would_fail=would_fail)
        assert found.certainty != EXPLAINED
        assert finding_of(to_json(found)) == finding_on([found])


WITHOUT_EQUATIONS = Evidence(
    "own/1", "float32", "cells:own", no_equations="the equations of cells:own are not available: no module"
)


def test_without_equations_the_reason_is_reported() -> None:
    summary_text = "It was not compared with any deviation: the equations of cells:own are not available: no module."
    shown = text(WITHOUT_EQUATIONS, passed("own/2", cell="cells:own"))
    assert f"cells:own: 1 of 2 fails. {summary_text}" in shown
    assert "No known deviation" not in shown
    data = to_json(diagnosed(WITHOUT_EQUATIONS))
    assert data["no_equations"] == WITHOUT_EQUATIONS.no_equations
    (cause,) = causes_of(0, Checked("mine", {}, [], [data]))
    assert summary_text in cause.notes


def test_outputs_that_are_all_zero_are_not_compared_but_others_are() -> None:
    zero = {"all_zero": True}
    summary_text = "No deviation was compared with all outputs: out is zero everywhere, which many deviations cause."
    shown = text(failed("g/1", facts=zero), passed("g/2"))
    assert f"gru: 1 of 2 fails. {summary_text}" in shown
    assert "No known deviation" not in shown
    (cause,) = causes_of(0, Checked("mine", {}, [], [to_json(diagnosed(failed("g/1", facts=zero)))]))
    assert summary_text in cause.notes
    some = failed("g/1", facts={"all_zero": True}), failed("g/2")
    sentence = "No known deviation explains them"
    assert sentence in text(*some)
    (cause,) = causes_of(0, Checked("mine", {}, [], [to_json(diagnosed(*some))]))
    assert any(note.startswith(sentence) for note in cause.notes)


def test_the_explain_command_is_not_suggested_for_custom_cells() -> None:
    hint = "to see the code: rnn-goldens explain w_hh_transposed"
    own = failed("own/1", A, cell="cells:own")
    assert hint not in text(own)
    assert hint in text(failed("g/1", A))
    assert hint in text(own, failed("g/1", A))
    for evidence, is_explained in (own, False), (failed("g/1", A), True):
        (cause,) = causes_of(0, Checked("mine", {}, [], [to_json(diagnosed(evidence))]))
        assert cause.is_explained == is_explained


def test_failures_without_equations_are_reported_beside_others() -> None:
    shown = text(WITHOUT_EQUATIONS, failed("own/2", A, cell="cells:own"))
    assert "1 of them is consistent with one known deviation" in shown
    assert (
        "- 1 of them was not compared with any deviation: the equations of cells:own are not available: no module"
        in shown
    )
    assert "no_equations" not in to_json(diagnosed(WITHOUT_EQUATIONS, failed("own/2", cell="cells:own")))


def test_the_summary_fits_80_columns_and_is_empty_if_all_pass() -> None:
    long = failed("lengths-bidirectional-two-layers/" + "g" * 30, BOTH)
    assert max(map(len, lines(long, failed("g/2"), failed("g/3", A)))) <= 80
    assert text(passed("g/1")) == ""
