"""What setuptools builds, with the same bytes whoever builds it, when, where and under whatever umask.

A build backend (PEP 517), which ``pyproject.toml`` names. Files get one time, that of SOURCE_DATE_EPOCH or else a fixed
one, no owner, and the mode that everybody may read them.
"""

import gzip
import io
import os
import tarfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

FIXED = 1577836800
"""The first second of 2020; a zip archive has none before 1980."""

FILE, PROGRAM, FOLDER = 0o644, 0o755, 0o755

Settings = Mapping[str, Any] | None


def build_wheel(folder: str, settings: Settings = None, metadata: str | None = None) -> str:
    """Build a wheel into a folder; its name."""
    name: str = build_meta.build_wheel(folder, settings, metadata)
    path = Path(folder, name)
    with zipfile.ZipFile(path) as built:
        files = [(info.filename, built.read(info)) for info in built.infolist() if not info.is_dir()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, content in files:  # in setuptools' order: files by name, then what is known of them
            info = zipfile.ZipInfo(file, time.gmtime(_epoch())[:6])
            info.external_attr, info.compress_type = (0o100000 | FILE) << 16, zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return name


def build_sdist(folder: str, settings: Settings = None) -> str:
    """Build a source archive into a folder; its name."""
    name: str = build_meta.build_sdist(folder, settings)
    path = Path(folder, name)
    with tarfile.open(path) as built:
        entries = [(info, _content(built, info)) for info in sorted(built.getmembers(), key=lambda info: info.name)]
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=_epoch()) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for info, content in entries:
            clean = tarfile.TarInfo(info.name)
            clean.type, clean.linkname, clean.size, clean.mtime = info.type, info.linkname, len(content), _epoch()
            clean.mode = FOLDER if info.isdir() else PROGRAM if info.mode & 0o100 else FILE
            archive.addfile(clean, io.BytesIO(content))
    return name


def _content(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(info) if info.isreg() else None
    return b"" if file is None else file.read()


def _epoch() -> int:
    return int(os.environ.get("SOURCE_DATE_EPOCH", FIXED))
