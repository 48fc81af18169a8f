"""What explains a run, for programs: names and goldens, no sentences."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rnn_goldens.diagnosis.causes import EXPLAINED, Diagnosis, Evidence, Suspect
from rnn_goldens.diagnosis.in_common import in_common
from rnn_goldens.diagnosis.said import Beyond, Blamed, Contrast, Few, Said

Data = dict[str, Any]


def as_data(diagnosis: Diagnosis) -> Data:
    """What is known of one cell's failures, as ``results-1.schema.json`` has it."""
    common = in_common([diagnosis])
    said = Said() if diagnosis.certainty == EXPLAINED else common.said
    return {
        "cell": diagnosis.about.cell,
        **({"test": diagnosis.about.test} if diagnosis.about.test else {}),
        "certainty": diagnosis.certainty,
        "failed": len(diagnosis.failed),
        "passed": len(diagnosis.passed),
        **({"no_equations": diagnosis.no_equations} if diagnosis.no_equations else {}),
        "suspects": [_suspect(suspect) for suspect in diagnosis.suspects],
        "unexplained": [_place(evidence) for evidence in diagnosis.unexplained],
        "facts": {code: {"value": value, "shown_by": showing} for code, (value, showing) in said.facts.items()},
        **({"only_with": list(said.only_with)} if said.only_with else {}),
        "features": [asdict(blamed) for blamed in said.features],
        "sizes": [asdict(beyond) for beyond in said.sizes],
        "contrast": _contrast(said.contrast),
        "few": said.few and asdict(said.few),
        "parts": {name: [list(cause) for cause in causes] for name, causes in diagnosis.parts.items()},
        "simplest": _place(common.rest[0]),
        "cut_short": diagnosis.is_cut_short,
    }


def said_of(data: Mapping[str, Any]) -> Said:
    """The way back: what of such a cell's failures is told."""
    contrast = data["contrast"]
    return Said(
        of=len(data["unexplained"]) or data["failed"],
        is_a_rest=0 < len(data["unexplained"]) < data["failed"],
        only_with=data.get("only_with", ()),
        features=[Blamed(**blamed) for blamed in data["features"]],
        sizes=[Beyond(**beyond) for beyond in data["sizes"]],
        facts={code: (fact["value"], fact["shown_by"]) for code, fact in data["facts"].items()},
        contrast=contrast
        and Contrast(contrast["feature"], *(_of_counts(contrast[of]) for of in ("having", "lacking"))),
        few=data["few"] and Few(**data["few"]),
    )


def _suspect(suspect: Suspect) -> Data:
    found: Data = {
        "deviations": list(suspect.cause),
        "explains": [_place(evidence) for evidence in suspect.explains],
        "against": [_place(evidence) for evidence in suspect.against],
        "alike": [list(cause) for cause in suspect.alike],
    }
    if suspect.not_compared:
        found["not_compared"] = [_place(evidence) for evidence in suspect.not_compared]
    if suspect.runner_up is not None and suspect.told_apart_by is not None:
        found["told_from"] = {"deviations": list(suspect.runner_up), "by": _place(suspect.told_apart_by)}
    return found


def _contrast(contrast: Contrast | None) -> Data | None:
    if contrast is None:
        return None
    return {"feature": contrast.feature, "having": _counts(contrast.having), "lacking": _counts(contrast.lacking)}


def _counts(of: tuple[int, int]) -> Data:
    return {"failed": of[0], "of": of[1]}


def _of_counts(data: Mapping[str, int]) -> tuple[int, int]:
    return data["failed"], data["of"]


def _place(evidence: Evidence) -> Data:
    return {"golden": evidence.golden, "dtype": evidence.dtype}
