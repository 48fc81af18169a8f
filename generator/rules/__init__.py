"""The numbered rules of the definition, and the deviations that break each of them."""

from rnn_goldens.generator.rules.arithmetic import ARITHMETIC, CALLS
from rnn_goldens.generator.rules.axes import AXES
from rnn_goldens.generator.rules.directions import DIRECTIONS, LAYERS
from rnn_goldens.generator.rules.equations import EQUATIONS
from rnn_goldens.generator.rules.gradients import GRADIENTS
from rnn_goldens.generator.rules.lengths import LENGTHS
from rnn_goldens.generator.rules.rule import Group, Rule
from rnn_goldens.generator.rules.states import STATES
from rnn_goldens.generator.rules.weights import WEIGHTS

GROUPS: tuple[Group, ...] = (
    EQUATIONS,
    WEIGHTS,
    AXES,
    STATES,
    LENGTHS,
    DIRECTIONS,
    LAYERS,
    ARITHMETIC,
    CALLS,
    GRADIENTS,
)
"""All groups, in the order of ``docs/rules.md``."""

RULES: tuple[Rule, ...] = tuple(rule for group in GROUPS for rule in group.rules)

__all__ = ["GROUPS", "RULES", "Group", "Rule"]
