"""Every scenario of the corpus, from simple to hard, and the version they make up."""

from dataclasses import replace

import numpy as np

from rnn_goldens import corpus
from rnn_goldens.generator.index import Whose
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios import (
    backward,
    dimensions,
    documented,
    full_numbers,
    nine_of_each,
    special,
    sweeping,
    variants,
    zero_start,
)

VERSION = "1.6.0"
"""Of the corpus. MAJOR: a published value or the format changed; MINOR: goldens added; PATCH: provenance or wording."""

OURS = Whose(corpus.OURS, VERSION)
"""What the index says whose corpus it is."""

HARD = {"long", "saturated", "chaotic"}
"""Declared features of scenarios that nobody debugs first."""


def difficulty(scenario: Scenario) -> tuple[bool, int, bool, int]:
    """What somebody who debugs has before them: dynamics, layers and directions, ragged sequences, numbers."""
    config, x = scenario.shape, np.asarray(scenario.x)
    width = config.input_size + config.hidden_size
    return (
        bool(HARD & set(scenario.declared or ())),
        config.num_layers * config.num_directions,
        scenario.lengths is not None,
        x.shape[-2] * (x.size // x.shape[-2] + config.hidden_size * width),
    )


SCENARIOS: tuple[Scenario, ...] = tuple(
    replace(scenario, declared=scenario.declared or ())  # what is saturated or chaotic here is so on purpose
    for scenario in backward.with_cotangents(
        (
            *documented.SCENARIOS,
            *sorted(
                (
                    *variants.scenarios(),
                    *special.special(),
                    *full_numbers.scenarios(),
                    *sweeping.scenarios(),
                    *backward.scenarios(),
                    *dimensions.scenarios(),
                    *nine_of_each.scenarios(),
                    *zero_start.scenarios(),
                ),
                key=difficulty,
            ),
        )
    )
)
"""The documented ones first, a readable page; then from simple to hard."""
