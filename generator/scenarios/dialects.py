"""Scenarios of dialects: each is a scenario of the standard cell with the same weights, inputs and cotangents.

Such a pair differs in one option only, so equal outputs mean that an implementation ignores the option.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from rnn_goldens.conventions.layouts import reorder
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios import size_pairs
from rnn_goldens.generator.scenarios.cotangents import without_cotangents
from rnn_goldens.generator.scenarios.random_numbers import Float64, dyadic
from rnn_goldens.generator.scenarios.templates import FOLDERS
from rnn_goldens.golden.built_in_cells import DIALECTS, LAYOUTS
from rnn_goldens.golden.shapes import Config, Shape, weight_shapes

OWN_EQUATIONS = ("gru_reset_before", "lstm_peephole", "lstm_projection")

MANY = ("one-step-with-state", "plain", "with-state", "lengths-bidirectional-two-layers")
"""Names of the scenarios of dialects whose equations differ from the standard cell's."""

FEW = ("plain", "with-state")
"""Names of the scenarios of dialects that differ in an activation or a limit."""

ONE_DIRECTION = ("plain", "lengths-no-state")
"""Names of the scenarios of dialects that run in one direction."""

MORE: Mapping[str, tuple[str, ...]] = {
    "gru_reset_before": ("square", "sweeping", "numbers-of-24-bits"),
    "lstm_peephole": ("square", "sweeping"),
    "lstm_projection": ("overflowing-no-state",),
    "lstm_projection_clip": ("one-step-of-four", "overflowing-no-state"),
    "lstm_coupled_input": ("one-unit",),
    "lstm_cell_clip": ("c-beyond-2",),
    "rnn_tanh_clip": ("one-step-with-state",),
    "lstm_clip": ("large-c", "one-step-of-four"),
    "gru_clip": ("one-step", "back-ten-steps"),
    "lstm_reverse": ("back-ten-steps",),
    "lstm_hard_sigmoid": ("lengths-bidirectional", "overflowing-no-state"),
    "lstm_hard_sigmoid_sixth": ("unbatched", "short-and-ragged", "overflowing"),
    "gru_hard_sigmoid": ("unbatched-no-state", "lengths-bidirectional", "short-and-ragged"),
    "gru_hard_sigmoid_sixth": ("overflowing", "one-step-with-state", "saturated-no-state"),
    "lstm_activations": ("c-beyond-2", "back-ten-steps"),
    "rnn_affine": ("back-ten-steps",),
    "rnn_leaky_relu": ("back-ten-steps",),
    "rnn_hard_sigmoid": ("unbatched",),
    "rnn_elu": ("back-ten-steps", "between-table-points"),
    "rnn_thresholded_relu": ("sweeping",),  # an argument is alpha itself
}
"""Names of further scenarios, without which some deviation or piece of a function would not be detected."""


WITHOUT_STATE = ("lstm_projection_clip", "rnn_thresholded_relu")
"""Dialects whose scenarios in ``MORE`` show what the scenario with a state shows of others."""

PLAIN_WITH_GRADIENTS = (*OWN_EQUATIONS, "rnn_leaky_relu", "rnn_softsign")
"""Dialects whose plain scenario has cotangents. Other dialects detect all their backward deviations without them."""


def names_of(cell: str) -> tuple[str, ...]:
    """Return the names of a dialect's scenarios."""
    small = MANY if cell in OWN_EQUATIONS else ("plain",) if cell in WITHOUT_STATE else FEW
    if "direction" in DIALECTS[cell].options:
        small = ONE_DIRECTION
    return (*small, *MORE.get(cell, ()), size_pairs.FEW.name)


def scenarios(standard: Iterable[Scenario]) -> Iterator[Scenario]:
    """Yield the scenarios of the dialects, from those of the standard cells."""
    by_id = {scenario.id: scenario for scenario in standard}
    for cell in DIALECTS:
        for name in names_of(cell):
            scenario = _scenario(cell, by_id[f"{FOLDERS[DIALECTS[cell].base]}/{name}"])
            if cell == "rnn_thresholded_relu" and name == "sweeping":
                scenario = _around_alpha(scenario)
            if cell == "lstm_activations" and name == size_pairs.FEW.name:
                scenario = _off_kinks(scenario)
            yield without_cotangents(scenario) if name == "plain" and cell not in PLAIN_WITH_GRADIENTS else scenario


def _scenario(cell: str, of: Scenario) -> Scenario:
    dialect, layout = DIALECTS[cell], LAYOUTS[cell]
    in_config = {name: dialect.options[name] for name in ("proj_size", "direction") if name in dialect.options}
    config = replace(of.shape, **in_config)
    x = of.stored.x
    shapes = config.shapes(layout, {"x": x})
    arrays = {**shapes.initial, **shapes.cotangents}
    taken: dict[str, Any] = {
        name: _leading(array, shape) for name, shape in arrays.items() if (array := getattr(of, name)) is not None
    }
    return replace(
        of,
        id=f"{cell.replace('_', '-')}/{of.id.rpartition('/')[2]}",
        cell=cell,
        title=f"{of.title}, with {dialect.meaning}",
        purpose=f"The same network as {of.id}, with {dialect.meaning}.",
        config=config,
        weights=_weights(of, cell, config),
        **taken,
    )


def _around_alpha(scenario: Scenario) -> Scenario:
    """Return the scenario with the arguments of few bits, which no precision rounds, and without saturation."""
    x = scenario.stored.x
    few = x[(np.abs(x) <= 1) & (x == np.rint(16 * x) / 16)].reshape(-1, 1, 1)
    return replace(
        scenario,
        x=few,
        declared=("degenerate",),
        d_out=np.where(few == DIALECTS[scenario.cell].options["activation_alpha"], 0.0, 1.0),
        d_h_n=None,
        gradient_purpose="Cotangents of all outputs, except at alpha, where there is no derivative.",
        purpose="An argument that is alpha itself, and its neighbours; nothing is rounded.",
    )


def _off_kinks(scenario: Scenario) -> Scenario:
    """Return the scenario with biases for units that rest: their candidate would be on the kink of an ELU."""
    weights = dict(scenario.stored.weights)
    biases = weights["bias_ih_l0"]
    weights["bias_ih_l0"] = np.where(biases == 0, 1 / 32, biases)
    return replace(scenario, weights=weights, purpose=f"{scenario.purpose.removesuffix('.')}, and no bias of zero.")


def _weights(of: Scenario, cell: str, config: Config) -> dict[str, Float64]:
    """Return a dialect's weights: those that the standard scenario has, too, and drawn numbers for the others."""
    found = {}
    for name, shape in weight_shapes(LAYOUTS[cell], config).items():
        standard = of.stored.weights.get(name.replace("_reverse", "") if config.direction else name)
        if standard is None:
            found[name] = dyadic(f"{of.id} {name}", shape, 0.75)
        else:
            found[name] = _leading(reorder(standard, LAYOUTS[of.cell].gates, LAYOUTS[cell].gates), shape)
    return found


def _leading(array: object, shape: Shape) -> Float64:
    """Return the first numbers along each axis."""
    return np.asarray(array, np.float64)[tuple(map(slice, shape))]
