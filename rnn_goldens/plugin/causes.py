"""What is wrong, said once at the end of a run: its account as evidence for the causes of what failed."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from rnn_goldens.corpus import Corpus
from rnn_goldens.diagnosis.asked import TOGETHER, Cause, Parts
from rnn_goldens.diagnosis.causes import Diagnosis, Evidence
from rnn_goldens.diagnosis.run import Load, asked_again, diagnosed_run
from rnn_goldens.diagnosis.suspects import Failure
from rnn_goldens.errors import RnnGoldensError
from rnn_goldens.plugin.settings import corpus
from rnn_goldens.plugin.tally import FAILED, Entry, Tally

_WRONG = (FAILED, "known-failure")

_PARTS = pytest.StashKey[dict[tuple[str, str], Parts]]()
"""By golden and precision; what is known of a cell when all is in."""

_FOUND = pytest.StashKey[list[Diagnosis]]()


def explain_all(config: pytest.Config, tally: Tally, failures: Iterable[Failure]) -> None:
    """Note in the account what explains each failure, now that all that is suspected is known."""
    opened = corpus(config)
    wrong = (entry for entry in tally.with_outcome(*_WRONG) if _is_wrong(opened, entry))
    evidence = [(entry, _evidence(opened, entry, {})) for entry in wrong]
    found = asked_again([one for _, one in evidence], failures, _loading(opened))
    for (entry, before), after in zip(evidence, found, strict=True):
        if after.explained_by != before.explained_by:
            entry["explained_by"] = [TOGETHER.join(cause) for cause in after.explained_by]
            entry.pop("facts", None)
        if after.parts:
            config.stash.setdefault(_PARTS, {})[after.golden, after.dtype] = after.parts


def diagnoses(config: pytest.Config, tally: Tally) -> list[Diagnosis]:
    """What explains the failures of a run that has ended, found once; nothing if no output was wrong unexpectedly."""
    if not any(entry.get("judged_by") == "comparison" for entry in tally.with_outcome(FAILED)):
        return []
    if _FOUND not in config.stash:
        opened = corpus(config)
        parts = config.stash.setdefault(_PARTS, {})
        judged = (entry for entry in tally.entries if _is_wrong(opened, entry) or _is_right(opened, entry))
        evidence = [_evidence(opened, entry, parts) for entry in judged]
        config.stash[_FOUND] = diagnosed_run(evidence, _loading(opened))
    return config.stash[_FOUND]


def sent(failures: Iterable[Failure]) -> list[list[Any]]:
    """Failures in a form that xdist carries."""
    return [
        [f.golden, f.dtype, [[name, list(values.shape), values.tobytes()] for name, values in f.got.items()]]
        for f in failures
    ]


def received(carried: Iterable[list[Any]]) -> Iterator[Failure]:
    """The way back."""
    for golden, dtype, outputs in carried:
        yield Failure(golden, dtype, {name: np.frombuffer(data).reshape(shape) for name, shape, data in outputs})


def _is_wrong(opened: Corpus, entry: Entry) -> bool:
    return entry["outcome"] in _WRONG and entry.get("judged_by") == "comparison" and entry["golden"] in opened.ids


def _is_right(opened: Corpus, entry: Entry) -> bool:
    return entry["outcome"] == "passed" and entry["golden"] in opened.ids


def _evidence(opened: Corpus, entry: Entry, parts: Mapping[tuple[str, str], Parts]) -> Evidence:
    known = opened.entry(entry["golden"])
    return Evidence(
        golden=known.id,
        dtype=entry["dtype"],
        cell=known.cell,
        features=known.features,
        passed=entry["outcome"] == "passed",
        explained_by=tuple(map(_cause, entry.get("explained_by", ()))),
        facts=entry.get("facts", {}),
        parts=parts.get((known.id, entry["dtype"]), {}),
    )


def _cause(said: str) -> Cause:
    return tuple(said.split(TOGETHER))


def _loading(opened: Corpus) -> Load:
    def load(golden: str, dtype: str) -> Any:  # noqa: ANN401 - a golden, or None
        try:
            return opened.load(golden, dtype)
        except RnnGoldensError:
            return None

    return load
