"""Which goldens a test gets: what its markers say, within the corpus and the precisions of the run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from rnn_goldens.corpus import Corpora, names, packaged
from rnn_goldens.errors import RnnGoldensError, UnknownName
from rnn_goldens.golden.precision import precision
from rnn_goldens.golden.shapes import chosen_outputs
from rnn_goldens.judging.calls import way
from rnn_goldens.plugin import settings
from rnn_goldens.plugin.known_failures import Listed

ARGUMENTS = (*settings.SELECTING, "dtypes", "dtype", "corpus", "calls", "outputs", "gradients")

_ASKED = pytest.StashKey[dict[str, None]]()
"""The corpora of the tests that were collected, as ``Wanted`` has them."""

_TAKES_GOLDENS = pytest.StashKey[bool]()
"""Set on every module and class in which a test takes goldens, selected or not."""


@dataclass(frozen=True)
class Wanted:
    """A golden in a precision, not opened yet.

    Attributes:
        id: the golden's.
        dtype: the precision.
        calls: the ways besides a single call in which it is asked.
        gradients: whether it is gradients that are to be checked.
        corpus: the corpora that a marker names, by absolute paths and versions; "" for those of the settings.
        outputs: the names of the outputs that alone are compared; () if all are.
    """

    id: str
    dtype: str
    calls: tuple[str, ...] = ()
    gradients: bool = False
    corpus: str = ""
    outputs: tuple[str, ...] = ()


def wanted_of(item: pytest.Item) -> Wanted | None:
    """The golden that a test was parametrized with; None if it takes none."""
    callspec: Any = getattr(item, "callspec", None)  # of a parametrized function; pytest keeps its type private
    wanted = callspec.params.get("rnn_golden") if callspec is not None else None
    return wanted if isinstance(wanted, Wanted) else None


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Give a test function one ``rnn_golden`` after the other, from simple to hard.

    Raises:
        pytest.Collector.CollectError: an unknown name, or nothing selected; which of them the message says.
    """
    try:
        arguments = _marker_arguments(metafunc.definition)
        dtypes = arguments.pop("dtypes", ()) or settings.dtypes(metafunc.config)
        dtypes = tuple(dict.fromkeys(precision(dtype).name for dtype in dtypes))
        calls = arguments.pop("calls", ()) or settings.listed(metafunc.config, "calls")
        for call in calls:
            way(call)
        outputs = arguments.pop("outputs", ()) or settings.listed(metafunc.config, "outputs")
        outputs = chosen_outputs(outputs) if outputs else ()
        corpus = _corpus(metafunc, arguments.pop("corpus", ()))
        arguments = settings.selecting(metafunc.config) | arguments
        gradients = _of_gradients(metafunc)
        entries = _of_this_run(metafunc.config, corpus).select(**arguments, gradients=gradients)
        wanted = [
            Wanted(e.id, dtype, calls, gradients, corpus, outputs)
            for e in entries
            for dtype in dtypes
            if dtype in (e.gradient_precisions if gradients else e.precisions)
        ]
        if not wanted:
            said = [f"{name}={list(value)}" for name, value in arguments.items()]
            asked = ", ".join([*said, *(["gradients=True"] if gradients else [])])
            raise RnnGoldensError(f"no golden is selected by {asked or 'default'} with dtypes={list(dtypes)}")
        parameters = _parameters(metafunc.config, wanted)
    except RnnGoldensError as error:
        raise pytest.Collector.CollectError(f"rnn-goldens, {metafunc.definition.nodeid}: {error}") from None
    metafunc.parametrize("rnn_golden", parameters, indirect=True)
    for node in metafunc.definition.listchain():
        node.stash[_TAKES_GOLDENS] = True


def _corpus(metafunc: pytest.Metafunc, said: Sequence[str]) -> str:
    """What a marker names, whose folders begin where its file lies."""
    base = metafunc.definition.path.parent
    parts = [part.strip() for one in said for part in one.split(",")]
    return ",".join(part if not part or part in packaged() else str((base / part).resolve()) for part in parts)


