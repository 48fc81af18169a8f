"""The rules of the definition for people: ``docs/rules.md``, each with what breaks it and which goldens show it.

python -m rnn_goldens.generator.rules_page fixtures/v1 docs/rules.md
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rnn_goldens.cells import DEFINED
from rnn_goldens.corpus import open_corpus
from rnn_goldens.generator.deviation_family import wrapped
from rnn_goldens.generator.deviation_page import page_of
from rnn_goldens.generator.equations_page import equations
from rnn_goldens.generator.rules import GROUPS, RULES, Group, Rule
from rnn_goldens.generator.rules.shown import InPrecision, Missed, ShownRules
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS
from rnn_goldens.writing import write_whole

HEADER = """\
# The rules, and what shows them

<!-- Made by `make generate` from generator/rules and the kill matrices of fixtures/v1; do not edit. -->

What an implementation has to do, rule by rule: {rules} rules of [the definition](equations.md) and of its way back.
Each is tied to the [deviations](deviations.md) that break it, and so to the goldens that show these with a margin of at
least {enough:g}. A number stays with its rule: none is given twice.

{whole} rules are shown in every precision, against everything here that breaks them, wherever that is wrong. What is
not stands in [What nothing shows](#what-nothing-shows), and below its rule. A rule that is shown can still be broken in
ways that nobody thought of: [drawn goldens](fuzzing.md) look for these.

In the tables: how many deviations break a rule, and how many goldens show at least one of them, in each precision.

- `*`: not every deviation is shown in every cell that it can befall; below the table it says which are not.
- none: no golden shows any.
- ok: a correct implementation may do all that breaks it in a higher precision.
- `-`: no deviation breaks it.
"""

NOTHING = """
## What nothing shows

### Rules that no deviation breaks

An implementation that breaks one of these may pass every golden, unless it says here what sees it.

"""

NO_GOLDEN = """
### Rules that no golden shows in some precision

Deviations break these, and in the cells and precisions below no golden shows any of them.

"""

_MOST = 4
"""So many goldens are named, one for each cell, and so many deviations that are not shown."""

Shown = dict[Rule, dict[str, InPrecision]]
Names = tuple[str, ...]
Cells = tuple[str, ...]


def page(folder: Path) -> str:
    """The page of a corpus, whose kill matrices are known to be valid."""
    rules = ShownRules(open_corpus(folder))
    shown = {rule: rules.of(rule) for rule in RULES}
    whole = sum(
        bool(rule.broken_by) and not any(seen.missed for seen in found.values()) for rule, found in shown.items()
    )
    parts = [
        HEADER.format(rules=len(RULES), enough=rules.enough, whole=whole),
        NOTHING,
        *_unbroken(),
        NO_GOLDEN,
        *_without_golden(shown),
        *(part for group in GROUPS for part in _group(group, shown)),
    ]
    return "".join(parts)


def _is_whole(rule: Rule, found: dict[str, InPrecision]) -> bool:
    """Whether something breaks a rule in each of its cells, and all of it is shown where it is wrong."""
    return not rule.cells_without and not any(seen.missed for seen in found.values())


def deviation_link(name: str) -> str:
    """A deviation, linked to where its family's page tells of it."""
    return f"[`{name}`]({page_of(name)}#{name})"


def _rule_link(rule: Rule) -> str:
    return f"[{rule.id}](#{rule.id.lower()})"


def _unbroken() -> Iterator[str]:
    """Rules that no deviation breaks, at all or in some cell."""
    for rule in RULES:
        if rule.unbroken:
            without = rule.cells_without
            where = f" ({', '.join(without)})" if without != rule.cells else ""
            yield wrapped(
                f"- {_rule_link(rule)}{where}: {rule.sentence} {rule.unbroken[0].upper()}{rule.unbroken[1:]}.", "  "
            )


def _without_golden(shown: Shown) -> Iterator[str]:
    for rule, found in shown.items():
        for precision, seen in found.items():
            if without := seen.cells_without:
                missed = [m for m in seen.missed if m.cell in without]
                yield wrapped(f"- {_rule_link(rule)} in {precision} ({', '.join(without)}): {rule.sentence}", "  ")
                for names, cells, reason in _by_reason(missed):
                    yield wrapped(f"  - {_few(names)}{_within(cells, without)}: {reason}.", "    ")


def _group(group: Group, shown: Shown) -> Iterator[str]:
    """A table, and then every rule."""
    yield f"\n## {group.title}\n\n| | rule | broken by | {' | '.join(PRECISIONS)} |\n"
    yield f"|---|---|---|{'---|' * len(PRECISIONS)}\n"
    for rule in group.rules:
        columns = [_column(rule, seen) for seen in shown[rule].values()]
        yield f"| {_rule_link(rule)} | {rule.sentence} | {len(rule.deviations) or '-'} | {' | '.join(columns)} |\n"
    yield "\n"
    for rule in group.rules:
        yield from _entry(rule, shown[rule])


def _column(rule: Rule, seen: InPrecision) -> str:
    """How a rule is shown in a precision, in a word."""
    if not rule.broken_by:
        return "-"
    if seen.is_no_error:
        return "ok"
    return f"{len(seen.goldens) or 'none'}{'*' if seen.missed and seen.goldens else ''}"


def _entry(rule: Rule, found: dict[str, InPrecision]) -> Iterator[str]:
    """What says it, what breaks it, what shows it, and what does not."""
    where = _within(rule.cells, CELLS)
    yield f"\n### {rule.id}\n\n"
    yield wrapped(f"- {f'{where.strip()}: ' if where else ''}{rule.sentence}", "  ")
    if rule.lines:
        yield "".join(f"  {line}\n" for line in ("```", *_lines(rule), "```"))
    if rule.said_by:
        yield wrapped(f"  In the definition: {', '.join(f'`{step.__qualname__}`' for step in rule.said_by)}.", "  ")
    if rule.broken_by:
        yield wrapped(f"  Broken by {', '.join(map(_broken_by, rule.together.values()))}.", "  ")
        yield wrapped(f"  {_shown_by(found)}", "  ")
        yield from _not_shown(rule, found)
    if rule.unbroken:
        yield wrapped(f"  No deviation breaks it{_within(rule.cells_without, rule.cells)}: {rule.unbroken}.", "  ")


def _lines(rule: Rule) -> Iterator[str]:
    """Those of the equations that say it."""
    for cell, names in rule.lines.items():
        for line in equations(DEFINED[cell]):
            if line.partition(" = ")[0] in names:
                yield line


def _broken_by(names: Sequence[str]) -> str:
    """Deviations that are declared together."""
    if len(names) > _MOST:
        return f"{deviation_link(names[0])} and {len(names) - 1} like it"
    return ", ".join(map(deviation_link, names))


def _shown_by(found: dict[str, InPrecision]) -> str:
    """The fewest goldens that show all that is shown, for precisions that have the same together."""
    together: dict[tuple[str, ...], list[str]] = {}
    for precision, seen in found.items():
        if seen.goldens:
            together.setdefault(tuple(seen.fewest), []).append(precision)
    said = [f"{_listed(precisions)} by {_goldens(fewest)}" for fewest, precisions in together.items()]
    return f"Shown in {'; in '.join(said)}." if said else "Shown by nothing."


def _goldens(fewest: Sequence[str]) -> str:
    more = len(fewest) - _MOST
    return ", ".join(f"`{golden_id}`" for golden_id in fewest[:_MOST]) + (f" and {more} more" if more > 0 else "")


def _not_shown(rule: Rule, found: dict[str, InPrecision]) -> Iterator[str]:
    for precision, seen in found.items():
        for names, cells, reason in _by_reason(seen.missed):
            yield wrapped(f"  - not in {precision}: {_few(names)}{_within(cells, rule.cells)}: {reason}.", "    ")
    allowed: dict[str, list[str]] = {}
    for precision, seen in found.items():
        for names, cells in _by_cells((name, cell) for name, cell, _ in seen.allowed):
            said = f"{', '.join(f'`{name}`' for name in names)}{_within(cells, rule.cells)}"
            allowed.setdefault(said, []).append(precision)
    for said, precisions in allowed.items():
        yield wrapped(f"  - no error in {_listed(precisions)}: {said}.", "    ")


def _by_reason(missed: Sequence[Missed]) -> Iterator[tuple[Names, Cells, str]]:
    """Deviations, and the cells that they are not shown in, for a reason that they have in common."""
    for reason in dict.fromkeys(m.reason for m in missed):
        for names, cells in _by_cells((m.deviation, m.cell) for m in missed if m.reason == reason):
            yield names, cells, reason


def _by_cells(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[Names, Cells]]:
    """Of deviations and cells, the deviations that have their cells in common."""
    by_name: dict[str, Cells] = {}
    for name, cell in pairs:
        by_name[name] = (*by_name.get(name, ()), cell)
    for cells in dict.fromkeys(by_name.values()):
        yield tuple(name for name, where in by_name.items() if where == cells), cells


def _within(cells: Cells, of: Cells) -> str:
    """Some cells in brackets; nothing where they are all that are spoken of."""
    return "" if set(cells) == set(of) else f" ({', '.join(cells)})"


def _few(names: Sequence[str]) -> str:
    more = len(names) - _MOST
    return ", ".join(f"`{name}`" for name in names[:_MOST]) + (f" and {more} more" if more > 0 else "")


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def main() -> None:
    """Write the page of a corpus."""
    folder, target = map(Path, sys.argv[1:])
    write_whole(target, page(folder).encode("utf-8"))


if __name__ == "__main__":
    main()
