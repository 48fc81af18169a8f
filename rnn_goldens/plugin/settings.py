"""The plugin's settings, checked before any test runs."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import TIMEOUT_MAX
from typing import Any, NamedTuple

import pytest

from rnn_goldens.comparison.call_patterns import call_pattern
from rnn_goldens.corpus import Corpora, open_corpora, split_at_commas
from rnn_goldens.errors import InvalidFile, RnnGoldensError, WrongUse
from rnn_goldens.golden.embedding import larger_sizes, require_known
from rnn_goldens.golden.precision import precision
from rnn_goldens.golden.recurrences import BUILT_IN
from rnn_goldens.golden.rounding_profile import Profile, profile_named
from rnn_goldens.golden.shapes import chosen_outputs
from rnn_goldens.implementations import check_name
from rnn_goldens.plugin.known_failures import ListEntry, read_list
from rnn_goldens.plugin.options import flag, ini_name, setting
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
