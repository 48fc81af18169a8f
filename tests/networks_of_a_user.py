"""Networks of a user for ``check --exhaustive``, as a module."""

NETWORKS = """
import os
import signal
import time
from pathlib import Path

import numpy as np
import rnn_goldens
from rnn_goldens.implementations import numpy_cells

def off_between_4_and_5(golden):
    out, h_n = numpy_cells.run(golden)
    size = np.abs(golden.x)
    out = np.where((size > 4) & (size < 5), out + np.float32(1e-4), out)
    return out, out.swapaxes(0, 1)

def no_half(golden):
    if golden.dtype != "float32":
        raise rnn_goldens.Unsupported("no half precision here")
    return numpy_cells.run(golden)

def without_batch(golden):
    out, h_n = numpy_cells.run(golden)
    return out[:, 0], h_n

def killed_once(golden):
    if golden.id.endswith("05") and not Path("killed").exists():
        Path("killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return numpy_cells.run(golden)

def slow(golden):
    if golden.id.endswith("05"):
        Path("asked").touch()
    time.sleep(0.2)
    return numpy_cells.run(golden)
"""
