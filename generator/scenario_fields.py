"""What the fields of a scenario have to be, before anything is computed from them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any

import numpy as np

from rnn_goldens.conventions import CONVENTIONS, convention
from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.golden.features import DECLARED_FEATURES, DERIVED_FEATURES
from rnn_goldens.golden.ids import is_id
from rnn_goldens.golden.precision import PRECISIONS, WhereHeld, precision_name
from rnn_goldens.golden.shapes import CELLS, Config
from rnn_goldens.golden.whole_number import whole_number

_SIZES = ("input_size", "hidden_size", "num_layers")


def require_id(given: object) -> None:
    """Raise WrongUse unless it is an id."""
    if not is_id(given):
        raise WrongUse(
            f"{given!r} is no golden's id: it is folder/name in small letters, digits and dashes: 'mine/first'"
        )


def require_words(golden_id: str, field: str, given: object, what: str) -> None:
    """Raise WrongUse unless a golden file can hold it as words."""
    if not isinstance(given, str):
        raise WrongUse(f"{golden_id}: {field} is {given!r}; it is {what}")
    if not given.strip():
        raise WrongUse(f"{golden_id}: {field} is empty; it is {what}")
    if "\0" in given or given != given.encode(errors="replace").decode():
        raise WrongUse(f"{golden_id}: {field} holds what is no text: {given!r}")


def require_gradient_purpose(golden_id: str, given: object, cotangents: Collection[str]) -> None:
    """Raise WrongUse unless there is a purpose where there are cotangents, and none where there are none."""
    if cotangents:
        require_words(golden_id, "gradient_purpose", given, "a sentence: what these cotangents are there to show")
    elif given != "":
        raise WrongUse(
            f"{golden_id}: gradient_purpose says {given!r}, and there is no cotangent: give d_out, d_h_n or d_c_n"
        )


def require_names(golden_id: str, cell: object, weights_as: object, prefix: object) -> None:
    """Raise WrongUse unless cell, convention and prefix are names; a convention has to be one there is."""
    if not isinstance(cell, str):
        raise WrongUse(f"{golden_id}: cell is {cell!r}; it is one of {', '.join(CELLS)}, or package.module:function")
    if not isinstance(prefix, str):
        raise WrongUse(f"{golden_id}: prefix is {prefix!r}; it is what the names of the weights begin with")
    if not isinstance(weights_as, str):
        raise WrongUse(f"{golden_id}: convention is {weights_as!r}; it is one of {', '.join(CONVENTIONS)}")
    try:
        convention(weights_as)
    except UnknownName as error:
        raise WrongUse(f"{golden_id}: {error}") from None


def precisions_of(golden_id: str, given: object) -> tuple[str, ...]:
    """Their names, in the order of ``PRECISIONS``, of the same kind. Raises WrongUse where it is none, or no list."""
    listed: Any = [given] if isinstance(given, str) else given
    if not isinstance(listed, Iterable):
        raise WrongUse(f"{golden_id}: precisions is {given!r}; it is a list such as ['float64', 'float32']")
    try:
        asked = {precision_name(precision) for precision in listed}
    except (TypeError, UnknownName) as error:
        raise WrongUse(f"{golden_id}: precisions: {error}") from None
    if not asked:
        raise WrongUse(f"{golden_id}: precisions is empty; a scenario is asked in at least one")
    in_order = (name for name in PRECISIONS if name in asked)
    return WhereHeld(in_order) if isinstance(given, WhereHeld) else tuple(in_order)


def declared_of(golden_id: str, given: object) -> tuple[str, ...] | None:
    """Features that are declared, each once; None if it is left to be found out. Raises WrongUse if they are others."""
    if given is None:
        return None
    if not isinstance(given, (tuple, list)):
        raise WrongUse(f"{golden_id}: declared is {given!r}; it is a tuple of features, such as ('long',)")
    for feature in given:
        if feature in DERIVED_FEATURES:
            raise WrongUse(f"{golden_id}: declared: {feature} follows from what is asked, and is not declared")
        if feature not in DECLARED_FEATURES:
            raise WrongUse(f"{golden_id}: declared: {UnknownName('feature', str(feature), DECLARED_FEATURES)}")
    return tuple(dict.fromkeys(given))


def config_of(given: object) -> Config:
    """A configuration from what is given for one: sizes are whole numbers of at least 1. Raises WrongUse."""
    if not isinstance(given, Mapping):
        raise WrongUse(f"config is of type {type(given).__name__}; it is a Config, or a mapping of its arguments")
    known = {field.name: field for field in fields(Config)}
    for name in given:
        if name not in known:
            raise WrongUse(f"config: {UnknownName('argument', str(name), known)}")
    for name, field in known.items():
        if field.default is MISSING and name not in given:
            raise WrongUse(f"config has no {name}, which does not follow")
    arguments: dict[str, Any] = {name: _argument(name, value) for name, value in given.items()}
    return Config(**arguments)


def _argument(name: str, given: Any) -> int | bool:  # noqa: ANN401 - to be looked at
    if name not in _SIZES:
        if not isinstance(given, (bool, np.bool_)):
            raise WrongUse(f"config: {name} is {given!r}; it is True or False")
        return bool(given)
    size = whole_number(given)
    if size is None or size < 1:
        raise WrongUse(f"config: {name} is {given!r}; it is a whole number of at least 1")
    return size
