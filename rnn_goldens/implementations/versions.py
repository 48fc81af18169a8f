"""The versions of what an implementation is made of."""

from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, version

from rnn_goldens.implementations.builtin import BUILTIN, NEEDS
from rnn_goldens.implementations.keras.choice import backend


def versions_of_packages(implementation: str) -> dict[str, str]:
    """By package, of what is imported by name; none for a file, or a module that no package brought."""
    if implementation in BUILTIN:
        packages: Sequence[str] = (*NEEDS[implementation], *([backend()] if implementation == "keras" else []))
    else:
        packages = packages_distributions().get(implementation.partition(".")[0].partition(":")[0], ())
    found = {}
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
