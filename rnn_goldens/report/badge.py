"""The badge of several implementations: how many goldens pass."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rnn_goldens.golden_result import CHECKED, PASSED, REFUSED
from rnn_goldens.pages import Checked

GOOD, FAIR, BAD, NOTHING = "brightgreen", "yellow", "red", "lightgrey"
"""Colours: all implementations agree; not all agree; some failed, were skipped or not checked; nothing compared."""


def badge(found: Sequence[Checked], unchecked: int = 0) -> dict[str, Any]:
    """Return the badge, a summary in words and a colour; ``unchecked`` implementations could not be checked."""
    counts = Counter(result["outcome"] for one in found for result in one.everything)
    passing = [one for one in found if any(result["outcome"] == PASSED for result in one.results)]
    agreeing = [one for one in passing if {result["outcome"] for result in one.everything} <= {PASSED, REFUSED}]
    if len(found) + unchecked > 1:
        summary = f"{len(agreeing)} of {len(found) + unchecked} implementations agree"
    else:
        names = {"passed": "passed", "failed": "wrong", "known-failure": "known to be wrong", "refused": "refused"}
        summary = ", ".join(f"{counts[outcome]} {name}" for outcome, name in names.items() if counts[outcome])
    colour = GOOD if len(agreeing) == len(found) else FAIR
    if counts["failed"] or counts["skipped"] or unchecked:
        colour = BAD
    elif not any(counts[outcome] for outcome in CHECKED):
        colour = NOTHING
    return {"schemaVersion": 1, "label": "rnn-goldens", "message": summary or "nothing was checked", "color": colour}
