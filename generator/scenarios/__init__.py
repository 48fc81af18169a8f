"""Every scenario of the corpus, from simple to hard, and the version they make up."""

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios import documented, special, variants

VERSION = "1.1.0"
"""Of the corpus. MAJOR: a published value or the format changed; MINOR: goldens added; PATCH: provenance or wording."""

SCENARIOS: tuple[Scenario, ...] = (*documented.SCENARIOS, *variants.scenarios(), *special.special())
