"""What a run found of gradients, over all goldens: which were right wherever they were checked, and which were not."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rnn_goldens.counted import counted

Found = Mapping[str, Sequence[str]]
"""Names under ``right``, ``wrong`` and ``not_checked``: of one golden."""

RIGHT = "right wherever checked: "


def told(found: Sequence[Found]) -> Iterator[str]:
    """A line for each gradient that was wrong somewhere, for those that never were, and for what was left out."""
    right, wrong, left_out = (
        Counter(n for one in found for n in one[key]) for key in ("right", "wrong", "not_checked")
    )
    for name, count in wrong.most_common():
        yield f"{name}: wrong in {count} of {counted(count + right[name], 'golden')}"
    if always := [name for name in right if not wrong[name]]:
        yield f"{RIGHT}{', '.join(always)}"
    for name, count in left_out.most_common():
        yield f"not checked: {name}, in {counted(count, 'golden')}"
