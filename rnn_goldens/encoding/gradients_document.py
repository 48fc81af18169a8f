"""What the JSON of a golden's gradients holds, as types: ``schema/gradients-1.schema.json`` says the same."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from rnn_goldens.encoding.golden_document import ExactTolerance
from rnn_goldens.encoding.tree import Tree
from rnn_goldens.encoding.typed_arrays import Floats, Part, tree_in
from rnn_goldens.encoding.typed_json import (
    SCHEMA,
    Hash,
    Id,
    Line,
    Precisions,
    Sentence,
    require_once,
)


class Cotangents(Part, frozen=True):
    """An array for each output that has one."""

    d_out: Floats | UnsetType = UNSET
    d_h_n: Floats | UnsetType = UNSET
    d_c_n: Floats | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Raise ValueError if there is none."""
        if self.d_out is UNSET and self.d_h_n is UNSET and self.d_c_n is UNSET:
            raise ValueError("there is no cotangent")


class GradientsTolerance(Part, frozen=True, tag_field="kind", tag="bound"):
    """How far a correct implementation can be off, by the name of the array."""

    accumulation: dict[str, Floats]
    storage: dict[str, Floats]


class GradientsDocument(Part, frozen=True):
    """All of it."""

    kind: Literal["gradients"]
    format: Literal[1]
    id: Id
    purpose: Sentence
    precisions: Precisions
    golden: Hash
    cotangents: Cotangents
    expected: dict[str, Floats]
    tolerance: ExactTolerance | GradientsTolerance
    provenance: Annotated[dict[Sentence, Line], Meta(max_length=100)]
    schema: Literal["urn:rnn-goldens:schema:gradients:1"] | UnsetType = msgspec.field(default=UNSET, name=SCHEMA)

    def __post_init__(self) -> None:
        """Raise ValueError if a precision stands twice."""
        require_once(self.precisions)


_DECODER = msgspec.json.Decoder(GradientsDocument)


def decode(content: bytes) -> Tree:
    """The tree that the bytes of a ``.gradients.json`` file hold; raises ValueError likewise."""
    return tree_in(content, _DECODER)
