"""The wheel and the sdist of a commit: built twice, compared, looked at and installed where nothing else is."""

import os
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

SUMS = "SHA256SUMS"


class Failed(Exception):
    """A step of a release that went wrong; its text says which, and why."""


def build_twice(root: Path, scratch: Path, *, isolated: bool = True) -> list[Path]:
    """The files of the last commit, built by two who share neither folder, umask nor time; the first's.

    Raises:
        Failed: it does not build, or the two differ.
    """
    first = _built(root, scratch / "one", 0o022, isolated)
    second = _built(root, scratch / "another folder", 0o077, isolated)
    for one, other in zip(first, second, strict=True):
        if (one.name, digest(one)) != (other.name, digest(other)):
            raise Failed(f"{one.name} is not reproducible: two builds of one commit differ")
    return first


def _built(root: Path, folder: Path, umask: int, isolated: bool) -> list[Path]:
    """A build of what git has: nothing that lies about in the checkout gets into it."""
    source, dist = folder / "source", folder / "dist"
    source.mkdir(parents=True)
    commit = subprocess.run(["git", "archive", "HEAD"], cwd=root, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-m"], cwd=source, input=commit, check=True, umask=umask)
    command = [
        sys.executable,
        "-m",
        "build",
        "--outdir",
        str(dist),
        *([] if isolated else ["--no-isolation"]),
        str(source),
    ]
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    _run("the build", command, umask=umask, environment=environment)
    return sorted(dist.iterdir())


def check_description(files: Sequence[Path]) -> None:
    """Whether an index will take them, and show what they say of themselves.

    Raises:
        Failed: it will not.
    """
    _run("twine", [sys.executable, "-m", "twine", "check", "--strict", *map(str, files)])


def check_citation(root: Path) -> None:
    """Whether CITATION.cff is one.

    Raises:
        Failed: it is not.
    """
    code = "from cffconvert.cli.cli import cli; cli()"
    _run("cffconvert", [sys.executable, "-W", "ignore", "-c", code, "--validate", "-i", str(root / "CITATION.cff")])


def install(wheel: Path, version: str, scratch: Path) -> str:
    """Install a wheel where nothing else is, and check NumPy's goldens with it; what the run says last.

    Raises:
        Failed: it does not install, is of another version, or fails.
    """
    _run("a new environment", [sys.executable, "-m", "venv", str(scratch)])
    binaries = scratch / ("Scripts" if sys.platform == "win32" else "bin")
    python, command = str(binaries / "python"), str(binaries / "rnn-goldens")
    _run("the installation", [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)])
    _run("pip check", [python, "-m", "pip", "check"])
    said = _run("rnn-goldens --version", [command, "--version"], folder=scratch).strip()
    if not said.endswith(f" {version}"):
        raise Failed(f"the wheel says of itself: {said}")
    return _run("rnn-goldens check numpy", [command, "check", "numpy", "-q"], folder=scratch).strip().splitlines()[-1]


def write_sums(files: Sequence[Path]) -> Path:
    """Write the sums of files beside them, as ``sha256sum --check`` reads them."""
    sums = files[0].parent / SUMS
    sums.write_text("".join(f"{digest(file)}  {file.name}\n" for file in files), "utf-8")
    return sums


def digest(file: Path) -> str:
    """The SHA-256 of a file."""
    return sha256(file.read_bytes()).hexdigest()


def _run(
    what: str,
    command: Sequence[str],
    *,
    folder: Path | None = None,
    umask: int = -1,
    environment: dict[str, str] | None = None,
) -> str:
    """What a command prints.

    Raises:
        Failed: it fails; with the last it said.
    """
    done = subprocess.run(
        command, cwd=folder, umask=umask, env=environment, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise Failed(f"{what} failed with exit code {done.returncode}:\n{said}")
    return done.stdout
