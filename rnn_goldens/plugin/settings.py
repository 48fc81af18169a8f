"""The plugin's settings, checked before any test runs."""

import math
from collections.abc import Iterable
from pathlib import Path
from threading import TIMEOUT_MAX
from typing import Any

import pytest

from rnn_goldens.corpus import Corpora, between_commas, open_corpora
from rnn_goldens.errors import RnnGoldensError, WrongUse
from rnn_goldens.golden.precision import precision
from rnn_goldens.golden.shapes import chosen_outputs
from rnn_goldens.implementations import check_name
from rnn_goldens.judging.calls import way
from rnn_goldens.pages.rendering import is_page
from rnn_goldens.plugin.known_failures import Listed, read_listed
from rnn_goldens.plugin.options import flag, setting
from rnn_goldens.programs.program import START_LIMITS

SELECTING = ("ids", "cell", "features", "without")
"""Settings that select goldens, where no marker has an argument of the same name."""

CORPUS = pytest.StashKey[Corpora]()
"""The corpora that the settings name: what is asked where no marker says."""

_OF_MARKERS = pytest.StashKey[dict[str, Corpora]]()
"""Those that markers name."""

_LISTED = pytest.StashKey[dict[str, list[Listed]]]()

KNOWN, SKIP, UPDATE = "known-failures", "skip", "update-known-failures"


def check_settings(config: pytest.Config) -> None:
    """Raise pytest.UsageError if a precision, corpus, implementation or known failure is not to be had."""
    try:
        dtypes(config)
        if name := setting(config, "implementation"):
            check_name(name, base_folder(config, "implementation"))
        time_limit(config)
        for call in listed(config, "calls"):
            way(call)
        if outputs := listed(config, "outputs"):
            chosen_outputs(outputs)
        if (selected := selecting(config)) or of_gradients(config):
            corpora(config).select(**selected, gradients=of_gradients(config))
        if flag(config, UPDATE) and not setting(config, KNOWN):
            raise WrongUse(f"{UPDATE} writes the file that {KNOWN} names: give both")
        for name in (KNOWN, SKIP):
            listed_in(config, name)
        if setting(config, "corpus"):
            corpora(config)
    except RnnGoldensError as error:
        raise pytest.UsageError(f"rnn-goldens: {error}") from None


def dtypes(config: pytest.Config) -> tuple[str, ...]:
    """The precisions to check in; float32 if none is set."""
    return tuple(precision(name).name for name in listed(config, "dtype", "precisions") or ("float32",))


def selecting(config: pytest.Config) -> dict[str, Any]:
    """What the settings select, as arguments of ``Corpus.select``."""
    return {name: names for name in SELECTING if (names := listed(config, name))}


def of_gradients(config: pytest.Config) -> bool:
    """Whether gradients are asked for, where no marker says."""
    return flag(config, "gradients")


def listed(config: pytest.Config, name: str, what: str = "names") -> tuple[str, ...]:
    """The names in a setting, which commas part; none if it is not set. Raises RnnGoldensError for a comma too many."""
    if not (text := setting(config, name)):
        return ()
    return between_commas(name, text, what)


def corpora(config: pytest.Config) -> Corpora:
    """The corpora that the settings name, opened once a run."""
    if CORPUS not in config.stash:
        config.stash[CORPUS] = open_corpora(setting(config, "corpus") or None, base_folder(config, "corpus"))
    return config.stash[CORPUS]


def corpora_of(config: pytest.Config, said: str) -> Corpora:
    """Those that a marker names by absolute paths and versions, opened once a run; those of the settings if ""."""
    if not said:
        return corpora(config)
    opened = config.stash.setdefault(_OF_MARKERS, {})
    if said not in opened:
        opened[said] = open_corpora(said)
    return opened[said]


def corpora_of_all(config: pytest.Config, said: Iterable[str]) -> Corpora:
    """Several of these as one; raises WrongUse if an id stands in two of them."""
    parts = {part.folder: part for one in dict.fromkeys(said) for part in corpora_of(config, one).parts}
    return Corpora(tuple(parts.values()))


def listed_in(config: pytest.Config, name: str) -> list[Listed]:
    """The entries of the file that ``KNOWN`` or ``SKIP`` names, read once a run; each matches some golden."""
    read = config.stash.setdefault(_LISTED, {})
    if name not in read:
        path = path_setting(config, name)
        begins = name == KNOWN and flag(config, UPDATE) and path is not None and not path.exists()
        read[name] = [] if path is None or begins else read_listed(path, corpora(config).entries)
    return read[name]


def first_listed(config: pytest.Config, name: str, golden_id: str, dtype: str, corpus: str = "") -> Listed | None:
    """The entry that speaks of a golden in a precision, of the corpora that a marker names; the first, of several."""
    if not (entries := listed_in(config, name)):
        return None
    about = corpora_of(config, corpus).entry(golden_id)
    return next((one for one in entries if one.matches(about, dtype)), None)


def time_limit(config: pytest.Config) -> float | None:
    """Seconds that an implementation has for one golden; None if that is not set."""
    if not (text := setting(config, "time-limit")):
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= TIMEOUT_MAX / START_LIMITS:
        raise WrongUse(f"time-limit {text!r} is no number of seconds, such as 10 or 0.5")
    return seconds


def draws(config: pytest.Config) -> bool:
    """Whether a page shows failures: only then is more kept of them than the results file has."""
    return is_page(setting(config, "report")) or bool(config.getoption("rnn_goldens_drawn", False))


def path_setting(config: pytest.Config, name: str) -> Path | None:
    """A path: an option's is relative to the working directory, an ini file's to that file."""
    value = setting(config, name)
    if not value:
        return None
    return base_folder(config, name) / value


def base_folder(config: pytest.Config, name: str) -> Path:
    """Where paths in a setting begin."""
    from_option = config.getoption(f"rnn_goldens_{name.replace('-', '_')}")
    return config.invocation_params.dir if from_option else (config.inipath or config.rootpath / "x").parent
