"""The page of a report: the content of an HTML page, and Markdown, in which text of files and programs is escaped."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from rnn_goldens.control_characters import visible
from rnn_goldens.corpus import packaged
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import INPUT_TYPES, PRECISIONS
from rnn_goldens.golden.recurrences import INTEGER_LSTMS, RECURRENCES
from rnn_goldens.golden.rounding_profile import profile_named
from rnn_goldens.pages import About, Checked, Content
from rnn_goldens.plugin.report_file import check_command
from rnn_goldens.plurals import counted
from rnn_goldens.report.check_request import CheckRequest
from rnn_goldens.report.earlier_reports import changes, in_words

Document = dict[str, Any]

HEADER = """\
# Conformance

Implementations ran the goldens of corpus {corpus}: each entry says how many passed, in brackets the largest error as a
fraction of the tolerance, how many were refused (not supported), and how many are **wrong**. Engines that need an
environment of their own are measured apart; [versions](#versions) names the corpus of a row if it is an earlier one.

<!-- Written by `rnn-goldens report`; do not edit. -->

Made {made}. The JSON file has the full messages.
"""

RECURRENCES_BY_CONTRACT = """
## Recurrences

By the contract that is declared for each implementation.
"""

GRADIENTS = """\
The same counts for gradients, over all cells, for goldens with gradients in that precision. Gradients
that an implementation does not return are not counted as right, and are listed below.
"""

TITLES = {"rnn_tanh": "tanh RNN", "rnn_relu": "relu RNN", "lstm": "LSTM", "gru": "GRU"}

_LONG = 100

_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKUP = re.compile(r"[\\`|]|\](?=[(\[:])")
"""Characters with a meaning in a paragraph or a table; a bracket only if it makes a link."""


def content(
    found: Sequence[Checked],
    document: Document,
    request: CheckRequest,
    earlier: tuple[str, Document] | None = None,
) -> Content:
    """Return the content of the page of a report, given the name and content of an earlier report, if any."""
    versions = {i["name"]: i["versions"] for i in document["implementations"]}
    corpus = request.corpus
    more = [] if corpus.folder in packaged().values() else [f"--rnn-goldens-corpus={corpus.folder}"]
    return Content(
        title="rnn-goldens: implementations",
        checked=[part for one in found for part in _for_page(one, versions[one.name], more)],
        about={entry.id: About(entry.cell, entry.features) for entry in corpus.entries},
        made_with={"corpus": document["corpus"], **document["made_with"]},
        since="" if earlier is None else earlier[0],
        moved=() if earlier is None else tuple(changes(earlier[1], document)),
    )


def _for_page(one: Checked, versions: Mapping[str, str], more: Sequence[str]) -> Iterator[Checked]:
    """Yield the results of an implementation for the page, then the results of its gradients."""
    yield replace(one, versions=versions, command=partial(check_command, one.name, more))
    if one.gradients is not None:
        command = partial(check_command, one.name, [*more, "--rnn-goldens-gradients"])
        yield replace(one.gradients, name=f"{one.name}: gradients", causes=(), versions=versions, command=command)


def page(document: Document) -> str:
    """Return the page of a valid document as Markdown."""
    every = document["implementations"]
    networks, recurrences = _grouped(_cells(every))
    parts = [
        HEADER.format(corpus=document["corpus"], made=_made(document["made_with"])),
        *(f"\n## {TITLES.get(cell, cell)}\n\n{_table(every, [cell])}" for cell in networks),
        RECURRENCES_BY_CONTRACT if recurrences else "",
        *(f"\n### {cell}\n\n{_table(every, [cell])}" for cell in recurrences),
        _section("What is wrong", _disagreements(every)),
        _section("What was refused", _refusals(every)),
        *_gradients([{**i, **i["gradients"]} for i in every if "gradients" in i]),
        _section("Versions", map(_versions, every)),
    ]
    return "".join(parts)


def _cells(implementations: Sequence[Document]) -> list[str]:
    """Return the cells of which any implementation has a result, standard ones first; standard ones if none."""
    results = [result for i in implementations for result in i["results"]]
    checked = {r["cell"] for r in results if _is_checked([r])} or {*CELLS}
    in_order = dict.fromkeys([*CELLS, *RECURRENCES, *(r["cell"] for r in results)])
    return [cell for cell in in_order if cell in checked]


def _grouped(cells: Sequence[str]) -> Iterator[list[str]]:
    """Yield the cells without a contract, then those with one."""
    yield from ([cell for cell in cells if _has_contract(cell) is has] for has in (False, True))


def _versions(implementation: Document) -> str:
    """Return the versions of an implementation, and what another report that it is from was made with."""
    listed = ", ".join(plain(f"{name} {version}") for name, version in implementation["versions"].items())
    text = code(in_words(implementation)) + (f": {listed}" if listed else "")
    text += f"; made {_made(implementation['made_with'])}" if "made_with" in implementation else ""
    return text + (plain(f"; corpus {implementation['corpus']} only") if "corpus" in implementation else "")


def _made(made: Document) -> str:
    text = f"with rnn-goldens {made['rnn-goldens']} on Python {made['python']}, {made['machine']}"
    text += f", on {made['date']}" if "date" in made else ""
    return plain(text + (f", revision {made['revision']}" if "revision" in made else ""))


def _table(implementations: Sequence[Document], cells: Collection[str]) -> str:
    with_contract = ["contract"] if any(map(_has_contract, cells)) else []
    dtypes = _dtypes(implementations, cells)
    header = [*with_contract, *dtypes]
    lines = [f"| | {' | '.join(header)} |\n|---|{'---|' * len(header)}\n"]
    for i in implementations:
        of_cells = [result for result in i["results"] if result["cell"] in cells]
        if _is_checked(of_cells) or not _is_checked(i["results"]):
            contract = [", ".join(profile_named(i.get("profile", ())).of_recurrences)] if with_contract else []
            entries = [_entry([result for result in of_cells if result["dtype"] == dtype]) for dtype in dtypes]
            name = code(i["name"] if with_contract else in_words(i))
            lines.append(f"| {' | '.join([name, *contract, *entries])} |\n")
    return "".join(lines)


def _dtypes(implementations: Sequence[Document], cells: Collection[str]) -> list[str]:
    """Return the precisions; of integer LSTMs, the types in which a golden was checked."""
    if not INTEGER_LSTMS.keys() >= {*cells}:
        return [*PRECISIONS]
    results = [result for i in implementations for result in i["results"] if result["cell"] in cells]
    return [dtype for dtype in INPUT_TYPES if _is_checked([r for r in results if r["dtype"] == dtype])]


def _is_checked(results: Sequence[Document]) -> bool:
    return any(result["passed"] or result["refused"] or result["wrong"] for result in results)


def _has_contract(cell: str) -> bool:
    """Return whether goldens of a cell are checked by a contract, which a column states."""
    return cell in RECURRENCES


def _entry(results: Sequence[Document]) -> str:
    """Return the counts of results, and the largest error of those that passed."""
    passed, refused, wrong = (sum(r[outcome] for r in results) for outcome in ("passed", "refused", "wrong"))
    errors = [result["largest_error"] for result in results if result["largest_error"] is not None]
    largest = f" ({max(errors):.2f})" if errors else ""
    shown = {f"{passed} passed{largest}": passed, f"{refused} refused": refused, f"**{wrong} wrong**": wrong}
    return ", ".join(text for text, count in shown.items() if count) or "not checked"


def _disagreements(implementations: Sequence[Document]) -> Iterator[str]:
    """Yield a line for each unexpectedly wrong golden, and one for each reason of known failures."""
    for i in implementations:
        known: dict[str, list[Document]] = {}
        for d in i["disagreements"]:
            if d["known"]:
                known.setdefault(d["known"], []).append(d)
            else:
                yield f"{code(in_words(i))}, {d['golden']}, {d['dtype']}: {plain(d['reason'])}"
        for reason, (d, *more) in known.items():
            first = f"{d['golden']}, {d['dtype']}: {plain(_short(d['reason']))}"
            many = counted(1 + len(more), "golden")
            yield f"{code(in_words(i))}, {many}, known: {plain(reason)}. The first: {first}"


def _refusals(implementations: Sequence[Document]) -> Iterator[str]:
    """Yield a line for each reason, with the cells and precisions if they are not all."""
    for i in implementations:
        for r in i["refusals"]:
            some = [
                ", ".join(r[of]) for of, every in (("cells", CELLS), ("dtypes", PRECISIONS)) if set(r[of]) != {*every}
            ]
            where = f" ({'; '.join(some)})" if some else ""
            yield f"{code(in_words(i))}, {counted(r['count'], 'golden')}{where}: {plain(_short(r['reason']))}"


def _short(reason: str) -> str:
    """Return a reason, shortened if it is long; the JSON file has all of it."""
    return reason if len(reason) <= _LONG else f"{reason[: _LONG - 1]}…"


def _gradients(implementations: Sequence[Document]) -> Iterator[str]:
    """Yield the table and lists of gradients, over all cells; nothing if no gradients were checked."""
    if not implementations:
        return
    tables = [_table(implementations, cells) for cells in _grouped(_cells(implementations)) if cells]
    yield f"\n## Gradients\n\n{GRADIENTS}\n" + "\n".join(tables)
    yield _section("Which gradients are wrong", _disagreements(implementations))
    yield _section("Which gradients were refused", _refusals(implementations))
    left_out = (
        f"{code(in_words(i))}: " + ", ".join(f"{code(name)} in {counted(n, 'golden')}" for name, n in some.items())
        for i in implementations
        if (some := i["not_checked"])
    )
    yield _section("Which gradients were left out", left_out)


def _section(title: str, items: Iterable[str]) -> str:
    return f"\n## {title}\n\n" + ("".join(f"- {item}\n" for item in items) or "Nothing.\n")


def plain(text: str) -> str:
    """Return text with its markup escaped, except stars and underlines, which at most change its style."""
    return _MARKUP.sub(r"\\\g<0>", _on_one_line(text).translate(_HTML))


def code(text: str) -> str:
    """Return text as code, for a paragraph or for a table, where a bar in a code span would end the cell."""
    summary = _on_one_line(text)
    if set(summary) & set("`|\\<>&"):
        return f"<code>{plain(summary)}</code>"
    return f"`{summary}`"


def _on_one_line(text: str) -> str:
    return visible(" ".join(text.split()))
