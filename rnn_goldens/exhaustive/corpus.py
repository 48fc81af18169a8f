"""The parts of an exhaustive run as a corpus: there are no files, a golden is certified when it is loaded."""

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.corpus import OURS, Corpus, Entry
from rnn_goldens.errors import UnknownName
from rnn_goldens.exhaustive.parts import Part, parts, purpose


@dataclass(frozen=True)
class EveryArgument(Corpus):
    """A corpus whose goldens are made on the spot."""

    parts: dict[str, Part] = field(default_factory=dict)

    def load(self, golden_id: str, dtype: object = None, *, gradients: bool = False) -> Golden:
        """Certify a golden, in its one precision; raises UnknownName for an id or another precision, or gradients."""
        self.entry(golden_id)
        if gradients:
            raise UnknownName("golden with gradients", golden_id, [], plural="goldens with gradients")
        part = self.parts[golden_id]
        certified = part.certified().in_precision(part.precision if dtype is None else dtype)
        return replace(certified, corpus=self.where)


@cache
def every_argument() -> EveryArgument:
    """Every part there is."""
    found = {part.id: part for part in parts()}
    return EveryArgument(Path(), OURS, "exhaustive", tuple(map(_entry, found.values())), parts=found)


def _entry(part: Part) -> Entry:
    activation = part.activation
    return Entry(
        id=part.id,
        title=f"{activation.cell}: {activation.name}, part {part.number}",
        purpose=purpose(part),
        cell=activation.cell,
        features=part.features,
        precisions=(part.precision,),
        files={},
        content="",
    )
