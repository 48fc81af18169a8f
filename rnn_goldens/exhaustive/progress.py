"""What an exhaustive run has visited so far, in a file that outlives it: one that is interrupted goes on from there."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rnn_goldens.errors import WrongUse
from rnn_goldens.exhaustive.findings import Finding

Visited = dict[str, Finding]
"""By the id of a part."""

FOLDER = Path(".pytest_cache", "d", "rnn-goldens")
"""Where pytest keeps what it remembers, and runs of ``check`` do, too."""


@dataclass(frozen=True)
class Progress:
    """The file. It holds a line for each part that passed, and what was found there.

    Attributes:
        path: where it stands.
    """

    path: Path

    @classmethod
    def of(cls, implementation: str, folder: Path) -> "Progress":
        """The file of an implementation, as ``check`` has its name, below a folder."""
        words = "".join(letter if letter.isalnum() else "-" for letter in implementation).strip("-")
        return cls(folder / FOLDER / f"exhaustive-{words}.jsonl")

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
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if resume:
                self.before.path.write_bytes(self.path.read_bytes())
            else:
                self.before.path.unlink(missing_ok=True)
                self.path.write_bytes(b"")
        except OSError as error:
            raise WrongUse(
                f"{self.path}, which says how far the run came, can not be written: {error.strerror}"
            ) from None

    def add(self, part: str, finding: Finding) -> None:
        """One more part."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([part, finding.document()]) + "\n")

    def read(self) -> Visited:
        """The parts so far; a line that was not written to its end is none."""
        found: Visited = {}
        if self.path.is_file():
            for line in self.path.read_text("utf-8").splitlines():
                with suppress(ValueError, TypeError):
                    part, finding = json.loads(line)
                    found[part] = Finding(**finding)
        return found

    def end(self) -> None:
        """The run came to its end: there is nothing to go on with."""
        for path in (self.path, self.before.path):
            path.unlink(missing_ok=True)
