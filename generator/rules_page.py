"""The rules of the definition as a page, ``docs/rules.md``, with the deviations that break each rule."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnn_goldens.corpus import open_corpus
from rnn_goldens.generator.deviation_page import Detected, page_of, wrapped
from rnn_goldens.generator.kill_matrix import Combination
from rnn_goldens.generator.rules import GROUPS, RULES, Group, Rule
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.plurals import listed

HEADER = """\
# Rules

<!-- Made by `make generate` from generator/rules/rules.toml and the kill matrices of fixtures/v2; do not edit. -->

The {rules} rules of [the definition](equations.md) and of its backward pass. Each names [deviations](deviations.md)
that break it, and the number of goldens that detect at least one of these deviations with a margin of at least
{enough:g}, in float64, float32, bfloat16 and float16. Rule numbers are permanent.

The goldens detect all deviations that break {complete} of the rules, in every precision. The others are marked: “not
all in bfloat16” means that some deviation is undetected in bfloat16, in some cell. “allowed”: a correct implementation
may break the rule in that precision. [Fuzzing](fuzzing.md) searches for violations that are not listed.

## Rules without a deviation

An implementation that breaks one of these may pass every golden, unless the text says what detects it.

"""

NO_GOLDEN = """
## Rules that no golden tests in some precision

In these cells and precisions, deviations break the rule and no golden detects any of them. The reasons are on the pages
of the deviations.

"""

_MAX_NAMES = 4
"""The largest number of undetected deviations that are named."""

_LINKS = 2
"""The largest number of deviations that the text of a rule names."""


@dataclass(frozen=True)
class InPrecision:
    """The coverage of a rule in a precision: what each golden detects, if anything, and what none does.

    Combinations that a correct implementation may have are allowed, not missed.
    """

    by_golden: Mapping[str, set[Combination]]
    missed: Sequence[tuple[str, str]]
    allowed: Sequence[Combination]

    @property
    def cells_without_golden(self) -> tuple[str, ...]:
        """The cells in which deviations break the rule, but none is detected."""
        shown = {cell for detected in self.by_golden.values() for _, cell, _ in detected}
        return tuple(dict.fromkeys(cell for _, cell in self.missed if cell not in shown))


def rule_coverage(rule: Rule, detected: Detected) -> dict[str, InPrecision]:
    """Return the coverage of a rule by precision."""
    return {precision: _in_precision(rule, precision, detected) for precision in PRECISIONS}


def _in_precision(rule: Rule, precision: str, detected: Detected) -> InPrecision:
    broken = [(name, cell, precision) for name in rule.deviations for cell in rule.cells_broken_by(name)]
    by_golden: dict[str, set[Combination]] = {}
    for combination in broken:
        for golden_id in detected.goldens[combination]:
            by_golden.setdefault(golden_id, set()).add(combination)
    undetected = [combination for combination in broken if combination in detected.undetected]
    allowed = [combination for combination in undetected if detected.is_allowed(combination)]
    return InPrecision(by_golden, [one[:2] for one in undetected if one not in allowed], allowed)


Shown = dict[Rule, dict[str, InPrecision]]


def page(folder: Path) -> str:
    """Return the page of a corpus with valid kill matrices."""
    detected = Detected(open_corpus(folder))
    shown = {rule: rule_coverage(rule, detected) for rule in RULES}
    complete = sum(
        bool(rule.broken_by) and not any(coverage.missed for coverage in found.values())
        for rule, found in shown.items()
    )
    parts = [
        HEADER.format(rules=len(RULES), enough=detected.enough, complete=complete),
        *_rules_without_deviation(),
        NO_GOLDEN,
        *_without_golden(shown),
        *(part for group in GROUPS for part in _group(group, shown)),
    ]
    return "".join(parts)


def _rule_link(rule: Rule) -> str:
    return f"[{rule.id}](#{rule.id.lower()})"


def _rules_without_deviation() -> Iterator[str]:
    """Yield the rules that no deviation breaks, in all cells or in some."""
    for rule in RULES:
        if rule.why_unbroken:
            without = rule.cells_without_deviation
            where = f" ({', '.join(without)})" if without != rule.cells else ""
            yield wrapped(
                f"- {_rule_link(rule)}{where}: {rule.sentence} {rule.why_unbroken[0].upper()}{rule.why_unbroken[1:]}.",
                "  ",
            )


def _without_golden(shown: Shown) -> Iterator[str]:
    for rule, found in shown.items():
        for precision, coverage in found.items():
            if without := coverage.cells_without_golden:
                names = tuple(dict.fromkeys(name for name, cell in coverage.missed if cell in without))
                first = _with_more([f"`{name}`" for name in names[:_MAX_NAMES]], len(names) - _MAX_NAMES)
                yield wrapped(f"- {_rule_link(rule)} in {precision} ({', '.join(without)}): {first}", "  ")


def _group(group: Group, shown: Shown) -> Iterator[str]:
    """Yield a paragraph for each rule."""
    yield f"\n## {group.title}\n"
    for rule in group.rules:
        where = f"*{', '.join(rule.cells)}*: " if set(rule.cells) != set(CELLS) else ""
        yield f"\n### {rule.id}\n\n"
        summary = [f"{where}{rule.sentence}"]
        if rule.broken_by:
            links = [f"[`{name}`]({page_of(name)}#{name})" for name, *_ in list(rule.matches.values())[:_LINKS]]
            broken_by = _with_more(links, len(rule.deviations) - len(links))
            summary += [f"Broken by {broken_by}.", _shown_by(shown[rule])]
        elif rule.why_unbroken:
            summary.append("No deviation breaks it.")
        yield wrapped(" ".join(summary))


def _shown_by(found: dict[str, InPrecision]) -> str:
    """Return the number of detecting goldens by precision, and the precisions in which a deviation is undetected."""
    # "allowed" where a correct implementation may have all of the deviations
    counts = [
        "allowed" if of.allowed and not (of.by_golden or of.missed) else f"{len(of.by_golden)}" for of in found.values()
    ]
    summary = f"Goldens: {', '.join(counts) if len(set(counts)) > 1 else f'{counts[0]} each'}."
    if missed := [precision for precision, coverage in found.items() if coverage.missed]:
        summary += f" Not all in {listed(missed)}."
    return summary


def _with_more(names: Sequence[str], more: int) -> str:
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")
