"""All scenarios of the built-in corpus, from simple to hard, and its version."""

from dataclasses import replace

import numpy as np

from rnn_goldens import corpus
from rnn_goldens.generator.index import CorpusIdentity
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenario_base import DeclaredInputs
from rnn_goldens.generator.scenarios import (
    activation_sweeps,
    backward,
    dialects,
    dimensions,
    documented,
    extremes,
    full_numbers,
    integer_lstms,
    kernel_sizes,
    recurrences,
    size_pairs,
    variants,
    without_state,
)

VERSION = "2.6.0"
"""Version of the corpus. MAJOR: a published value or the format changed; MINOR: goldens added; PATCH: texts changed."""

OURS = CorpusIdentity(corpus.OURS, VERSION)

HARD = {"long", "saturated", "chaotic"}
"""Declared features of scenarios that are hard to debug."""


def difficulty(scenario: Scenario) -> tuple[bool, int, bool, int]:
    """Return a sort key: dynamics, layers and directions, ragged sequences, amount of numbers."""
    config, x = scenario.shape, np.asarray(scenario.x)
    width = config.input_size + config.hidden_size
    return (
        bool(HARD & set(scenario.declared or ())),
        config.num_layers * config.num_directions,
        scenario.lengths is not None,
        x.shape[-2] * (x.size // x.shape[-2] + config.hidden_size * width),
    )


_BY_DIFFICULTY = (
    variants,
    extremes,
    kernel_sizes,
    full_numbers,
    activation_sweeps,
    backward,
    dimensions,
    size_pairs,
    without_state,
)
"""Of equally difficult scenarios, those of an earlier module come first."""

_STANDARD: tuple[Scenario, ...] = tuple(
    replace(scenario, declared=scenario.declared or ())  # built-in scenarios declare saturated and chaotic explicitly
    for scenario in (
        *documented.SCENARIOS,
        *sorted((scenario for module in _BY_DIFFICULTY for scenario in module.scenarios()), key=difficulty),
    )
)

NETWORKS: tuple[Scenario, ...] = (*_STANDARD, *dialects.scenarios(_STANDARD))
"""The scenarios of networks: the documented ones first, then from simple to hard; finally those of the dialects."""

SCENARIOS: tuple[DeclaredInputs, ...] = (*NETWORKS, *recurrences.scenarios(), *integer_lstms.scenarios())
