"""Features: tags that goldens are selected by."""

from collections.abc import Mapping
from typing import Any

from rnn_goldens.golden.shapes import Config

INPUT_FEATURES = ("bias", "state", "multilayer", "bidirectional", "lengths", "unbatched")
"""Features of the inputs that an implementation must support. Other features describe the purpose of a golden."""

DERIVED_FEATURES = (*INPUT_FEATURES, "exact")
"""Features derived from the data of a golden."""

RECURRENCE_FEATURES = ("grouped", "packed")
"""Further features that are derived from the data of a recurrence: several queries of a head, packed sequences."""

DECLARED_FEATURES = ("long", "degenerate", "saturated", "chaotic")
"""Features that a scenario declares."""

CORE = "core"
"""The feature of a minimal set of goldens that detects as much as the whole corpus. Only the index lists it."""

FEATURES = (*DERIVED_FEATURES, *RECURRENCE_FEATURES, *DECLARED_FEATURES, CORE)


def derived_features(config: Config, *, state: bool, lengths: bool, unbatched: bool, exact: bool) -> tuple[str, ...]:
    """Return the features derived from the data of a golden, in the order of ``DERIVED_FEATURES``."""
    present = (config.bias, state, config.num_layers > 1, config.bidirectional, lengths, unbatched, exact)
    return tuple(feature for feature, is_present in zip(DERIVED_FEATURES, present, strict=True) if is_present)


def recurrence_features(config: Mapping[str, Any], *, state: bool, packed: bool, exact: bool) -> tuple[str, ...]:
    """Return the features derived from the data of a golden of a recurrence."""
    grouped = "query_heads" in config and config["query_heads"] != config["heads"]
    present = {"state": state, "exact": exact, "grouped": grouped, "packed": packed}
    return tuple(feature for feature, is_present in present.items() if is_present)
