"""A diagnosis as JSON: names and goldens, without sentences."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rnn_goldens.diagnosis.causes import EXPLAINED, CandidateEvidence, Diagnosis, Evidence
from rnn_goldens.diagnosis.failure_patterns import failure_patterns
from rnn_goldens.diagnosis.finding_text import Contrast, FewGoldens, Finding, SharedFeature, SharedSize

Data = dict[str, Any]


def to_json(diagnosis: Diagnosis) -> Data:
    """Return the diagnosis of a cell in the form of ``results-1.schema.json``."""
    common = failure_patterns([diagnosis])
    finding = Finding() if diagnosis.certainty == EXPLAINED else common.finding
    return {
        "cell": diagnosis.about.cell,
        **({"test": diagnosis.about.test} if diagnosis.about.test else {}),
        "certainty": diagnosis.certainty,
        "failed": len(diagnosis.failed),
        "passed": len(diagnosis.passed),
        **({"no_equations": diagnosis.no_equations} if diagnosis.no_equations else {}),
        "candidates": [_candidate(candidate) for candidate in diagnosis.candidates],
        "unexplained": [_place(evidence) for evidence in diagnosis.unexplained],
        "facts": {code: {"value": value, "shown_by": showing} for code, (value, showing) in finding.facts.items()},
        **({"only_with": list(finding.only_with)} if finding.only_with else {}),
        "features": [asdict(feature) for feature in finding.features],
        "sizes": [asdict(size) for size in finding.sizes],
        "contrast": _contrast(finding.contrast),
        "few": finding.few and asdict(finding.few),
        "per_output": {name: [list(cause) for cause in causes] for name, causes in diagnosis.parts.items()},
        "simplest": _place(common.rest[0]),
        "cut_short": diagnosis.is_cut_short,
        **({"crashed": diagnosis.crashed} if diagnosis.is_mostly_crashed else {}),
    }


def finding_of(data: Mapping[str, Any]) -> Finding:
    """Return the finding in the JSON of a diagnosis, as written by ``to_json``."""
    contrast = data["contrast"]
    return Finding(
        of=len(data["unexplained"]) or data["failed"],
        is_a_rest=0 < len(data["unexplained"]) < data["failed"],
        only_with=data.get("only_with", ()),
        features=[SharedFeature(**feature) for feature in data["features"]],
        sizes=[SharedSize(**size) for size in data["sizes"]],
        facts={code: (fact["value"], fact["shown_by"]) for code, fact in data["facts"].items()},
        contrast=contrast
        and Contrast(contrast["feature"], *(_counts_of(contrast[of]) for of in ("having", "lacking"))),
        few=data["few"] and FewGoldens(**data["few"]),
    )


def _candidate(candidate: CandidateEvidence) -> Data:
    found: Data = {
        "deviations": list(candidate.cause),
        "explains": [_place(evidence) for evidence in candidate.explains],
        "against": [_place(evidence) for evidence in candidate.against],
        "alike": [list(cause) for cause in candidate.equivalent],
    }
    if candidate.not_compared:
        found["not_compared"] = [_place(evidence) for evidence in candidate.not_compared]
    if candidate.runner_up is not None and candidate.distinguished_by is not None:
        found["distinguished_from"] = {
            "deviations": list(candidate.runner_up),
            "by": _place(candidate.distinguished_by),
        }
    return found


def _contrast(contrast: Contrast | None) -> Data | None:
    if contrast is None:
        return None
    return {"feature": contrast.feature, "having": _counts(contrast.having), "lacking": _counts(contrast.lacking)}


def _counts(of: tuple[int, int]) -> Data:
    return {"failed": of[0], "of": of[1]}


def _counts_of(data: Mapping[str, int]) -> tuple[int, int]:
    return data["failed"], data["of"]


def _place(evidence: Evidence) -> Data:
    return {"golden": evidence.golden, "dtype": evidence.dtype}
