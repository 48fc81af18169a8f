"""The pages: how many edits there were and what became of them, and every one that is not plainly killed."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from benchmarks import page, page_check
from benchmarks.mutation.drawn_questions import ASKED_IN, EACH
from benchmarks.mutation.edits import KINDS
from benchmarks.mutation.running import Mutant
from rnn_goldens.golden.shapes import CELLS

PAGE = "mutation.md"
EQUIVALENT = "mutation-equivalent.md"
LONGEST = 158

INTRODUCTION = f"""# Random edits of right networks

<!-- Made by `python -m benchmarks.mutation --write`; do not edit. -->

Right networks in three languages are edited at random, and asked every golden in float64 and in float32. Even seeds
make one small edit, odd seeds two. An edit is killed by the first golden that rejects its answer.

What no golden kills is asked {EACH * len(CELLS)} drawn questions with certified answers, of all cells: small
shapes, and numbers of float32 from tiny to large. One that fails there survives: the corpus has a hole. One that passes
all of them is equivalent: its numbers are the same to the last bit, or but for rounding;
[each is listed](mutation-equivalent.md). One that raises an error on the first golden of its cell does not run, and
counts as neither. Two seeds that give the same text count once.

Under float64 and float32 stands how many are killed in each; one may be wrong in float64 alone, if it rounds to
float32. Core survivors are those that the core set alone lets pass in some precision."""

COLUMNS: page_check.Columns = {
    **dict.fromkeys(("seeds", "edits", "do not run", "equivalent"), page_check.FIXED),
    "but for rounding": page_check.LIKE_FOR_LIKE,
    **dict.fromkeys(("not equivalent", *ASKED_IN, "survivors", "core survivors"), page_check.FIXED),
}
"""How the page is held against what was measured."""


def runs(mutant: Mutant) -> bool:
    """Whether it is a network at all."""
    return mutant.outcome.runs


def killed(precision: str) -> Callable[[Mutant], bool]:
    """Whether some golden kills it in a precision."""
    return lambda mutant: runs(mutant) and precision in mutant.outcome.by_corpus


def survives(mutant: Mutant) -> bool:
    """Whether it passes every golden and is wrong, in some precision."""
    return bool(mutant.outcome.by_drawn)


def is_equivalent(mutant: Mutant) -> bool:
    """Whether nothing tells it from the unedited network, in either precision."""
    return not mutant.outcome.by_corpus and not mutant.outcome.by_drawn


def right_in_one(mutant: Mutant) -> bool:
    """Whether one precision kills it, and nothing tells it from the unedited network in the other."""
    return len(mutant.outcome.by_corpus) == 1 and not survives(mutant)


def survives_core(mutant: Mutant) -> bool:
    """Whether the core set alone lets it pass, in some precision in which it is wrong."""
    outcome = mutant.outcome
    return bool((set(outcome.by_corpus) | set(outcome.by_drawn)) - set(outcome.by_core))


def page_of(found: Mapping[str, Sequence[Mutant]], seeds: int, first: int) -> str:
    """The page of all, with the part that is checked by every change."""
    everything = [mutant for mutants in found.values() for mutant in mutants]
    kinds = [(kind, [m for m in everything if [e.kind for e in m.edits] == [kind]]) for kind in KINDS]
    pairs = [mutant for mutant in everything if len(mutant.edits) > 1]
    survivors, core = filter(survives, everything), filter(survives_core, filter(runs, everything))
    return "\n".join(
        [
            f"{INTRODUCTION}\n\n{page.versions('numpy')}.\n",
            "## By language\n",
            _table("language", found.items(), seeds),
            share(found, first),
            "## By kind of edit\n",
            _table("kind", [*kinds, ("two at once", pairs)]),
            "## Survivors\n\nWhat passes every golden, and the drawn question that tells it.\n",
            _listed(survivors, lambda mutant: _killers(mutant.outcome.by_drawn)),
            "## Survivors of the core set\n\nWhat the goldens outside it are needed for.\n",
            _listed(core, lambda mutant: _killers(mutant.outcome.by_corpus)),
        ]
    )


def share(found: Mapping[str, Sequence[Mutant]], first: int) -> str:
    """The part of the page about the first seeds of each language."""
    part = {language: [m for m in mutants if m.seed < first] for language, mutants in found.items()}
    return f"## The first {first} seeds\n\n" + _table("language", part.items(), first)


def equivalent_page(found: Mapping[str, Sequence[Mutant]]) -> str:
    """Every equivalent edit, for a reader to judge."""
    parts = [
        "# Edits that change nothing\n\n"
        "<!-- Made by `python -m benchmarks.mutation --write`; do not edit. -->\n\n"
        f"The edits of [mutation.md]({PAGE}) that no golden and no drawn question tells from the unedited network,\n"
        "each with its seed. The answers of some are the same to the last bit. Those of others are the same but for\n"
        "rounding: how far any number is from the unedited network's is given as a fraction of the tolerance. At the\n"
        "end of each language stand those that are right in one precision and killed in the other.\n"
    ]
    for language, mutants in found.items():
        parts.append(f"## {language}\n")
        parts.append(_listed(filter(is_equivalent, mutants), how_equivalent))
        parts.append(f"### {language}, right in one precision\n")
        parts.append(_listed(filter(right_in_one, mutants), lambda mutant: _killers(mutant.outcome.by_corpus)))
    return "\n".join(parts)


def how_equivalent(mutant: Mutant) -> str:
    """In which of the two ways."""
    apart = mutant.outcome.apart
    return f"the same but for rounding, {apart:.2f} of the tolerance at most" if apart else "the same numbers"


def described(mutant: Mutant) -> str:
    """The edit as lines of a diff, after its seed."""
    return "\n".join([f"{mutant.language} {mutant.seed}: {_kinds(mutant)}", *_diff(mutant)])


def _listed(mutants: Iterable[Mutant], said: Callable[[Mutant], str]) -> str:
    entries = [
        "\n".join(map(_short, [f"# {m.language} {m.seed}: {_kinds(m)}", f"# {said(m)}", *_diff(m)])) for m in mutants
    ]
    return "```diff\n" + "\n".join(entries) + "\n```\n" if entries else "None.\n"


def _diff(mutant: Mutant) -> Iterator[str]:
    for name, text in mutant.files.items():
        before = mutant.clean[name].splitlines()
        for line in list(difflib.unified_diff(before, text.splitlines(), n=0, lineterm=""))[2:]:
            if not line.startswith("@@"):
                yield line


def _kinds(mutant: Mutant) -> str:
    return " and ".join(edit.kind for edit in mutant.edits)


def _killers(by: Mapping[str, str]) -> str:
    if not by:
        return "passes every golden"
    precisions = {killer: " and ".join(p for p in by if by[p] == killer) for killer in by.values()}
    return ", ".join(f"{precision}: {killer}" for killer, precision in precisions.items())


def _short(line: str) -> str:
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _table(of: str, groups: Iterable[tuple[str, Sequence[Mutant]]], seeds: int | None = None) -> str:
    rows = [(name, _counts(mutants, seeds)) for name, mutants in groups]
    if seeds is not None:
        rows.append(("together", {header: sum(counts[header] for _, counts in rows) for header in rows[0][1]}))
    return page.table([of, *rows[0][1]], [(name, *counts.values()) for name, counts in rows])


def _counts(mutants: Sequence[Mutant], seeds: int | None) -> dict[str, int]:
    running = [mutant for mutant in mutants if runs(mutant)]
    equivalent = [mutant for mutant in running if is_equivalent(mutant)]
    return ({} if seeds is None else {"seeds": seeds}) | {
        "edits": len(mutants),
        "do not run": len(mutants) - len(running),
        "equivalent": len(equivalent),
        "but for rounding": sum(mutant.outcome.apart > 0 for mutant in equivalent),
        "not equivalent": len(running) - len(equivalent),
        **{precision: sum(map(killed(precision), running)) for precision in ASKED_IN},
        "survivors": sum(map(survives, running)),
        "core survivors": sum(map(survives_core, running)),
    }
