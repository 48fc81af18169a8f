"""Lists the HDF5 files that the wheel does not carry, and compresses it with the highest level.

Most of the wheel are goldens, and the default level leaves 2 % more.
"""

import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Wheel(BuildHookInterface[Any]):
    """Adds a file to the wheel, and rewrites the wheel after it is built with the same names, dates and contents."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write not-in-wheel.txt, which ``rnn_goldens.encoding.files`` reads, into each corpus of the wheel."""
        if version != "standard":
            return
        root, self._scratch = Path(self.root), TemporaryDirectory()
        for corpus in sorted(index.parent for index in (root / "rnn_goldens/fixtures").glob("*/index.json")):
            files = sorted(corpus.rglob("*.h5"))
            left_out = [p for p in files if self.build_config.path_is_excluded(p.relative_to(root).as_posix())]
            kept = {path.parent for path in {*files} - {*left_out}}
            short = [path if path.parent in kept else path.parent / "*.h5" for path in left_out]
            lines = dict.fromkeys(f"{path.relative_to(corpus).as_posix()}\n" for path in short)
            file = Path(self._scratch.name) / f"{corpus.name}.txt"
            file.write_text("".join(lines), "utf-8")
            build_data["force_include"][str(file)] = f"{corpus.relative_to(root)}/not-in-wheel.txt"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Compress the files of the wheel again. An editable wheel has almost no content."""
        if version != "standard":
            return
        self._scratch.cleanup()
        wheel = Path(artifact_path)
        compressed = wheel.with_suffix(".tmp")
        with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(compressed, "w") as target:
            for file in source.infolist():
                target.writestr(file, source.read(file), zipfile.ZIP_DEFLATED, compresslevel=9)
        compressed.replace(wheel)
