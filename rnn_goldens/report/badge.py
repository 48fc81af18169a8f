"""A badge that says how implementations fare: the JSON that https://shields.io/badges/endpoint-badge takes."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rnn_goldens.report.conformance import Found
from rnn_goldens.result import CHECKED

GOOD, FAIR, BAD, NOTHING = "brightgreen", "yellow", "red", "lightgrey"
"""Nothing is wrong; only what is known to be; something is; nothing was checked."""


def badge(found: Sequence[Found], unchecked: int = 0) -> dict[str, Any]:
    """What the badge says in words, so that its colour has nothing to say alone.

    Args:
        found: what became of each implementation.
        unchecked: so many more could not be checked.
    """
    counts = Counter(result["outcome"] for one in found for result in one.everything)
    well = [one for one in found if _agrees(one)]
    if len(found) + unchecked > 1:
        said = f"{len(well)} of {len(found) + unchecked} implementations agree"
    else:
        names = {"passed": "passed", "failed": "wrong", "known-failure": "known to be wrong", "refused": "refused"}
        said = ", ".join(f"{counts[outcome]} {name}" for outcome, name in names.items() if counts[outcome])
    colour = GOOD if len(well) == len(found) else FAIR
    if counts["failed"] or counts["skipped"] or unchecked:
        colour = BAD
    elif not any(counts[outcome] for outcome in CHECKED):
        colour = NOTHING
    return {"schemaVersion": 1, "label": "rnn-goldens", "message": said or "nothing was checked", "color": colour}


def _agrees(one: Found) -> bool:
    outcomes = {result["outcome"] for result in one.everything}
    return any(result["outcome"] == "passed" for result in one.outputs.results) and outcomes <= {"passed", "refused"}
