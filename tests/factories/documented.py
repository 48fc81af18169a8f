"""The documented scenarios without cotangents, for tests that generate a small corpus."""

from factories.cotangents import without_cotangents

from rnn_goldens.generator.scenarios import NETWORKS

DOCUMENTED = [without_cotangents(scenario) for scenario in NETWORKS if scenario.id.startswith("documented/")]
