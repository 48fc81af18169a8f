"""Compresses the wheel with the highest level: most of it are goldens, and the default level leaves 2 % more."""

import zipfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Compression(BuildHookInterface[Any]):
    """Rewrites the wheel after it is built. Names, dates and contents of its files stay the same."""

    PLUGIN_NAME = "custom"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Compress the files of the wheel again. An editable wheel has almost no content."""
        if version != "standard":
            return
        wheel = Path(artifact_path)
        compressed = wheel.with_suffix(".tmp")
        with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(compressed, "w") as target:
            for file in source.infolist():
                target.writestr(file, source.read(file), zipfile.ZIP_DEFLATED, compresslevel=9)
        compressed.replace(wheel)
