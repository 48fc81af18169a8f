"""What explains a run, for programs: names and goldens, no sentences."""

from typing import Any

from rnn_goldens.diagnosis.causes import EXPLAINED, Diagnosis, Evidence, Suspect
from rnn_goldens.diagnosis.facts import blamed_features, contrast_of, true_of_all

Data = dict[str, Any]


def as_data(diagnosis: Diagnosis) -> Data:
    """What is known of one cell's failures, as ``results-1.schema.json`` has it."""
    failed = diagnosis.unexplained or diagnosis.failed
    contrast = None if diagnosis.certainty == EXPLAINED else contrast_of(failed, diagnosis.passed)
    return {
        "cell": diagnosis.cell,
        "certainty": diagnosis.certainty,
        "failed": len(diagnosis.failed),
        "passed": len(diagnosis.passed),
        "suspects": [_suspect(suspect) for suspect in diagnosis.suspects],
        "unexplained": [_place(evidence) for evidence in diagnosis.unexplained],
        "facts": {code: value for code, (value, _) in true_of_all(failed).items()},
        "features": [
            {"feature": feature, "has": has} for feature, has, *_ in blamed_features(failed, diagnosis.passed)
        ],
        "contrast": None
        if contrast is None
        else {"feature": contrast.feature, "having": _counts(contrast.having), "lacking": _counts(contrast.lacking)},
        "parts": {name: [list(cause) for cause in causes] for name, causes in diagnosis.parts.items()},
        "simplest": _place(failed[0]),
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


def _counts(of: tuple[int, int]) -> Data:
    return {"failed": of[0], "of": of[1]}


def _place(evidence: Evidence) -> Data:
    return {"golden": evidence.golden, "dtype": evidence.dtype}
