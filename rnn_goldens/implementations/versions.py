"""The versions of what an implementation is made of."""

from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, version

from rnn_goldens.implementations.builtin import BUILTIN
from rnn_goldens.implementations.keras.choice import backend


def versions_of_packages(implementation: str) -> dict[str, str]:
    """By package, which may be called otherwise than what is imported; none for what no package brought."""
    if implementation in BUILTIN:
        imported: Sequence[str] = (*BUILTIN[implementation].needs, *([backend()] if implementation == "keras" else []))
    else:
        imported = [implementation.partition(".")[0].partition(":")[0]]
    brought_by = packages_distributions()
    found = {}
    for package in (package for name in imported for package in dict.fromkeys(brought_by.get(name, ()))):
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
