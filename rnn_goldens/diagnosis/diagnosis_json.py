"""A diagnosis as JSON: names and goldens, without sentences."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

import msgspec

from rnn_goldens.diagnosis import EXPLAINED, CandidateEvidence, Diagnosis, Evidence
from rnn_goldens.diagnosis.unexplained_failures import Finding, finding_on

Data = dict[str, Any]


def to_json(diagnosis: Diagnosis) -> Data:
    """Return the diagnosis of a cell in the form of ``results-1.schema.json``."""
    finding = asdict(Finding() if diagnosis.certainty == EXPLAINED else finding_on([diagnosis]))
    return {
        "cell": diagnosis.about.cell,
        **({"test": diagnosis.about.test} if diagnosis.about.test else {}),
        "certainty": diagnosis.certainty,
        "failed": len(diagnosis.failed),
        "passed": len(diagnosis.passed),
        **({"no_equations": diagnosis.no_equations} if diagnosis.no_equations else {}),
        "candidates": [_candidate(candidate) for candidate in diagnosis.candidates],
        "unexplained": _places(diagnosis.unexplained),
        "facts": finding["facts"],
        **({"only_with": finding["only_with"]} if finding["only_with"] else {}),
        **{name: finding[name] for name in ("features", "sizes", "contrast", "few")},
        "per_output": {name: [list(cause) for cause in causes] for name, causes in diagnosis.parts.items()},
        "simplest": _places(diagnosis.unexplained or diagnosis.failed)[0],
        "cut_short": diagnosis.is_cut_short,
        **({"crashed": diagnosis.crashed} if diagnosis.is_mostly_crashed else {}),
    }


def finding_of(data: Mapping[str, Any]) -> Finding:
    """Return the finding in the JSON of a diagnosis, as written by ``to_json``."""
    unexplained, failed = len(data["unexplained"]), data["failed"]
    return replace(msgspec.convert(data, Finding), of=unexplained or failed, is_a_rest=0 < unexplained < failed)


def _candidate(candidate: CandidateEvidence) -> Data:
    found: Data = {
        "deviations": list(candidate.cause),
        "explains": _places(candidate.explains),
        "against": _places(candidate.against),
        "alike": [list(cause) for cause in candidate.equivalent],
    }
    if candidate.not_compared:
        found["not_compared"] = _places(candidate.not_compared)
    if candidate.runner_up is not None and candidate.distinguished_by is not None:
        (by,) = _places([candidate.distinguished_by])
        found["distinguished_from"] = {"deviations": list(candidate.runner_up), "by": by}
    return found


def _places(evidence: Iterable[Evidence]) -> list[Data]:
    return [{"golden": one.golden, "dtype": one.dtype} for one in evidence]
