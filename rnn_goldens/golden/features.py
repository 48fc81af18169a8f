"""Features: tags that goldens are selected by."""

from rnn_goldens.golden.shapes import Config

ASKED_FEATURES = ("bias", "state", "multilayer", "bidirectional", "lengths", "unbatched")
"""Features of what is asked, which an implementation has to support; others say what a golden is there for."""

DERIVED_FEATURES = (*ASKED_FEATURES, "exact")
"""Features that follow from what a golden holds."""

DECLARED_FEATURES = ("long", "degenerate", "saturated", "chaotic")
"""Features that a scenario states of itself."""

CORE = "core"
"""The feature of the smallest set of goldens that alone exposes every deviation: given by the index of a corpus."""

FEATURES = (*DERIVED_FEATURES, *DECLARED_FEATURES, CORE)


def derived_features(config: Config, *, state: bool, lengths: bool, unbatched: bool, exact: bool) -> tuple[str, ...]:
    """Features that follow from what a golden holds, in the order of ``DERIVED_FEATURES``."""
    holds = (config.bias, state, config.num_layers > 1, config.bidirectional, lengths, unbatched, exact)
    return tuple(feature for feature, there in zip(DERIVED_FEATURES, holds, strict=True) if there)
