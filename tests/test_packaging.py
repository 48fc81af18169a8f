"""What is in the checkout is in the wheel: no package and no kind of file is silently left out."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
OUTSIDE = {"generator", "schema"}
"""Packages that stand beside ``rnn_goldens`` in a checkout; ``fixtures`` is one without a file of Python."""


def test_every_package_is_listed() -> None:
    tops = [ROOT / "rnn_goldens", *(ROOT / name for name in OUTSIDE)]
    folders = {file.parent.relative_to(ROOT) for top in tops for file in top.rglob("*.py")}
    packages = {".".join(folder.parts) for folder in folders}
    inside = {name if name.partition(".")[0] == "rnn_goldens" else f"rnn_goldens.{name}" for name in packages}
    assert set(SETUPTOOLS["packages"]) == inside | {"rnn_goldens.fixtures"}


def test_every_file_that_is_no_python_is_package_data() -> None:
    homes = {name: Path(folder) for name, folder in SETUPTOOLS["package-dir"].items()}
    for top in ("rnn_goldens", *OUTSIDE, "fixtures"):
        for file in (ROOT / top).rglob("*"):
            if not file.is_file() or file.suffix in (".py", ".pyc"):
                continue
            matching = [
                package
                for package, patterns in SETUPTOOLS["package-data"].items()
                for pattern in patterns
                if file in (ROOT / homes.get(package, Path(*package.split(".")))).glob(pattern)
            ]
            assert matching, f"{file.relative_to(ROOT)} would not be in the wheel"
