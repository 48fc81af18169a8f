"""Lines on the goldens that an export refuses: goldens with the same reason share a paragraph."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence

_WIDTH = 80
_INDENT = 11
_MOST_LISTED = 3


def refusals(reasons: Mapping[str, str]) -> Iterator[str]:
    """Yield a paragraph for each reason, given the reason of each refused golden."""
    for why, ids in _by_reason(reasons).items():
        if len(ids) == 1:
            yield f"{'refused':<{_INDENT}}{ids[0]}: {why}"
        else:
            yield textwrap.fill(
                f"{'refused':<{_INDENT}}{len(ids)} goldens: {why}: {_listed(ids)}",
                _WIDTH,
                subsequent_indent=" " * _INDENT,
                break_long_words=False,
                break_on_hyphens=False,
            )


def all_refused(reasons: Mapping[str, str], to: str) -> Iterator[str]:
    """Yield a line for each reason, if no golden can be exported to a format."""
    for why, ids in _by_reason(reasons).items():
        if len(ids) == 1:
            yield f"{ids[0]} cannot be exported to {to}: {why}"
        else:
            yield f"{len(ids)} goldens cannot be exported to {to}: {why}: {_listed(ids)}"


def _by_reason(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for golden_id, why in reasons.items():
        found.setdefault(why, []).append(golden_id)
    return found


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _MOST_LISTED} more" if len(ids) > _MOST_LISTED else ""
    return f"{', '.join(ids[:_MOST_LISTED])}{more}"
