"""Selects the goldens of a test by the arguments of its markers; settings of the run replace missing arguments."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from rnn_goldens.corpus import Corpora, Entry, packaged, some_names, split_at_commas
from rnn_goldens.errors import RnnGoldensError, UnknownName
from rnn_goldens.golden.embedding import of_cell, require_known
from rnn_goldens.plugin import settings
from rnn_goldens.plugin.known_failures import ListEntry
from rnn_goldens.plugin.options import flag
from rnn_goldens.plugin.run_results import SelectedGolden

ARGUMENTS = (*settings.SELECTING, "dtypes", "dtype", "corpus", "calls", "outputs", "profile", "embed", "gradients")

_CORPORA_OF_TESTS = pytest.StashKey[dict[str, None]]()
"""The corpora of the tests collected so far, named as in ``SelectedGolden.corpus``."""

_TAKES_GOLDENS = pytest.StashKey[bool]()
"""Set on every test of goldens, and on its class and module, even if pytest deselects the test."""


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Parametrize a test function with its goldens, from simple to hard; raises CollectError for wrong arguments."""
    config = metafunc.config
    try:
        arguments = _marker_arguments(metafunc.definition)
        corpus = _corpus(metafunc, arguments.get("corpus", ()))
        gradients = arguments.get("gradients", flag(config, "gradients"))
        how = settings.how_to_check(config, arguments)
        given = {name: arguments[name] for name in settings.SELECTING if name in arguments}
        selecting = settings.selecting(config) | given
        entries = list(_of_this_run(config, corpus).select(**selecting, gradients=gradients))
        lists = [settings.listed_in(config, name) for name in (settings.KNOWN, settings.SKIP)]
        selected = [
            SelectedGolden(
                *(e.id, dtype, how.calls, gradients, corpus, how.outputs, how.profile, of_cell(e.cell, how.sizes)),
                *(_first(listed, e, dtype, dict(of_cell(e.cell, how.sizes))) for listed in lists),
            )
            for e in entries
            for dtype in how.dtypes
            if dtype in (e.gradient_precisions if gradients else e.precisions)
        ]
        if not selected:
            conditions = [f"{name}={list(value)}" for name, value in selecting.items()]
            request = ", ".join([*conditions, *(["gradients=True"] if gradients else [])])
            raise RnnGoldensError(f"no golden is selected by {request or 'default'} with dtypes={list(how.dtypes)}")
        if "embed" in arguments:
            require_known({entry.cell for entry in entries}, how.sizes)
        parameters = _parameters(selected)
    except RnnGoldensError as error:
        raise pytest.Collector.CollectError(f"rnn-goldens, {metafunc.definition.nodeid}: {error}") from None
    metafunc.parametrize("rnn_golden", parameters, indirect=True)
    for node in metafunc.definition.listchain():
        node.stash[_TAKES_GOLDENS] = True


def _first(listed: Iterable[ListEntry], entry: Entry, dtype: str, sizes: Mapping[str, int]) -> ListEntry | None:
    """Return the first line that matches a golden in a precision, embedded in these sizes."""
    return next((one for one in listed if one.matches(entry, dtype) and one.is_for(entry.cell, sizes)), None)


def _corpus(metafunc: pytest.Metafunc, names_of_corpora: Sequence[str]) -> str:
    """Return the corpora that a marker names; relative paths start at the folder of the test file."""
    base = metafunc.definition.path.parent
    parts = [part.strip() for one in names_of_corpora for part in one.split(",")]
    return ",".join(part if not part or part in packaged() else str((base / part).resolve()) for part in parts)


def _of_this_run(config: pytest.Config, corpus: str) -> Corpora:
    """Return the corpora of a test; raises WrongUse if they share an id with the corpora of another test."""
    corpora = config.stash.setdefault(_CORPORA_OF_TESTS, {})
    if corpus not in corpora:
        corpora[corpus] = None
        if len(corpora) > 1:
            settings.corpora_of_all(config, corpora)
    return settings.corpora_of(config, corpus)


def example_of_id(config: pytest.Config) -> str:
    """Return an example of how pytest names a golden in a precision: the first that the settings select."""
    gradients = flag(config, "gradients")
    entries = settings.corpora_of(config).select(**settings.selecting(config), gradients=gradients)
    dtypes = settings.how_to_check(config, {}).dtypes
    return next(_id(SelectedGolden(e.id, dtype)) for e in entries for dtype in dtypes if dtype in e.precisions)


def refuse_marker_without_golden(item: pytest.Item) -> None:
    """Fail a test without a golden if the marker is on a test, class or module in which no test takes a golden."""
    for node in item.listchain():
        marked = any(marker.name == "rnn_goldens" for marker in node.own_markers)
        if marked and not node.stash.get(_TAKES_GOLDENS, False):
            what = "takes no rnn_golden argument" if node is item else "no test in it takes an rnn_golden argument"
            pytest.fail(f"rnn-goldens, {node.nodeid}: marked with rnn_goldens, but {what}", pytrace=False)


def _marker_arguments(definition: pytest.Item) -> dict[str, Any]:
    """Return all marker arguments, as tuples of names or a bool; the marker nearest to the function has priority."""
    arguments: dict[str, Any] = {}
    for marker in definition.iter_markers("rnn_goldens"):
        if marker.args:
            raise RnnGoldensError(
                f"the marker takes only keyword arguments: {', '.join(ARGUMENTS)}; got {marker.args[0]!r}"
            )
        if {"dtype", "dtypes"} <= marker.kwargs.keys():
            raise RnnGoldensError("dtype and dtypes mean the same: give one of them")
        for name, value in marker.kwargs.items():
            if name not in ARGUMENTS:
                raise UnknownName("marker argument", name, ARGUMENTS)
            if name == "gradients" and not isinstance(value, bool):
                raise RnnGoldensError(f"gradients is True or False, not {value!r}")
            names = split_at_commas(name, value) if name == "embed" and isinstance(value, str) else value
            try:
                read = value if name == "gradients" else some_names(name, names)
            except TypeError as error:
                raise RnnGoldensError(str(error)) from None
            arguments.setdefault("dtype" if name == "dtypes" else name, read)
    return arguments


def _parameters(selected: Sequence[SelectedGolden]) -> list[Any]:  # pytest.param's type is private
    covered = Counter(one.known.line for one in selected if one.known is not None)
    parameters = []
    for one in selected:
        marks = []
        if one.skip is not None:
            marks = [pytest.mark.xfail(reason=skip_reason(one.skip), run=False)]
        elif (known := one.known) is not None:
            alone = "remove the line" if covered[known.line] == 1 else "the line covers too much"
            reason = f"{known.reason} ({known.place}; if it passes, {alone})"
            # Strict: a known failure that passes is an error. Exception covers what implementations and comparisons
            # raise, but not what pytest.fail raises, so a test that forgets check fails in any case.
            marks = [pytest.mark.xfail(reason=reason, strict=True, raises=Exception)]
        parameters.append(pytest.param(one, id=_id(one), marks=marks))
    return parameters


def skip_reason(listed: ListEntry) -> str:
    """Return the reason that pytest reports for a golden on the skip list."""
    return f"not run: {listed.reason} ({listed.place})"


def _id(selected: SelectedGolden) -> str:
    return f"{selected.id}-{selected.dtype}"
