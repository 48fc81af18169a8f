"""A report of many implementations, as a page like that of a run of one; with what is otherwise than in an earlier."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from rnn_goldens.corpus import packaged
from rnn_goldens.pages.content import About, Checked, Content
from rnn_goldens.plugin.report import check_command
from rnn_goldens.report.change import trend
from rnn_goldens.report.conformance import Asked, Found

Document = dict[str, Any]


def content(
    found: Sequence[Found], document: Document, asked: Asked, earlier: tuple[str, Document] | None = None
) -> Content:
    """What the page shows.

    Args:
        found: what became of each implementation.
        document: the report that was made of it.
        asked: what they were asked.
        earlier: the name of an earlier report, and what it says.
    """
    versions = {i["name"]: i["versions"] for i in document["implementations"]}
    corpus = asked.corpus
    more = [] if corpus.folder in packaged().values() else [f"--rnn-goldens-corpus={corpus.folder}"]
    return Content(
        title="rnn-goldens: implementations",
        checked=[part for one in found for part in _checked(one, versions[one.name], more)],
        about={entry.id: About(entry.cell, entry.features) for entry in corpus.entries},
        made_with={"corpus": document["corpus"], **document["made_with"]},
        since="" if earlier is None else earlier[0],
        moved=() if earlier is None else tuple(trend(earlier[1], document)),
    )


def _checked(one: Found, versions: Mapping[str, str], more: Sequence[str]) -> Iterator[Checked]:
    """An implementation, and then its gradients, as the page counts them."""
    yield replace(one.outputs, versions=versions, command=partial(check_command, one.name, more))
    if one.gradients is not None:
        command = partial(check_command, one.name, [*more, "--rnn-goldens-gradients"])
        yield replace(one.gradients, name=f"{one.name}: gradients", causes=(), versions=versions, command=command)