def _of_this_run(config: pytest.Config, corpus: str) -> Corpora:
    """The corpora of a test; raises WrongUse if they share an id with those of another test."""
    asked = config.stash.setdefault(_ASKED, {})
    if corpus not in asked:
        asked[corpus] = None
        if len(asked) > 1:
            settings.corpora_of_all(config, asked)
    return settings.corpora_of(config, corpus)


def example_of_id(config: pytest.Config) -> str:
    """How pytest names a golden in a precision, in its expressions: the first of those that the settings select."""
    gradients = settings.of_gradients(config)
    entries = settings.corpora(config).select(**settings.selecting(config), gradients=gradients)
    dtypes = settings.dtypes(config)
    return next(_id(Wanted(e.id, dtype)) for e in entries for dtype in dtypes if dtype in e.precisions)


def refuse_marker_without_golden(item: pytest.Item) -> None:
    """Fail a test that takes no golden, if a marker of it stands where no other test takes any either."""
    for node in item.listchain():
        marked = any(marker.name == "rnn_goldens" for marker in node.own_markers)
        if marked and not node.stash.get(_TAKES_GOLDENS, False):
            what = "takes no rnn_golden argument" if node is item else "no test in it takes an rnn_golden argument"
            pytest.fail(f"rnn-goldens, {node.nodeid}: marked with rnn_goldens, but {what}", pytrace=False)


def _marker_arguments(definition: pytest.Item) -> dict[str, tuple[str, ...]]:
    """Arguments of all ``rnn_goldens`` markers; the nearest to the function wins."""
    arguments: dict[str, tuple[str, ...]] = {}
    for marker in definition.iter_markers("rnn_goldens"):
        if marker.args:
            raise RnnGoldensError(
                f"the marker takes named arguments only: {', '.join(ARGUMENTS)}; got {marker.args[0]!r}"
            )
        if {"dtype", "dtypes"} <= marker.kwargs.keys():
            raise RnnGoldensError("dtype and dtypes say the same: give one of them")
        for name, value in marker.kwargs.items():
            if name not in ARGUMENTS:
                raise UnknownName("marker argument", name, ARGUMENTS)
            if name == "gradients":
                if not isinstance(value, bool):
                    raise RnnGoldensError(f"gradients is True or False, not {value!r}")
                continue
            arguments.setdefault("dtypes" if name == "dtype" else name, _names(name, value))
    return arguments


def _of_gradients(metafunc: pytest.Metafunc) -> bool:
    """What the nearest marker says of gradients, else the settings."""
    for marker in metafunc.definition.iter_markers("rnn_goldens"):
        said = marker.kwargs.get("gradients")
        if said is not None:
            return bool(said)
    return settings.of_gradients(metafunc.config)


def _names(argument: str, value: object) -> tuple[str, ...]:
    try:
        found = names(argument, value)
    except TypeError as error:
        raise RnnGoldensError(str(error)) from None
    if not found:
        raise RnnGoldensError(f"{argument} is empty, which selects no golden; leave it out to select by the others")
    return found


def _parameters(config: pytest.Config, wanted: Sequence[Wanted]) -> list[Any]:  # pytest.param's type is private
    known = [settings.first_listed(config, settings.KNOWN, w.id, w.dtype, w.corpus) for w in wanted]
    covered = Counter(one.line for one in known if one is not None)
    parameters = []
    for one, entry in zip(wanted, known, strict=True):
        marks = []
        if skip := settings.first_listed(config, settings.SKIP, one.id, one.dtype, one.corpus):
            marks = [pytest.mark.xfail(reason=not_asked(skip), run=False)]
        elif entry is not None:
            alone = "take the line out" if covered[entry.line] == 1 else "the line covers too much"
            reason = f"{entry.reason} ({entry.place}; if it passes, {alone})"
            # Strict: one that passes again is an error. An Exception is anything an implementation or a comparison
            # raises; pytest.fail raises none, so a test that forgets check fails, whatever is known of it.
            marks = [pytest.mark.xfail(reason=reason, strict=True, raises=Exception)]
        parameters.append(pytest.param(one, id=_id(one), marks=marks))
    return parameters


def not_asked(listed: Listed) -> str:
    """Why a golden is not asked that is on the skip list, as pytest says it."""
    return f"not asked: {listed.reason} ({listed.place})"


def _id(wanted: Wanted) -> str:
    return f"{wanted.id}-{wanted.dtype}"
