"""Scenario → golden: two routes that share no code have to agree, or nothing is made."""

import platform
from functools import cache

import numpy as np

from rnn_goldens.generator.exact import exact_answer
from rnn_goldens.generator.scenario import Refused, Scenario
from rnn_goldens.golden import Arrays, Golden, derived_features
from rnn_goldens.precision import PRECISIONS
from rnn_goldens.tolerance import Exact


def certify(scenario: Scenario) -> Golden:
    """Compute a scenario's answer exactly and with torch, and make the golden.

    Raises:
        Refused: the answer is not certain: the two routes differ, or one of them can not do it.
    """
    answer, weights, inputs = exact_answer(scenario), scenario.torch_weights(), scenario.inputs()
    precisions = tuple(p.name for p in PRECISIONS.values() if answer.needs.met_by(p))
    if not precisions:
        raise Refused(f"{scenario.id}: every precision would round: {answer.needs.bits} significant bits are needed")
    derived = derived_features(
        scenario.config,
        state="h0" in inputs,
        lengths="lengths" in inputs,
        unbatched=inputs["x"].ndim == 2,  # noqa: PLR2004 - (time, input)
        exact=True,
    )
    golden = Golden(
        id=scenario.id,
        title=scenario.title,
        purpose=scenario.purpose,
        documented_in=scenario.documented_in,
        cell=scenario.cell,
        config=scenario.config,
        features=(*derived, *scenario.declared),
        tolerance=Exact(bits=answer.needs.bits),
        precisions=precisions,
        provenance=provenance(),
        stored=Arrays(weights=weights, **inputs, out=answer.out, h_n=answer.h_n),
    )
    _agree_with_torch(golden)
    return golden


def _agree_with_torch(golden: Golden) -> None:
    """Route two: ``torch.nn``'s layer in float64."""
    from rnn_goldens.implementations.torch_layers import run

    out, h_n = run(golden)
    for name, value in (("out", out), ("h_n", h_n)):
        exact, printed = getattr(golden.stored, name), value.numpy()
        if not np.array_equal(exact, printed):
            where = tuple(int(i) for i in np.argwhere(exact != printed)[0]) if exact.shape == printed.shape else None
            raise Refused(
                f"{golden.id}: the two routes differ in {name}"
                + (f" at {where}: exact {exact[where]}, torch {printed[where]}" if where is not None else "'s shape")
            )


@cache
def provenance() -> dict[str, str]:
    """What makes goldens here: kept in every file, no part of its content."""
    import flint
    import h5py
    import torch

    return {
        "answer": "exact rational arithmetic (python-flint), equal to torch.nn in float64",
        "rnn-goldens": _installed_version(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "h5py": h5py.__version__,
        "hdf5": h5py.version.hdf5_version,
        "python-flint": flint.__version__,
        "torch": str(torch.__version__),
    }


def _installed_version() -> str:
    from importlib.metadata import version

    return version("rnn-goldens")
