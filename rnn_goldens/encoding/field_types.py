"""Types of JSON fields that several kinds of file share. Parsing into them validates a file."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.features import CORE, FEATURES, ID, LONGEST_ID
from rnn_goldens.golden.precision import DTYPES, PRECISIONS
from rnn_goldens.golden.recurrences import BUILT_IN, INTEGER_LSTMS, RECURRENCES
from rnn_goldens.golden.shapes import CUSTOM_CELL

T = TypeVar("T")

SCHEMA = "$schema"
"""The key under which a file names its schema."""

LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\Z"
"""Text without line breaks and without characters that control a terminal."""

LONGEST_LINE = 1000


def _one_of(names: Iterable[str]) -> str:
    return rf"^({'|'.join(names)})\Z"


Line = Annotated[str, Meta(pattern=LINE, max_length=LONGEST_LINE)]
Sentence = Annotated[str, Meta(pattern=rf"(?=[\s\S]*\S){LINE}", max_length=LONGEST_LINE)]
Id = Annotated[str, Meta(pattern=rf"^{ID}\Z", max_length=LONGEST_ID)]
CellName = Annotated[str, Meta(pattern=_one_of([*LAYOUTS, CUSTOM_CELL]), max_length=LONGEST_ID)]
RecurrenceName = Annotated[str, Meta(pattern=_one_of([*RECURRENCES, CUSTOM_CELL]), max_length=LONGEST_ID)]
IntegerName = Annotated[str, Meta(pattern=_one_of(INTEGER_LSTMS))]
AnyCellName = Annotated[str, Meta(pattern=_one_of([*BUILT_IN, CUSTOM_CELL]), max_length=LONGEST_ID)]
Feature = Annotated[str, Meta(pattern=_one_of(feature for feature in FEATURES if feature != CORE))]
FeatureOrCore = Annotated[str, Meta(pattern=_one_of(FEATURES))]
Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Precisions = Annotated[
    tuple[Annotated[str, Meta(pattern=_one_of(PRECISIONS))], ...], Meta(min_length=1, max_length=len(PRECISIONS))
]

AnyPrecisions = Annotated[
    tuple[Annotated[str, Meta(pattern=_one_of(DTYPES))], ...],
    Meta(min_length=1, max_length=len(PRECISIONS)),
]
"""The precisions of a golden, or the type of an integer one."""


def is_line(text: str) -> bool:
    """Return whether a text can be printed unchanged on one line."""
    return len(text) <= LONGEST_LINE and re.search(LINE, text) is not None


def as_typed(decoder: msgspec.json.Decoder[T], content: bytes) -> T:
    """Parse JSON into the decoder's type. Raises ValueError that names the position of the first problem."""
    try:
        return decoder.decode(content)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(_place_first(str(error))) from None


def require_once(names: Iterable[Any]) -> None:
    """Raise ValueError if a name is listed twice."""
    names = list(names)
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise ValueError(f"{twice} is listed twice")


def _place_first(message: str) -> str:
    """Reorder a message of msgspec to the form of this project: position, colon, problem."""
    problem, _, place = message.partition(" - at ")
    parts = re.findall(r"[^.\[\]`]+|\[\.\.\.\]", place.rpartition("$")[2])
    path = "/".join("*" if part == "[...]" else part for part in parts).removesuffix("/*")
    return f"{path or 'top level'}: {problem}"
