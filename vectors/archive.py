"""Builds the release archive: the core goldens, and simple ones, in every export format.

    python -m vectors.archive VERSION FOLDER    # writes FOLDER/rnn-goldens-vectors-VERSION.tar.gz

The same versions of the libraries, which ``made_with`` in the archive's index names, give the same bytes.
"""

import argparse
import gzip
import hashlib
import io
import json
import platform
import re
import tarfile
import zlib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from importlib.metadata import version as library_version
from pathlib import Path
from typing import Any

from rnn_goldens.atomic_write import write_whole
from rnn_goldens.corpus import Corpus, open_corpus
from rnn_goldens.corpus.index import Entry, Kind
from rnn_goldens.errors import Unsupported
from rnn_goldens.export.c_header import CHECKER, checker
from rnn_goldens.export.exported_golden import Exported, about, encode
from rnn_goldens.golden.features import CORE
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.schema import schema_path

ROOT = Path(__file__).parents[1]

FORMATS: Mapping[str, tuple[str, ...]] = {
    "onnx": ("float32", "float16"),
    "safetensors": tuple(PRECISIONS),
    "npz": tuple(PRECISIONS),
    "c": ("float64", "float32"),
}
"""By format, the precisions in which goldens are exported: each that engines with this format compute in."""

STORED: Mapping[str, Kind] = {"json": "json", "hdf5": "h5"}
"""The folders of files of the corpus, which serve all precisions."""

SIMPLE = ("documented/*", "*/plain", "*/with-state", "*/several-steps")
"""Goldens to begin with. The core goldens are the hard ones: most have several features at once."""

Files = dict[str, bytes]


def main() -> None:
    """Write the archive of a version into a folder, and print its size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("version", type=_version, help="the version of the package, such as 0.1.0")
    parser.add_argument("folder", type=Path, help="where to write the archive")
    version, folder = vars(parser.parse_args()).values()
    name = f"rnn-goldens-vectors-{version}"
    found = contents(version)
    packed = tar_gz(name, found)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"{name}.tar.gz", packed)
    print(f"{folder / name}.tar.gz: {len(packed):,} bytes; unpacked {sum(map(len, found.values())):,} bytes")


def _version(text: str) -> str:
    if not re.fullmatch(r"[0-9][0-9A-Za-z.+-]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a version, such as 0.1.0")
    return text


def contents(version: str) -> Files:
    """Return the files of the archive by path, sorted."""
    corpus = open_corpus()
    files: Files = {}
    entries = [
        {**_described(corpus, entry), **_exported(corpus, entry, files)}
        for entry in corpus.entries
        if is_in_archive(entry)
    ]
    index = {
        "kind": "vectors-index",
        "format": 1,
        "corpus": "rnn-goldens",
        "version": corpus.version,
        "package": version,
        "made_with": {
            "python": platform.python_version(),
            "zlib": zlib.ZLIB_RUNTIME_VERSION,
            **{name: library_version(name) for name in ("numpy", "onnx", "safetensors")},
        },
        "goldens": entries,
    }
    files["index.json"] = (json.dumps(index, indent=1, ensure_ascii=False) + "\n").encode()
    files["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    for kind in ("golden", "recurrence"):
        files[f"json/{schema_path(kind).name}"] = schema_path(kind).read_bytes()
    files |= {f"c/{CHECKER}": content for content in checker().files.values()}
    files["README.md"] = readme(files, index)
    files["SHA256SUMS"] = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in sorted(files.items())
    ).encode()
    return dict(sorted(files.items()))


def is_in_archive(entry: Entry) -> bool:
    """Return whether the archive has a golden."""
    return CORE in entry.features or any(fnmatchcase(entry.id, pattern) for pattern in SIMPLE)


def _described(corpus: Corpus, entry: Entry) -> dict[str, Any]:
    """Return what the index says about a golden."""
    golden = corpus.load(entry.id, entry.precisions[0])
    described = about(golden)
    names = ("id", "title", "purpose", "documented_in", "cell", "config", "content")
    return {name: described[name] for name in names} | {
        "features": list(entry.features),
        "precisions": list(entry.precisions),
    }


def _exported(corpus: Corpus, entry: Entry, files: Files) -> dict[str, Any]:
    """Add the files of a golden; return its paths by format and precision, and why a format does not have it."""
    stored = {"json": f"json/{entry.id}.json", "hdf5": f"hdf5/{entry.id}.h5"}
    files |= {stored[to]: corpus.content(entry.files[kind]) for to, kind in STORED.items()}
    paths: dict[str, dict[str, str]] = {}
    refused: dict[str, str] = {}
    for to, precisions in FORMATS.items():
        for dtype in entry.checked_in(precisions):
            try:
                exported = encode(corpus.load(entry.id, dtype), to)
            except Unsupported as why:
                refused[to] = str(why)
                continue
            place = f"{to}/{dtype}/{exported.place}"
            files |= _below(place, exported)
            paths.setdefault(to, {})[dtype] = place
        if to not in paths and to not in refused:
            refused[to] = f"the golden has none of {', '.join(precisions)}, only {', '.join(entry.precisions)}"
    return {"files": {**stored, **paths}, "refused": refused}


def _below(place: str, exported: Exported) -> Files:
    return {f"{place}/{name}" if name else place: content for name, content in exported.files.items()}


def readme(files: Mapping[str, bytes], index: Mapping[str, Any]) -> bytes:
    """Return the README of the archive, with the number of goldens and the size of each folder."""
    text = Path(__file__).with_name("README.template.md").read_text("utf-8")
    for folder in (*FORMATS, *STORED):
        sizes = [len(content) for path, content in files.items() if path.startswith(f"{folder}/")]
        goldens = [golden for golden in index["goldens"] if folder in golden["files"]]
        text = text.replace(f"{{{folder}}}", f"{len(goldens)} goldens, {sum(sizes) / 1e6:.1f} MB")
    for name in ("version", "package"):
        text = text.replace(f"{{{name}}}", index[name])
    return text.encode()


def tar_gz(name: str, files: Mapping[str, bytes]) -> bytes:
    """Return a tar.gz of files below the folder ``name``, without dates, owners and anything else that varies."""
    raw = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path, content in files.items():
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    return raw.getvalue()


if __name__ == "__main__":
    main()
