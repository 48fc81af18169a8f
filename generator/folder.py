"""Replacing a folder as a whole: whatever moment a process is killed at, the old files or the new ones are there.

New files are collected in a hidden folder beside the old one, which then changes places with it. A process killed
before that leaves the old folder untouched; one killed in between leaves it under its hidden name, and ``recover``,
which every run begins with, puts it back.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path


def replace_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, all or none; files it already has and that are not named stay.

    Args:
        folder: created if it does not exist.
        files: contents by path relative to the folder.
    """
    recover(folder)
    new, old = _hidden(folder, "new"), _hidden(folder, "old")
    if folder.exists():
        shutil.copytree(folder, new)
    for name, content in files.items():
        path = new / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def recover(folder: Path) -> None:
    """Finish or undo what a killed run left beside a folder."""
    new, old = _hidden(folder, "new"), _hidden(folder, "old")
    if old.exists() and not folder.exists():
        old.rename(folder)
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)


def _hidden(folder: Path, what: str) -> Path:
    return folder.parent / f".{folder.name}.{what}"
