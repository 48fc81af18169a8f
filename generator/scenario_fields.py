"""Validates the fields and the numbers of a scenario: a golden has the same numbers in each of its precisions."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.conventions import CONVENTIONS, convention
from rnn_goldens.errors import RnnGoldensError, UnknownName, Unsupported, WrongUse
from rnn_goldens.golden.features import DECLARED_FEATURES, DERIVED_FEATURES
from rnn_goldens.golden.precision import PRECISIONS, Precision, SupportedOnly, precision_name, whole_number
from rnn_goldens.golden.shapes import Config

_SIZES = ("input_size", "hidden_size", "num_layers", "proj_size")

SMALLEST = 2.0**-14
"""The smallest normal number of float16; some implementations flush smaller numbers to zero."""


class Refused(RnnGoldensError):
    """A scenario that cannot be certified; the message has its id and the reason."""


@contextmanager
def refusing(golden_id: str) -> Iterator[None]:
    """Raise Refused with the id for other errors of this package."""
    try:
        yield
    except (Unsupported, RnnGoldensError) as error:
        raise Refused(f"{golden_id}: {str(error).removeprefix(f'{golden_id}: ')}") from None


def require_words(golden_id: str, field: str, given: object, what: str) -> None:
    """Raise WrongUse if a value is not a valid text in a golden file."""
    if not isinstance(given, str):
        raise WrongUse(f"{golden_id}: {field} is {given!r}; expected {what}")
    if not given.strip():
        raise WrongUse(f"{golden_id}: {field} is empty; expected {what}")
    if "\0" in given or given != given.encode(errors="replace").decode():
        raise WrongUse(f"{golden_id}: {field} is not valid text: {given!r}")


def require_gradient_purpose(golden_id: str, given: object, cotangents: Collection[str], examples: str) -> None:
    """Raise WrongUse if there are cotangents without a purpose, or a purpose without cotangents."""
    if cotangents:
        require_words(golden_id, "gradient_purpose", given, "a sentence: what these cotangents detect")
    elif not isinstance(given, str) or given:
        raise WrongUse(f"{golden_id}: gradient_purpose is {given!r}, but there is no cotangent: set {examples}")


def require_by_name(golden_id: str, field: str, given: object) -> None:
    """Raise WrongUse if a value is not a mapping whose keys are text."""
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise WrongUse(f"{golden_id}: {field} must be a dict whose keys are text")


def require_names(golden_id: str, weights_as: object, prefix: object) -> None:
    """Raise WrongUse if convention or prefix is not a name, or the convention is unknown."""
    if not isinstance(prefix, str):
        raise WrongUse(f"{golden_id}: prefix is {prefix!r}; expected the beginning of the weights' names")
    if not isinstance(weights_as, str):
        raise WrongUse(f"{golden_id}: convention is {weights_as!r}; expected one of {', '.join(CONVENTIONS)}")
    try:
        convention(weights_as)
    except UnknownName as error:
        raise WrongUse(f"{golden_id}: {error}") from None


def precisions_of(golden_id: str, given: object) -> tuple[str, ...]:
    """Return the names of precisions in the order of ``PRECISIONS``. Raises WrongUse for an unknown or no precision."""
    listed: Any = [given] if isinstance(given, str) else given
    if not isinstance(listed, Iterable):
        raise WrongUse(f"{golden_id}: precisions is {given!r}; expected a list such as ['float64', 'float32']")
    try:
        selected = {precision_name(precision) for precision in listed}
    except (TypeError, UnknownName) as error:
        raise WrongUse(f"{golden_id}: precisions: {error}") from None
    if not selected:
        raise WrongUse(f"{golden_id}: precisions is empty; a scenario needs at least one")
    in_order = (name for name in PRECISIONS if name in selected)
    return SupportedOnly(in_order) if isinstance(given, SupportedOnly) else tuple(in_order)


def declared_of(golden_id: str, given: object) -> tuple[str, ...] | None:
    """Return the declared features without duplicates; None to determine them. Raises WrongUse for other features."""
    if given is None:
        return None
    if not isinstance(given, (tuple, list)):
        raise WrongUse(f"{golden_id}: declared is {given!r}; expected a tuple of features, such as ('long',)")
    for feature in given:
        if feature in DERIVED_FEATURES:
            raise WrongUse(f"{golden_id}: declared: {feature} follows from the inputs and cannot be declared")
        if feature not in DECLARED_FEATURES:
            raise WrongUse(f"{golden_id}: declared: {UnknownName('feature', str(feature), DECLARED_FEATURES)}")
    return tuple(dict.fromkeys(given))


def require_precisions(
    golden_id: str, listed: Sequence[str], declared: Sequence[str] | None, why: Mapping[str, str]
) -> None:
    """Raise Refused if a precision that a scenario lists is left out, unless the scenario is declared chaotic."""
    if isinstance(listed, SupportedOnly) or "chaotic" in (declared or ()):
        return
    if out := [precision for precision in listed if precision in why]:
        them = "it" if len(out) == 1 else "them"
        raise Refused(f"{golden_id}: {'; '.join(why[p] for p in out)}: remove {them} from precisions")


def require_other_names(golden_id: str, given: Mapping[str, object], fields: Sequence[str]) -> None:
    """Raise WrongUse if a mapping has the name of a field of the scenario."""
    for name in fields:
        if name in given:
            raise WrongUse(f"{golden_id}: {name} is a field of the scenario: write {name}=…")


def config_of(given: object) -> Config:
    """Convert a mapping to a configuration. Raises WrongUse if an argument is missing, unknown or invalid."""
    if not isinstance(given, Mapping):
        raise WrongUse(f"config is of type {type(given).__name__}; expected a Config or a mapping of its arguments")
    known = {field.name: field for field in fields(Config)}
    for name in given:
        if name not in known:
            raise WrongUse(f"config: {UnknownName('argument', str(name), known)}")
    for name, field in known.items():
        if field.default is MISSING and name not in given:
            raise WrongUse(f"config has no {name}, which has no default")
    arguments: dict[str, Any] = {name: _argument(name, value) for name, value in given.items()}
    return Config(**arguments)


def _argument(name: str, given: Any) -> int | bool | str:  # noqa: ANN401 - validated here
    if name == "direction":
        if given not in ("", "reverse"):
            raise WrongUse(f"config: direction is {given!r}; expected 'reverse' or ''")
        return str(given)
    if name not in _SIZES:
        if not isinstance(given, (bool, np.bool_)):
            raise WrongUse(f"config: {name} is {given!r}; expected True or False")
        return bool(given)
    size = whole_number(given)
    if size is None or size < (name != "proj_size"):
        raise WrongUse(f"config: {name} is {given!r}; expected an integer of at least 1")
    return size


def exact_array(
    golden_id: str, name: str, array: NDArray[np.float64], precisions: Sequence[str]
) -> NDArray[np.float64]:
    """Return an array in C order. Raises Refused if a number is not finite, or not exact in one of the precisions."""
    if not np.isfinite(array).all():
        raise Refused(f"{golden_id}: {name} holds NaN or infinity")
    exact_in = {name: not inexact(array, precision).any() for name, precision in PRECISIONS.items()}
    for precision in precisions:
        if not exact_in[precision]:
            raise Refused(f"{golden_id}: {name} holds {_why(array, PRECISIONS[precision])}{_remedy(exact_in)}")
    return np.ascontiguousarray(array)


def inexact(array: NDArray[np.float64], precision: Precision) -> NDArray[np.bool_]:
    """Return which numbers are not exact in a precision, or subnormal in float16, which may be flushed to zero."""
    small = (array != 0) & (np.abs(array) < SMALLEST) if precision.name == "float16" else np.zeros(1, bool)
    with np.errstate(over="ignore"):
        return np.asarray(small | (precision.round(array) != array))


def _why(array: NDArray[np.float64], precision: Precision) -> str:
    numbers = array[inexact(array, precision)]
    first, others = numbers[0], numbers.size - 1
    more = f" (and {others} more numbers)" if others else ""
    if precision.name == "float16" and abs(first) < SMALLEST:
        return f"{first}{more}, which is below the normal range of float16"
    return f"{first}{more}, which {precision.name} cannot represent"


def _remedy(exact_in: Mapping[str, bool]) -> str:
    possible = [name for name, is_exact in exact_in.items() if is_exact]
    return f"; select only precisions that can: precisions={possible}" if possible else ""
