"""``check``: an implementation against the goldens, on the same pytest path as everybody else."""

import sys
from pathlib import Path

import click

_PYTEST_TO_EXIT = {0: 0, 1: 1, 2: 2, 3: 2, 4: 2, 5: 2}
"""pytest: passed, failed, collection error or interrupted, internal error, usage error, nothing collected."""


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("implementation")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PYTEST ARGUMENT]...")
def check(implementation: str, pytest_arguments: tuple[str, ...]) -> None:
    """Check an implementation against the goldens.

    IMPLEMENTATION is numpy, torch, torch-cells, onnxruntime, onnx-reference, keras or flax; or the path of an .onnx
    file; or package.module:thing, where the thing is a class shaped like torch's nn.GRU, a class of Keras layers or
    Flax cells, one time step (x_t, h, weights) -> h, or a function of a golden that returns (out, h_n), or
    (out, (h_n, c_n)), or (out, h_n, c_n).

    Everything after it goes to pytest: -k mini-batch, -n 2, --junitxml=FILE, --rnn-goldens-dtype=float64,bfloat16, ...
    """
    import pytest

    from rnn_goldens.implementations import resolve
    from rnn_goldens.plugin import builtin_check

    resolve(implementation)  # wrong use is said before pytest starts
    folder = Path(builtin_check.__path__[0])
    status = pytest.main(
        [
            *("-c", str(folder / "pytest.ini"), "--rootdir", str(folder)),
            *("-o", f"cache_dir={Path.cwd() / '.pytest_cache'}"),
            f"--rnn-goldens-implementation={implementation}",
            *pytest_arguments,
            str(folder / "test_golden.py"),
        ]
    )
    sys.exit(_PYTEST_TO_EXIT[int(status)])
