"""Scenarios of recurrences: small, each with a purpose."""

from rnn_goldens.deviations.recurrences.edits import ATTENTION
from rnn_goldens.generator.recurrence_scenario import RecurrenceScenario
from rnn_goldens.generator.scenarios.recurrences.attention import (
    ATTENTION_VARIANTS,
    EXACT_VARIANTS,
    draw_attention,
    draw_exact,
)
from rnn_goldens.generator.scenarios.recurrences.models import MODELS, draw_model
from rnn_goldens.generator.scenarios.recurrences.other_recurrences import SCANS, draw_scan
from rnn_goldens.generator.scenarios.recurrences.templates import Call, Variant


def scenarios() -> tuple[RecurrenceScenario, ...]:
    """Return all scenarios of recurrences."""
    found = [
        variant.scenario(cell, draw)
        for cell in ATTENTION
        for variants, draw in ((ATTENTION_VARIANTS, draw_attention), (EXACT_VARIANTS, draw_exact))
        for variant in variants
        if cell in variant.cells
    ]
    for of_cells, draw in ((SCANS, draw_scan), (MODELS, draw_model)):
        found += [variant.scenario(cell, draw) for cell, variants in of_cells.items() for variant in variants]
    return tuple(found)


__all__ = ["ATTENTION", "MODELS", "Call", "Variant", "draw_attention", "draw_model", "draw_scan", "scenarios"]
