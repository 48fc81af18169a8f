"""The page of a report: the content of an HTML page, and Markdown, in which text of files and programs is escaped."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from rnn_goldens.corpus import packaged
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.pages.content import About, Checked, Content
from rnn_goldens.plugin.report import check_command
from rnn_goldens.plurals import counted
from rnn_goldens.report.conformance import CheckRequest, ImplementationResults
from rnn_goldens.report.earlier_reports import changes
from rnn_goldens.visible import visible

Document = dict[str, Any]

HEADER = """\
# Conformance

Implementations ran the goldens of corpus {corpus}: each entry says how many passed, in brackets the largest error as a
fraction of the tolerance, how many were refused (not supported), and how many are **wrong**. Engines that need an
environment of their own are measured apart; [versions](#versions) names the corpus of a row if it is an earlier one.

<!-- Written by `rnn-goldens report`; do not edit. -->

Made {made}. The JSON file has the full messages.
"""

GRADIENTS = """\
The same counts for [gradients](gradients.md), over all cells, for goldens with gradients in that precision. Gradients
that an implementation does not return are not counted as right, and are listed below.
"""

TITLES = {"rnn_tanh": "tanh RNN", "rnn_relu": "relu RNN", "lstm": "LSTM", "gru": "GRU"}

_LONG = 100

_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKUP = re.compile(r"[\\`|]|\](?=[(\[:])")
"""Characters with a meaning in a paragraph or a table; a bracket only if it makes a link."""


def content(
    found: Sequence[ImplementationResults],
    document: Document,
    request: CheckRequest,
    earlier: tuple[str, Document] | None = None,
) -> Content:
    """Return the content of the page.

    Args:
        found: the results of each implementation.
        document: the report.
        request: the request of the report.
        earlier: name and content of an earlier report.
    """
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


def _for_page(one: ImplementationResults, versions: Mapping[str, str], more: Sequence[str]) -> Iterator[Checked]:
    """Yield the results of an implementation for the page, then the results of its gradients."""
    yield replace(one.outputs, versions=versions, command=partial(check_command, one.name, more))
    if one.gradients is not None:
        command = partial(check_command, one.name, [*more, "--rnn-goldens-gradients"])
        yield replace(one.gradients, name=f"{one.name}: gradients", causes=(), versions=versions, command=command)


def page(document: Document) -> str:
    """Return the page of a valid document."""
    parts = [
        HEADER.format(corpus=document["corpus"], made=_made(document["made_with"])),
        *(line for cell in CELLS for line in _table(document, cell)),
        _section("What is wrong", _disagreements(document["implementations"])),
        _section("What was refused", _refusals(document["implementations"])),
        *_gradients(document),
        *_versions(document),
    ]
    return "".join(parts)


def _versions(document: Document) -> Iterator[str]:
    yield "\n## Versions\n\n"
    for i in document["implementations"]:
        versions = ", ".join(plain(f"{name} {version}") for name, version in i["versions"].items())
        yield f"- {code(i['name'])}{': ' if versions else ''}{versions}{_elsewhere(i.get('made_with'))}{_of(i)}\n"


def _made(made: Document) -> str:
    """Return the versions, the machine and, if it is stated, the day and the revision of a report."""
    text = f"with rnn-goldens {made['rnn-goldens']} on Python {made['python']}, {made['machine']}"
    text += f", on {made['date']}" if "date" in made else ""
    return plain(text + (f", revision {made['revision']}" if "revision" in made else ""))


def _elsewhere(made: Document | None) -> str:
    """Return how another report was made that has an implementation; "" if it is of this report."""
    return "" if made is None else f"; made {_made(made)}"


def _of(implementation: Document) -> str:
    """Return the corpus version of an implementation that was checked against an earlier version."""
    return plain(f"; corpus {implementation['corpus']} only") if "corpus" in implementation else ""


def _table(document: Document, cell: str) -> Iterator[str]:
    yield f"\n## {TITLES[cell]}\n\n| | {' | '.join(PRECISIONS)} |\n|---|{'---|' * len(PRECISIONS)}\n"
    for i in document["implementations"]:
        entries = {r["dtype"]: _entry(r) for r in i["results"] if r["cell"] == cell}
        yield f"| {code(i['name'])} | {' | '.join(entries[dtype] for dtype in PRECISIONS)} |\n"


def _entry(result: Document) -> str:
    summary = []
    if result["passed"]:
        largest = result["largest_error"]
        summary.append(f"{result['passed']} passed" + ("" if largest is None else f" ({largest:.2f})"))
    if result["refused"]:
        summary.append(f"{result['refused']} refused")
    if result["wrong"]:
        summary.append(f"**{result['wrong']} wrong**")
    return ", ".join(summary) or "not checked"


def _disagreements(implementations: list[Document]) -> list[str]:
    """Return a line for each unexpectedly wrong golden, and one for each reason of known failures."""
    items = []
    for i in implementations:
        known = [d["known"] for d in i["disagreements"] if d["known"]]
        items += [
            f"{code(i['name'])}, {d['golden']}, {d['dtype']}: {plain(d['reason'])}"
            for d in i["disagreements"]
            if not d["known"]
        ]
        for reason in dict.fromkeys(known):
            d = next(d for d in i["disagreements"] if d["known"] == reason)
            first = f"{d['golden']}, {d['dtype']}: {plain(_short(d['reason']))}"
            many = counted(known.count(reason), "golden")
            items.append(f"{code(i['name'])}, {many}, known: {plain(reason)}. The first: {first}")
    return items


def _refusals(implementations: list[Document]) -> list[str]:
    return [
        f"{code(i['name'])}, {counted(r['count'], 'golden')}"
        f"{_in_brackets(_some(r['cells'], CELLS), _some(r['dtypes'], PRECISIONS))}: {plain(_short(r['reason']))}"
        for i in implementations
        for r in i["refusals"]
    ]


def _short(reason: str) -> str:
    """Return a reason, shortened if it is long; the JSON file has all of it."""
    return reason if len(reason) <= _LONG else f"{reason[: _LONG - 1]}…"


def _some(names: list[str], of: Collection[str]) -> str:
    """Return names separated by commas; "" if they are all names of ``of``."""
    return "" if set(names) == set(of) else ", ".join(names)


def _in_brackets(*texts: str) -> str:
    summary = "; ".join(filter(None, texts))
    return f" ({summary})" if summary else ""


def _gradients(document: Document) -> Iterator[str]:
    """Yield the table and lists of gradients, over all cells; nothing if no gradients were checked."""
    with_gradients = [{**i["gradients"], "name": i["name"]} for i in document["implementations"] if "gradients" in i]
    if not with_gradients:
        return
    yield f"\n## Gradients\n\n{GRADIENTS}\n| | {' | '.join(PRECISIONS)} |\n|---|{'---|' * len(PRECISIONS)}\n"
    for i in with_gradients:
        entries = [_entry(_over_cells(i, dtype)) for dtype in PRECISIONS]
        yield f"| {code(i['name'])} | {' | '.join(entries)} |\n"
    yield _section("Which gradients are wrong", _disagreements(with_gradients))
    yield _section("Which gradients were refused", _refusals(with_gradients))
    left_out = [
        f"{code(i['name'])}: " + ", ".join(f"{code(name)} in {counted(n, 'golden')}" for name, n in some.items())
        for i in with_gradients
        if (some := i["not_checked"])
    ]
    yield _section("Which gradients were left out", left_out)


def _over_cells(implementation: Document, dtype: str) -> Document:
    own = [result for result in implementation["results"] if result["dtype"] == dtype]
    found: Document = {name: sum(result[name] for result in own) for name in ("passed", "refused", "wrong")}
    errors = [result["largest_error"] for result in own if result["largest_error"] is not None]
    return {**found, "largest_error": max(errors, default=None)}


def _section(title: str, items: list[str]) -> str:
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
