"""What every format holds of a golden: arrays by name, and what is to be known of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.encoding import content_hash
from rnn_goldens.encoding.tree import EXPECTED, INPUTS
from rnn_goldens.golden.precision import PRECISIONS

FORMAT = 1


def inputs(golden: Golden) -> dict[str, NDArray[Any]]:
    """x, h0, c0 and lengths, where the scenario gives them, in the golden's precision; lengths int64."""
    return {name: getattr(golden, name) for name in INPUTS if getattr(golden.stored, name) is not None}


def expected(golden: Golden) -> dict[str, NDArray[np.float64]]:
    """out, h_n (and c_n), float64 in every precision: the certified values, against which the tolerance holds."""
    return {name: array for name in EXPECTED if (array := getattr(golden.stored, name)) is not None}


def allowed(golden: Golden) -> dict[str, NDArray[np.float64]]:
    """For each element of what is expected, the largest absolute error that is right in the golden's precision."""
    precision = PRECISIONS[golden.dtype]
    return {name: golden.tolerance.allowed(name, array, precision) for name, array in expected(golden).items()}


def about(golden: Golden) -> dict[str, Any]:
    """What it is, for programs and people: text, lists of text and the configuration."""
    return {
        "kind": "exported-golden",
        "format": FORMAT,
        "id": golden.id,
        "title": golden.title,
        "purpose": golden.purpose,
        "documented_in": golden.documented_in,
        "cell": golden.cell,
        "config": dict(golden.config),
        "precision": golden.dtype,
        "features": list(golden.features),
        "tolerance": golden.tolerance.kind,
        "content": content_hash(golden),
    }
