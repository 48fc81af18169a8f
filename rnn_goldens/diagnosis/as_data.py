"""What explains a run, for programs: names and goldens, no sentences."""

from dataclasses import asdict
from typing import Any

from rnn_goldens.diagnosis.causes import EXPLAINED, Diagnosis, Evidence, Suspect
from rnn_goldens.diagnosis.in_common import Common, Contrast, in_common

Data = dict[str, Any]


def as_data(diagnosis: Diagnosis) -> Data:
    """What is known of one cell's failures, as ``results-1.schema.json`` has it."""
    common = in_common([diagnosis])
    said = Common((), (), ()) if diagnosis.certainty == EXPLAINED else common
    return {
        "cell": diagnosis.cell,
        "certainty": diagnosis.certainty,
        "failed": len(diagnosis.failed),
        "passed": len(diagnosis.passed),
        "suspects": [_suspect(suspect) for suspect in diagnosis.suspects],
        "unexplained": [_place(evidence) for evidence in diagnosis.unexplained],
        "facts": {code: {"value": value, "shown_by": showing} for code, (value, showing) in said.facts.items()},
        "features": [asdict(blamed) for blamed in said.features],
        "sizes": [asdict(beyond) for beyond in said.sizes],
        "contrast": _contrast(said.contrast),
        "parts": {name: [list(cause) for cause in causes] for name, causes in diagnosis.parts.items()},
        "simplest": _place(common.rest[0]),
        "cut_short": diagnosis.is_cut_short,
    }


def _suspect(suspect: Suspect) -> Data:
    found: Data = {
        "deviations": list(suspect.cause),
        "explains": [_place(evidence) for evidence in suspect.explains],
        "against": [_place(evidence) for evidence in suspect.against],
        "alike": [list(cause) for cause in suspect.alike],
    }
    if suspect.runner_up is not None and suspect.told_apart_by is not None:
        found["told_from"] = {"deviations": list(suspect.runner_up), "by": _place(suspect.told_apart_by)}
    return found


def _contrast(contrast: Contrast | None) -> Data | None:
    if contrast is None:
        return None
    return {"feature": contrast.feature, "having": _counts(contrast.having), "lacking": _counts(contrast.lacking)}


def _counts(of: tuple[int, int]) -> Data:
    return {"failed": of[0], "of": of[1]}


def _place(evidence: Evidence) -> Data:
    return {"golden": evidence.golden, "dtype": evidence.dtype}
