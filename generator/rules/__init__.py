"""The numbered rules of the definition, and the deviations that break each of them, from ``rules.toml``."""

import tomllib
from importlib import resources

from rnn_goldens.generator.rules.rule import Group, Rule, from_row

_DATA = tomllib.loads((resources.files(__name__) / "rules.toml").read_text("utf-8"))

RULES: tuple[Rule, ...] = tuple(from_row(number, row) for number, row in _DATA["rules"].items())

GROUPS: tuple[Group, ...] = tuple(
    Group(letter, title, tuple(rule for rule in RULES if rule.id.rstrip("0123456789") == letter))
    for letter, title in _DATA["groups"].items()
)
"""All groups, in the order of ``docs/rules.md``."""

__all__ = ["GROUPS", "RULES", "Group", "Rule"]
