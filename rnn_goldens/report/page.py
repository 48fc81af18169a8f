"""``conformance.json`` for people: a page of Markdown, in which whatever a file or a program says is text."""

import re
from collections.abc import Iterator
from typing import Any

from rnn_goldens.counted import counted
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS
from rnn_goldens.visible import visible

Document = dict[str, Any]

HEADER = """\
# Conformance

Which implementations agree with the goldens of corpus {corpus}, which refuse and which are wrong.

<!-- Written by `rnn-goldens report`; do not edit. -->

Each entry says how many goldens passed, and in brackets the largest error of any of their elements, as a fraction of
what is allowed; then how many were refused (the implementation can not do what they ask, and says so) and how many are
**wrong**. Made with rnn-goldens {rnn_goldens} on Python {python}, {machine}.
"""

GRADIENTS = """\
The same of [gradients](gradients.md), over all cells, of the goldens that have some in that precision. What an
implementation leaves out is not counted as right, and is listed below.
"""

TITLES = {"rnn_tanh": "tanh RNN", "rnn_relu": "relu RNN", "lstm": "LSTM", "gru": "GRU"}

_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKUP = re.compile(r"[\\`|]|\](?=[(\[:])")
"""What has a meaning in a paragraph or a table; of brackets, one that makes a link."""


def page(document: Document) -> str:
    """The page of a document that is known to be valid."""
    made = document["made_with"]
    parts = [
        HEADER.format(corpus=document["corpus"], rnn_goldens=made["rnn-goldens"], **made),
        *_versions(document),
        *(line for cell in CELLS for line in _table(document, cell)),
        _section("What is wrong", _disagreements(document["implementations"])),
        _section("What was refused", _refusals(document["implementations"])),
        *_gradients(document),
    ]
    return "".join(parts)


def _versions(document: Document) -> Iterator[str]:
    yield "\n"
    for i in document["implementations"]:
        versions = ", ".join(plain(f"{name} {version}") for name, version in i["versions"].items())
        yield f"- {code(i['name'])}{': ' if versions else ''}{versions}{_elsewhere(i.get('made_with'))}{_of(i)}\n"


def _elsewhere(made: Document | None) -> str:
    """What an implementation of another report was made with, if that is something else than what this one was."""
    if made is None:
        return ""
    return plain(f"; made with rnn-goldens {made['rnn-goldens']} on Python {made['python']}, {made['machine']}")


def _of(implementation: Document) -> str:
    """The corpus it was asked, if that is an earlier one than the others were asked."""
    return plain(f"; asked corpus {implementation['corpus']} alone") if "corpus" in implementation else ""


def _table(document: Document, cell: str) -> Iterator[str]:
    yield f"\n## {TITLES[cell]}\n\n| | {' | '.join(PRECISIONS)} |\n|---|{'---|' * len(PRECISIONS)}\n"
    for i in document["implementations"]:
        entries = {r["dtype"]: _entry(r) for r in i["results"] if r["cell"] == cell}
        yield f"| {code(i['name'])} | {' | '.join(entries[dtype] for dtype in PRECISIONS)} |\n"


def _entry(result: Document) -> str:
    said = []
    if result["passed"]:
        largest = result["largest_error"]
        said.append(f"{result['passed']} passed" + ("" if largest is None else f" ({largest:.2f})"))
    if result["refused"]:
        said.append(f"{result['refused']} refused")
    if result["wrong"]:
        said.append(f"**{result['wrong']} wrong**")
    return ", ".join(said) or "none asked"


def _disagreements(implementations: list[Document]) -> list[str]:
    """Each golden that is wrong; those that are known to be, for each reason the first."""
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
            first = f"{d['golden']}, {d['dtype']}: {plain(d['reason'])}"
            many = counted(known.count(reason), "golden")
            items.append(f"{code(i['name'])}, {many}, known: {plain(reason)}. The first: {first}")
    return items


def _refusals(implementations: list[Document]) -> list[str]:
    return [
        f"{code(i['name'])}, {counted(r['count'], 'golden')} "
        f"({', '.join(r['cells'])}; {', '.join(r['dtypes'])}): {plain(r['reason'])}"
        for i in implementations
        for r in i["refusals"]
    ]


def _gradients(document: Document) -> Iterator[str]:
    """Of those whose gradients were asked: how many goldens, over all cells; nothing if none were."""
    asked = [{**i["gradients"], "name": i["name"]} for i in document["implementations"] if "gradients" in i]
    if not asked:
        return
    yield f"\n## Gradients\n\n{GRADIENTS}\n| | {' | '.join(PRECISIONS)} |\n|---|{'---|' * len(PRECISIONS)}\n"
    for i in asked:
        entries = [_entry(_over_cells(i, dtype)) for dtype in PRECISIONS]
        yield f"| {code(i['name'])} | {' | '.join(entries)} |\n"
    yield _section("Which gradients are wrong", _disagreements(asked))
    yield _section("Which gradients were refused", _refusals(asked))
    left_out = [
        f"{code(i['name'])}: " + ", ".join(f"{code(name)} in {counted(n, 'golden')}" for name, n in some.items())
        for i in asked
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
    """As text. A star or an underline stays: it changes how the text looks, at the most."""
    return _MARKUP.sub(r"\\\g<0>", _on_one_line(text).translate(_HTML))


def code(text: str) -> str:
    """As code, in a paragraph or in a table, where a bar in a code span would end the cell."""
    said = _on_one_line(text)
    if set(said) & set("`|\\<>&"):
        return f"<code>{plain(said)}</code>"
    return f"`{said}`"


def _on_one_line(text: str) -> str:
    return visible(" ".join(text.split()))
