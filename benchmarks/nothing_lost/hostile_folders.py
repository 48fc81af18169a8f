"""Folders that take no more: a full disk, and what may not be written to. By the command, as it is typed."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import CDLL, c_uint32, get_errno
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.nothing_lost import corpora
from benchmarks.nothing_lost.corpora import OLD, SCENARIOS_FILE, contents
from benchmarks.nothing_lost.processes import begun, ended
from benchmarks.nothing_lost.row import Row

_CAPABILITY_VERSION, _DAC_OVERRIDE = 0x20080522, 1 << 1

LONGEST = 300
"""Bytes that the command may say of it, with the paths in it."""

PAGE = 4
"""Kilobytes by which a disk is larger than the one before."""


def hostile_folders() -> Iterator[Row]:
    """Disks of every size that is too small, and every part of a corpus read-only."""
    yield _full_disks()
    yield from _read_only()


def is_mountable() -> bool:
    """Whether a small disk can be mounted here: that takes root, and a system that lets it."""
    with TemporaryDirectory() as home:
        return _mounted(Path(home), 100) and subprocess.run(["umount", home], check=False).returncode == 0


def _mounted(folder: Path, kilobytes: int) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    return not subprocess.run(command, capture_output=True, check=False).returncode


@contextmanager
def _disk(kilobytes: int) -> Iterator[Path]:
    with TemporaryDirectory() as home:
        if not _mounted(Path(home), kilobytes):
            raise RuntimeError("no disk can be mounted here")
        try:
            yield Path(home)
        finally:
            subprocess.run(["umount", home], check=True)


def _full_disks() -> Row:
    """An update on disks that are larger and larger, until one is large enough."""
    attack = "a disk too full for an update, of every size"
    if not is_mountable():
        print(f"{attack}: not tried, as no disk can be mounted here: that takes root", file=sys.stderr)
        return Row(attack, 0)
    times = torn = left = errors = 0
    kilobytes, done = 0, False
    while not done:
        kilobytes += PAGE
        with _disk(kilobytes) as disk, TemporaryDirectory() as elsewhere:
            if ended(begun(partial(_quietly, partial(corpora.write, disk / "goldens", OLD)))):
                continue
            times += 1
            old = contents(disk)
            code, said = _generate(disk / "goldens", Path(elsewhere))
            done = not code
            torn += not done and contents(disk / "goldens") != {
                Path(n).relative_to("goldens").as_posix(): c for n, c in old.items()
            }
            left += len(list(disk.iterdir())) != 1
            errors += not done and (code != 2 or "No space left" not in said or len(said) > LONGEST)  # noqa: PLR2004
    return Row(attack, times, times - 1, torn, left, errors)


def _quietly(work: Callable[[], object]) -> None:
    try:
        work()
    except OSError:
        sys.exit(1)


def _read_only() -> Iterator[Row]:
    """Of an update by somebody who is not root: what may not be written to, and that it is well when it may."""
    for what, parts in (
        ("the folder above a corpus", ["."]),
        ("a corpus", ["goldens"]),
        ("a folder in a corpus", ["goldens/some"]),
        ("a file in a corpus", ["goldens/some/lstm.json"]),
        ("all of a corpus", ["goldens", "goldens/some", "goldens/index.json"]),
    ):
        with TemporaryDirectory() as name, TemporaryDirectory() as elsewhere:
            home = Path(name)
            ended(begun(partial(corpora.write, home / "goldens", OLD)))
            old = contents(home)
            modes = {home / part: (home / part).stat().st_mode for part in parts}
            for path, mode in modes.items():
                path.chmod(mode & ~0o222)
            code, said = _generate(home / "goldens", Path(elsewhere))
            again, said_again = _generate(home / "goldens", Path(elsewhere))
            torn = int(contents(home) != old and code != 0)
            errors = (code, said) != (again, said_again) if code else 0
            errors += bool(code) and ("denied" not in said or len(said) > LONGEST)
            for path, mode in modes.items():
                path.chmod(mode)
            code, _ = _generate(home / "goldens", Path(elsewhere))
            left = int(len(list(home.iterdir())) != 1)
            yield Row(f"{what} is read-only, to an update", 2, None, torn, left, errors + bool(code))


def _be_refused() -> None:
    """Let this process be refused what the mode of a file does not allow, as all but root are."""
    header, data = (c_uint32 * 2)(_CAPABILITY_VERSION, 0), (c_uint32 * 6)()
    libc = CDLL(None, use_errno=True)
    refused = libc.capget(header, data)
    data[0] &= ~_DAC_OVERRIDE
    if refused or libc.capset(header, data):
        raise OSError(get_errno(), "the process goes on as root")


def _generate(folder: Path, elsewhere: Path) -> tuple[int, str]:
    """``rnn-goldens generate`` of the new corpus, not as root; its exit code and what it said."""
    scenarios, printed = elsewhere / "mine.py", elsewhere / "printed.txt"
    scenarios.write_text(SCENARIOS_FILE, "utf-8")

    def work() -> None:
        from rnn_goldens.command_line import main

        for stream in (1, 2):
            os.dup2(os.open(printed, os.O_WRONLY | os.O_APPEND), stream)
        _be_refused()
        sys.argv = ["rnn-goldens", "generate", "--scenarios", str(scenarios), "--into", str(folder)]
        main()

    printed.write_text("", "utf-8")
    code = ended(begun(work))
    return code, printed.read_text("utf-8")
