"""Versions of the packages that an implementation uses."""

import ast
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from rnn_goldens.implementations.builtin import BUILTIN
from rnn_goldens.implementations.keras.backend_choice import backend

_OWN = __name__.partition(".")[0]


def versions_of_packages(implementation: str) -> dict[str, str]:
    """Return versions by package name, also of packages that an implementation in the working directory imports."""
    if implementation in BUILTIN:
        imported: Sequence[str] = (*BUILTIN[implementation].needs, *([backend()] if implementation == "keras" else []))
    else:
        module = implementation.partition(":")[0]
        imported = [module.partition(".")[0], *_imported_by(Path(*module.split(".")).with_suffix(".py"))]
    brought_by = packages_distributions()
    found = {}
    for package in (package for name in imported for package in dict.fromkeys(brought_by.get(name, ()))):
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _imported_by(file: Path) -> Sequence[str]:
    """Return the packages that a module in the working directory imports; none if there is no such module."""
    try:
        statements = list(ast.walk(ast.parse(file.read_bytes())))
    except (OSError, SyntaxError, ValueError):
        return ()
    names = [alias.name for one in statements if isinstance(one, ast.Import) for alias in one.names]
    names += [one.module or "" for one in statements if isinstance(one, ast.ImportFrom) and not one.level]
    return [name for name in dict.fromkeys(name.partition(".")[0] for name in names) if name != _OWN]
