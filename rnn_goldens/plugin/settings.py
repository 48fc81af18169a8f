"""The plugin's settings, checked before any test runs, and the arguments of markers, which replace settings."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from threading import TIMEOUT_MAX
from typing import Any, NamedTuple

import pytest

from rnn_goldens.comparison.call_patterns import call_pattern
from rnn_goldens.corpus import Corpora, open_corpora, packaged, some_names, split_at_commas
from rnn_goldens.errors import InvalidFile, RnnGoldensError, UnknownName, WrongUse
from rnn_goldens.golden.embedding import larger_sizes, of_cell, require_known
from rnn_goldens.golden.precision import precision
from rnn_goldens.golden.recurrences import BUILT_IN
from rnn_goldens.golden.rounding_profile import Profile, profile_named
from rnn_goldens.golden.shapes import chosen_outputs
from rnn_goldens.implementations import check_name
from rnn_goldens.plugin.known_failures import ListEntry, first_matching, read_list
from rnn_goldens.plugin.options import flag, ini_name, setting
from rnn_goldens.plugin.run_results import SelectedGolden
from rnn_goldens.programs.program import START_LIMITS

SELECTING = ("ids", "cell", "features", "without")
"""Settings that select goldens, unless a marker has an argument of the same name."""

OPENED = pytest.StashKey[dict[str, Corpora]]()
"""The corpora that markers name, by these names; by "" those that the settings name, for all other tests."""

_LISTED = pytest.StashKey[dict[str, list[ListEntry]]]()

KNOWN, SKIP, UPDATE = "known-failures", "skip", "update-known-failures"


def check_settings(config: pytest.Config) -> None:
    """Raise pytest.UsageError if a setting is invalid, for example an unknown name or a malformed list."""
    try:
        sizes = how_to_check(config, {}).sizes
        if name := setting(config, "implementation"):
            check_name(name, base_folder(config, "implementation"))
        time_limit(config)
        at_least(config)
        selected, gradients = selecting(config), flag(config, "gradients")
        entries = corpora_of(config).select(**selected, gradients=gradients) if selected or gradients else []
        require_known(BUILT_IN, sizes, dict.fromkeys(entry.cell for entry in entries))
        if flag(config, UPDATE) and not setting(config, KNOWN):
            raise WrongUse(f"{UPDATE} writes the file that {KNOWN} names: give both")
        for name in (KNOWN, SKIP):
            listed_in(config, name)
        if setting(config, "corpus"):
            corpora_of(config)
    except RnnGoldensError as error:
        raise pytest.UsageError(f"rnn-goldens: {error}") from None


class HowToCheck(NamedTuple):
    """How a golden is checked: precisions, call patterns, outputs (() for all), allowed errors, larger sizes."""

    dtypes: tuple[str, ...]
    calls: tuple[str, ...]
    outputs: tuple[str, ...]
    profile: Profile
    sizes: tuple[tuple[str, int], ...]


def how_to_check(config: pytest.Config, arguments: Mapping[str, tuple[str, ...]]) -> HowToCheck:
    """Return how to check, by the arguments of a marker, else by the settings; raises RnnGoldensError."""
    dtype, calls, outputs, profile, embed = (
        arguments.get(name) or listed(config, name) for name in ("dtype", "calls", "outputs", "profile", "embed")
    )
    dtypes = tuple(dict.fromkeys(precision(name).name for name in dtype or ("float32",)))
    for call in calls:
        call_pattern(call)
    allowed, sizes = profile_named(profile), larger_sizes(embed)
    allowed.require(dtypes)
    return HowToCheck(dtypes, calls, chosen_outputs(outputs) if outputs else (), allowed, sizes)


def selecting(config: pytest.Config) -> dict[str, Any]:
    """Return the settings that select goldens, as arguments of ``Corpus.select``."""
    return {name: names for name in SELECTING if (names := listed(config, name))}


def listed(config: pytest.Config, name: str) -> tuple[str, ...]:
    """Return the comma-separated names in a setting; () if it is not set. Raises RnnGoldensError for an empty name."""
    text = setting(config, name)
    return split_at_commas(name, text, "precisions" if name == "dtype" else "names") if text else ()


def corpora_of(config: pytest.Config, names: str = "") -> Corpora:
    """Return the corpora that a marker names, opened once per run; for "", the corpora of the settings."""
    opened = config.stash.setdefault(OPENED, {})
    if names not in opened:
        of_settings = setting(config, "corpus") or None, base_folder(config, "corpus")
        opened[names] = open_corpora(names) if names else open_corpora(*of_settings)
    return opened[names]


def corpora_of_all(config: pytest.Config, names: Iterable[str]) -> Corpora:
    """Return the corpora of several markers as one; raises WrongUse if two of them contain the same id."""
    parts = {part.folder: part for one in dict.fromkeys(names) for part in corpora_of(config, one).parts}
    return Corpora(tuple(parts.values()))


def listed_in(config: pytest.Config, name: str) -> list[ListEntry]:
    """Return the entries of the file that ``KNOWN`` or ``SKIP`` names, read once per run; each matches a golden."""
    read = config.stash.setdefault(_LISTED, {})
    if name not in read:
        path = path_setting(config, name)
        begins = name == KNOWN and path is not None and not path.exists()
        if path is not None and begins and not flag(config, UPDATE):
            raise InvalidFile(path, [f"does not exist; --rnn-goldens-{UPDATE} creates it with the failures of the run"])
        read[name] = [] if path is None or begins else read_list(path, corpora_of(config).entries)
    return read[name]


def time_limit(config: pytest.Config) -> float | None:
    """Return the seconds that an implementation has for one golden; None if not set."""
    if not (text := setting(config, "time-limit")):
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= TIMEOUT_MAX / START_LIMITS:
        raise WrongUse(f"time-limit {text!r} is not a number of seconds, such as 10 or 0.5")
    return seconds


def at_least(config: pytest.Config) -> int:
    """Return the number of goldens that a run must compare; 0 if not set."""
    text = setting(config, "at-least")
    if not text:
        return 0
    if not text.isdecimal() or int(text) < 1:
        raise WrongUse(f"at-least {text!r} is not a number of goldens, such as 30")
    return int(text)


def path_setting(config: pytest.Config, name: str) -> Path | None:
    """Return a path setting. An option is relative to the working directory, an ini setting to the ini file."""
    return base_folder(config, name) / value if (value := setting(config, name)) else None


def base_folder(config: pytest.Config, name: str) -> Path:
    """Return the folder that relative paths in a setting start from."""
    if config.getoption(ini_name(name)):
        return config.invocation_params.dir
    return config.rootpath if config.inipath is None else config.inipath.parent


ARGUMENTS = (*SELECTING, "dtypes", "dtype", "corpus", "calls", "outputs", "profile", "embed", "gradients")

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
        how = how_to_check(config, arguments)
        given = {name: arguments[name] for name in SELECTING if name in arguments}
        wanted = selecting(config) | given
        opened = _of_this_run(config, corpus)
        entries = list(opened.select(**wanted, gradients=gradients))
        lists = [listed_in(config, name) for name in (KNOWN, SKIP)]
        selected = [
            SelectedGolden(
                *(e.id, dtype, how.calls, gradients, corpus, how.outputs, how.profile, of_cell(e.cell, how.sizes)),
                *(first_matching(listed, e, dtype, dict(of_cell(e.cell, how.sizes))) for listed in lists),
            )
            for e in entries
            for dtype in e.checked_in(how.dtypes, gradients=gradients)
        ]
        if not selected:
            raise RnnGoldensError(_nothing_selected(opened, wanted, how.dtypes, gradients))
        if "embed" in arguments:
            require_known({entry.cell for entry in entries}, how.sizes)
        parameters = _parameters(selected)
    except RnnGoldensError as error:
        raise pytest.Collector.CollectError(f"rnn-goldens, {metafunc.definition.nodeid}: {error}") from None
    metafunc.parametrize("rnn_golden", parameters, indirect=True)
    for node in metafunc.definition.listchain():
        node.stash[_TAKES_GOLDENS] = True


def _nothing_selected(corpora: Corpora, wanted: Mapping[str, Any], dtypes: Sequence[str], gradients: bool) -> str:
    """Return a message with the request and, if it names no cell, the cells that would have goldens if named."""
    conditions = [f"{name}={list(value)}" for name, value in wanted.items()]
    request = ", ".join([*conditions, *(["gradients=True"] if gradients else [])])
    message = f"no golden is selected by {request or 'default'} with dtypes={[*dtypes]}"
    if "cell" in wanted:
        return message
    cells = dict.fromkeys(entry.cell for entry in corpora.entries if entry.cell in BUILT_IN)
    named = corpora.select(**wanted, cell=cells)
    have = dict.fromkeys(entry.cell for entry in named if entry.checked_in(dtypes, gradients=gradients))
    hint = f"; these cells have some, but must be named: --rnn-goldens-cell={','.join(have)}"
    return message + hint if have else message


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
            corpora_of_all(config, corpora)
    return corpora_of(config, corpus)


def example_of_id(config: pytest.Config) -> str:
    """Return an example of how pytest names a golden in a precision: the first that the settings select."""
    gradients = flag(config, "gradients")
    entries = corpora_of(config).select(**selecting(config), gradients=gradients)
    dtypes = how_to_check(config, {}).dtypes
    return next(_id(SelectedGolden(e.id, dtype)) for e in entries for dtype in e.checked_in(dtypes))


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
