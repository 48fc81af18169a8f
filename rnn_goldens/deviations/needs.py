"""The features of a case that deviations need, in one language for networks and recurrences."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rnn_goldens.cells.network import AnyCase
from rnn_goldens.cells.recurrence import RecurrenceCase
from rnn_goldens.golden.features import derived_features
from rnn_goldens.golden.integer_config import SINGLE, IntegerConfig
from rnn_goldens.golden.recurrences import BY_HEAD, BY_KEY


def sequence_count(case: RecurrenceCase) -> int:
    """Return the number of packed sequences, or of batch rows."""
    return len(next(iter(case.states.values())))


def _option(case: RecurrenceCase, name: str) -> Any:  # noqa: ANN401 - a number or a word
    return case.config.option(name) if name in case.config.recurrence.options else None


def _longer_than(steps: int) -> Callable[[RecurrenceCase], bool]:
    return lambda case: any(one.time > steps for one in case.sequences())


LONGER_THAN: Mapping[int, str] = {
    1: "several_steps", 16: "over_sixteen_steps", 32: "over_thirty_two_steps", 64: "several_chunks", 128: "three_chunks"
}  # fmt: skip
"""Features of cases with a sequence of more than so many time steps. A chunk has 64."""

FEATURES: Mapping[str, Callable[[RecurrenceCase], bool]] = {
    "state": lambda case: case.state_given,
    "rows": lambda case: len(next(iter(case.inputs.values()))) > 1,
    "one_sequence": lambda case: sequence_count(case) == 1,
    "sequences": lambda case: sequence_count(case) > 1,
    "packed": lambda case: case.offsets is not None and sequence_count(case) > 1,
    **{name: _longer_than(steps) for steps, name in LONGER_THAN.items()},
    "several_heads": lambda case: case.config.get("heads", 1) > 1,
    "grouped_queries": lambda case: case.config.get("query_heads", 1) > case.config.get("heads", 1),
    "grouped_values": lambda case: "key_heads" in case.config,
    "grouped_channels": lambda case: "groups" in case.config,
    "several_groups": lambda case: case.config.shared > 1,
    "output_gate": lambda case: case.config.get("gate") == "silu",
    "bounded_gate": lambda case: "lower_bound" in case.config,
    "softplus_gate": lambda case: (
        ("A_log" in case.weights and "lower_bound" not in case.config) or _option(case, "step_size") == "softplus"
    ),
    "given_step_size": lambda case: _option(case, "step_size") == "given",
    "beta_up_to_two": lambda case: "beta_limit" in case.config,
    "limited_steps": lambda case: "dt_max" in case.config,
    "one_beta": lambda case: "beta_heads" in case.config,
    "decay_of_one": lambda case: any(
        (one.inputs["g"][:, 1:] == 0).any() for one in case.sequences() if "g" in one.inputs
    ),
    "padded_keys": lambda case: case.config.get("d_k", 1).bit_count() > 1,
    "unequal_sizes": lambda case: case.config.get("d_k") != case.config.get("d_v"),
    "decay_by_key": lambda case: case.config.get("decay", BY_HEAD) == BY_KEY,
    "scale_option": lambda case: "scale" in case.config,
    "default_scale": lambda case: "scale" not in case.config,
    "silu": lambda case: _option(case, "activation") == "silu",
    "no_activation": lambda case: _option(case, "activation") == "none",
    "wide_kernel": lambda case: case.config.get("width", 0) > 4,  # noqa: PLR2004 - kernels with four taps are common
    "single_rounding": lambda case: case.config.get("rounding") == SINGLE,
    "double_rounding": lambda case: isinstance(case.config, IntegerConfig) and "rounding" not in case.config,
    "shorter_than_window": lambda case: any(one.time < case.config.get("past", 0) for one in case.sequences()),
}
"""Features of a recurrence's case by name: whether a case has it."""


def features_of(case: AnyCase, declared: Iterable[str] = ()) -> frozenset[str]:
    """Return the features of a case: those that goldens of networks are tagged with, or ``FEATURES``.

    ``declared`` are features that do not follow from the case, such as ``saturated``: all features of a golden.
    """
    if isinstance(case, RecurrenceCase):
        return frozenset((*declared, *(name for name, has in FEATURES.items() if has(case))))
    unbatched = not (case.batched and case.batch_given)
    given = case.lengths is not None
    derived = derived_features(case.config, state=case.state_given, lengths=given, unbatched=unbatched, exact=False)
    return frozenset((*declared, *derived))
