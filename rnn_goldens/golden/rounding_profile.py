"""Profiles: which rounding errors a tolerance allows. A profile is declared, never inferred from results."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.plurals import counted

IEEE, TF32, WGSL = "ieee", "tf32", "wgsl"
STEP, CHUNK = "step", "chunk="
CHUNKS = {f"{CHUNK}{size}": size for size in (16, 32, 64, 128, 256)}
"""The algorithms in chunks, from the strictest, with the largest number of time steps of a chunk."""
UP_TO_64 = "chunk=64"
FLOAT32, HALVES = "float32", ("bfloat16", "float16")
TF32_BITS = 11
"""Significant bits of the operands of products under tf32."""

INSIDE, OPERANDS, ALL = "float32-inside", "operands-stored", "all-stored"

_MEANINGS = {
    "arithmetic": {
        IEEE: "each operation rounds in the precision under test",
        TF32: "operands of products are rounded to 11 bits, sums are float32: tensor cores' float32, cuDNN's default",
        WGSL: "functions have the errors that WebGPU allows",
    },
    "algorithm": {
        STEP: "recurrences are computed step by step, or by a scan",
        **{
            name: f"recurrences may be computed step by step or in chunks of up to {size} steps"
            for name, size in CHUNKS.items()
        },
    },
    "half": {
        INSIDE: "half precisions of recurrences are float32 inside: only outputs are rounded to them",
        OPERANDS: "operands of products are rounded to the half precision, states and sums are float32",
        ALL: "states are rounded to the half precision, too",
    },
}

ALGORITHMS = tuple(_MEANINGS["algorithm"])
"""The algorithms of recurrences, from the strictest."""


def algorithms_for(steps: int) -> tuple[str, ...]:
    """Return the algorithms that differ for sequences of so many steps: up to the first chunk that holds them whole."""
    larger = (name for (_, before), (name, _) in pairwise(CHUNKS.items()) if before < steps)
    return (STEP, next(iter(CHUNKS)), *larger)


MEANINGS = {name: meaning for group in _MEANINGS.values() for name, meaning in group.items()}


@dataclass(frozen=True)
class Profile:
    """The rounding errors that a tolerance allows."""

    arithmetic: str = IEEE  # ``ieee``, ``tf32`` or ``wgsl``
    algorithm: str = UP_TO_64  # ``step`` or ``chunk=N``, for recurrences
    half: str = INSIDE  # ``float32-inside``, ``operands-stored`` or ``all-stored``, for recurrences in half precisions

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that differ from the default."""
        defaults = (IEEE, UP_TO_64, INSIDE)
        return tuple(name for name in (self.arithmetic, self.algorithm, self.half) if name not in defaults)

    @property
    def largest_chunk(self) -> int:
        """The largest number of time steps of a chunk; 0 if chunks are not allowed."""
        return CHUNKS.get(self.algorithm, 0)

    @property
    def of_recurrences(self) -> tuple[str, ...]:
        """The parts that apply to recurrences: the contract."""
        return (*(() if self.arithmetic == IEEE else (self.arithmetic,)), self.algorithm, self.half)

    def __str__(self) -> str:
        """Return the parts that differ from the default; ``ieee`` for the default."""
        return ",".join(self.parts) or IEEE

    def require(self, dtypes: Iterable[str]) -> None:
        """Raise WrongUse if the profile does not define the arithmetic of a precision."""
        if self.arithmetic == WGSL and (other := next((dtype for dtype in dtypes if dtype != FLOAT32), None)):
            raise WrongUse(f"profile {WGSL}: the functions of WebGPU are defined in {FLOAT32} only, not in {other}")

    def rounds_operands(self, dtype: str) -> bool:
        """Return whether operands of products are rounded to ``TF32_BITS`` in a precision."""
        return self.arithmetic == TF32 and dtype == FLOAT32

    def affects(self, dtype: str) -> bool:
        """Return whether the tolerance in a precision may be larger than that of the default profile."""
        if self.largest_chunk > CHUNKS[UP_TO_64]:
            return True
        return (dtype == FLOAT32 and self.arithmetic != IEEE) or (dtype in HALVES and self.half != INSIDE)


DEFAULT = Profile()


def profile_named(names: Iterable[str]) -> Profile:
    """Return the profile with some parts. Raises UnknownName, or WrongUse if two exclude each other."""
    found = DEFAULT
    given: dict[str, str] = {}
    for name in names:
        if name not in MEANINGS:
            raise _unknown(name)
        (group,) = (group for group, meanings in _MEANINGS.items() if name in meanings)
        if given.setdefault(group, name) != name:
            raise WrongUse(f"profile: {given[group]} and {name} exclude each other")
        found = replace(found, **{group: name})
    return found


def _unknown(name: str) -> WrongUse | UnknownName:
    prefix, _, size = name.partition("=")
    if f"{prefix}=" != CHUNK or not size.strip().isdecimal():
        return UnknownName("profile", name, MEANINGS, meanings=MEANINGS)
    allowed = next((one for one, largest in CHUNKS.items() if int(size) <= largest), None)
    use = f"declare {allowed}" if allowed else "there is no tolerance for chunks of so many steps"
    return WrongUse(f"profile: the sizes of chunks are {', '.join(map(str, CHUNKS.values()))}; for {name}, {use}")


def profile_lines(profiles: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield each profile other than the default, with its meaning and the number of results with these parts."""
    for parts, count in Counter(map(tuple, profiles)).items():
        if parts:
            allowed = "; ".join(f"{name}: {MEANINGS[name]}" for name in parts)
            yield f"{counted(count, 'golden')} by the profile {','.join(parts)} ({allowed})"
