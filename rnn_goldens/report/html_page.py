"""The HTML page of a report of several implementations, with changes since an earlier report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from rnn_goldens.corpus import packaged
from rnn_goldens.pages.content import About, Checked, Content
from rnn_goldens.plugin.report import check_command
from rnn_goldens.report.change import trend
from rnn_goldens.report.conformance import CheckRequest, ImplementationResults

Document = dict[str, Any]


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
        checked=[part for one in found for part in _checked(one, versions[one.name], more)],
        about={entry.id: About(entry.cell, entry.features) for entry in corpus.entries},
        made_with={"corpus": document["corpus"], **document["made_with"]},
        since="" if earlier is None else earlier[0],
        moved=() if earlier is None else tuple(trend(earlier[1], document)),
    )


def _checked(one: ImplementationResults, versions: Mapping[str, str], more: Sequence[str]) -> Iterator[Checked]:
    """Yield the results of an implementation for the page, then the results of its gradients."""
    yield replace(one.outputs, versions=versions, command=partial(check_command, one.name, more))
    if one.gradients is not None:
        command = partial(check_command, one.name, [*more, "--rnn-goldens-gradients"])
        yield replace(one.gradients, name=f"{one.name}: gradients", causes=(), versions=versions, command=command)
