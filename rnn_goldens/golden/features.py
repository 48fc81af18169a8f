"""Features, which are tags of goldens, and patterns of ids: what goldens are selected by."""

import re

from rnn_goldens.golden.recurrence_config import AnyConfig

_WORD = "[a-z0-9]+(-[a-z0-9]+)*"
ID = f"{_WORD}(/{_WORD})+"
"""Pattern of an id: words of lowercase letters, digits and dashes, separated by slashes."""

LONGEST_ID = 200
_ID = re.compile(ID)

INPUT_FEATURES = ("bias", "state", "multilayer", "bidirectional", "lengths", "unbatched")
"""Features of the inputs that an implementation must support. Other features describe the purpose of a golden."""

DERIVED_FEATURES = (*INPUT_FEATURES, "exact")

RECURRENCE_FEATURES = ("grouped", "grouped-values", "grouped-channels", "one-beta", "packed")
"""Further features that are derived from the data of a recurrence: several query heads of a head, several heads of a
key head, groups of channels, one beta for all heads, packed sequences."""

ALL_DERIVED = (*DERIVED_FEATURES, *RECURRENCE_FEATURES)

KERNEL_SIZE = "kernel-size"
"""The feature of full arrays at sizes that kernels ship. Such a golden has an HDF5 file only: JSON is too large."""

DECLARED_FEATURES = ("long", "degenerate", "saturated", "chaotic", KERNEL_SIZE)

CORE = "core"
"""The feature of a minimal set of goldens that detects as much as the whole corpus. Only the index lists it."""

FEATURES = (*ALL_DERIVED, *DECLARED_FEATURES, CORE)


def derived_features(
    config: AnyConfig,
    *,
    state: bool,
    exact: bool,
    lengths: bool = False,
    unbatched: bool = False,
    packed: bool = False,
) -> tuple[str, ...]:
    """Return the features derived from the data of a golden, in the order of ``ALL_DERIVED``."""
    given = {"state": state, "lengths": lengths, "unbatched": unbatched, "exact": exact, "packed": packed}
    present = {*config.features, *(feature for feature, is_present in given.items() if is_present)}
    return tuple(feature for feature in ALL_DERIVED if feature in present)


def is_id(value: object) -> bool:
    """Return whether a value is a valid id. A valid id cannot point outside its corpus."""
    return isinstance(value, str) and len(value) <= LONGEST_ID and _ID.fullmatch(value) is not None
