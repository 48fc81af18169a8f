"""What an exhaustive run has visited so far, in a file that outlives it: one that is interrupted goes on from there."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rnn_goldens.errors import WrongUse
from rnn_goldens.exhaustive.findings import Finding


@dataclass(frozen=True)
class Judged:
    """What became of a part.

    Attributes:
        outcome: ``passed``, ``failed`` or ``refused``.
        finding: what was found there, if its outputs were compared.
    """

    outcome: str
    finding: Finding | None


FOLDER = Path(".pytest_cache", "d", "rnn-goldens")
"""Where pytest keeps what it remembers, and runs of ``check`` do, too."""


@dataclass(frozen=True)
class Progress:
    """The file. Its first line says of which code it is; then it has a line for each part that was judged.

    Attributes:
        path: where it stands.
        code: a digest of the implementation's files; "" where that is not known.
    """

    path: Path
    code: str = ""

    @classmethod
    def of(cls, implementation: str, folder: Path) -> "Progress":
        """The file of an implementation, as ``check`` has its name, below a folder."""
        digest = hashlib.sha256(implementation.encode()).hexdigest()
        return cls(folder / FOLDER / f"exhaustive-{digest[:16]}.jsonl", _digest(_files(implementation, folder)))

    @property
    def before(self) -> "Progress":
        """What the run before this one visited: that, and no more, is left out, also by a process that starts late."""
        return Progress(self.path.with_suffix(".before.jsonl"))

    def begin(self, *, resume: bool) -> None:
        """Make the file; raises WrongUse if that can not be done, or there is no run to go on with."""
        try:
            if resume and not self.path.is_file():
                raise WrongUse(
                    "there is nothing to go on with: no --exhaustive run of this implementation was interrupted in "
                    f"this folder ({self.path} is not there)"
                )
            if resume and self._code_before() != self.code:
                raise WrongUse(
                    "the implementation's files are not those of the run that was interrupted, so what was right then "
                    "may be wrong now: begin anew, without --resume"
                )
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if resume:
                self.before.path.write_bytes(self.path.read_bytes())
            else:
                self.before.path.unlink(missing_ok=True)
                self.path.write_text(json.dumps({"code": self.code}) + "\n", "utf-8")
        except OSError as error:
            raise WrongUse(
                f"{self.path}, which says how far the run came, can not be written: {error.strerror}"
            ) from None

    def _code_before(self) -> str:
        with suppress(ValueError, KeyError, TypeError):
            return str(json.loads(self.path.read_text("utf-8").partition("\n")[0])["code"])
        return ""

    def add(self, part: str, judged: Judged) -> None:
        """One more part."""
        finding = None if judged.finding is None else judged.finding.document()
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([part, judged.outcome, finding]) + "\n")

    def read(self) -> dict[str, Judged]:
        """The parts so far, by id; a line that was not written to its end is none."""
        found: dict[str, Judged] = {}
        if self.path.is_file():
            for line in self.path.read_text("utf-8").splitlines()[1:]:
                with suppress(ValueError, TypeError):
                    part, outcome, finding = json.loads(line)
                    found[part] = Judged(outcome, None if finding is None else Finding(**finding))
        return found

    def end(self) -> None:
        """The run came to its end: there is nothing to go on with."""
        for path in (self.path, self.before.path):
            path.unlink(missing_ok=True)


def _files(implementation: str, folder: Path) -> Iterator[Path]:
    """The files that an implementation names, and the modules beside its own: none of what is installed."""
    for word in implementation.split():
        with suppress(OSError):  # of a word that is no path: too long, say
            yield from _files_of(word, folder)


def _files_of(word: str, folder: Path) -> Iterator[Path]:
    module = folder.joinpath(*word.partition(":")[0].split("."))
    if (folder / word).is_file():
        yield folder / word
    elif module.with_name(f"{module.name}.py").is_file():
        yield from sorted(module.parent.glob("*.py"))
    elif module.is_dir():
        yield from sorted(module.rglob("*.py"))


def _digest(files: Iterator[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        with suppress(OSError):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
