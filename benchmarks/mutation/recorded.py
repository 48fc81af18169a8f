"""What became of each edited source, kept as it is known: a run that is cut short goes on where it was."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path

from benchmarks.mutation.judging import Outcome
from rnn_goldens import cells, corpus, encoding, fixtures, generator, golden, judging, programs

JUDGING = (cells, corpus, encoding, generator, golden, judging, programs)
"""Packages on which an outcome hangs."""

FIELDS = {field.name for field in fields(Outcome)}
"""What a line has; one that was written before they changed is of no use."""

HERE = ("asking.py", "drawn_questions.py", "judging.py")


def judged_by() -> str:
    """What judges, as a hash: the corpus, and the code."""
    folders = [Path(folder) for package in JUDGING for folder in package.__path__]
    code = sorted(path for folder in folders for path in folder.rglob("*.py"))
    index = sorted(path for folder in fixtures.__path__ for path in Path(folder).glob("*/index.json"))
    own = [Path(__file__).parent / name for name in HERE]
    return _hash(path.read_text("utf-8") for path in (*code, *index, *own))


def key(judges: str, language: str, files: Mapping[str, str], clean: Mapping[str, str]) -> str:
    """Of an edited source: another one if anything changes on which its outcome hangs."""
    return _hash([judges, language, *files.values(), *clean.values()])


class Recorded:
    """A file with a line for each outcome."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.outcomes: dict[str, Outcome] = {}
        whole = path.read_text("utf-8") if path.is_file() else ""
        for line in whole[: whole.rfind("\n") + 1].splitlines():
            found = json.loads(line)
            of = found.pop("key")
            if found.keys() == FIELDS:
                self.outcomes[of] = Outcome(**found)
        if whole and not whole.endswith("\n"):  # a run was killed while it wrote
            path.write_text(whole[: whole.rfind("\n") + 1], "utf-8")

    def add(self, of: str, outcome: Outcome) -> None:
        """One more, written at once."""
        self.outcomes[of] = outcome
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": of, **asdict(outcome)}) + "\n")


def _hash(texts: Iterable[str]) -> str:
    found = hashlib.sha256()
    for text in texts:
        found.update(hashlib.sha256(text.encode()).digest())
    return found.hexdigest()[:16]
