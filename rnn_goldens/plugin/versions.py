"""What a run was made with: the versions that its results hang on."""

import platform
import sys
from typing import Any

import numpy as np
import pytest

from rnn_goldens.implementations.versions import versions_of_packages
from rnn_goldens.plugin.names import PROGRAM, setting
from rnn_goldens.plugin.settings import CORPUS
from rnn_goldens.programs.command import is_command

FRAMEWORKS = ("torch", "jax", "flax", "keras", "tensorflow", "onnxruntime")
"""Those that networks are made of: their versions are said where they are imported."""


def versions(config: pytest.Config) -> dict[str, Any]:
    """As the results file has them; of a corpus that is open, and of an implementation that is set."""
    from importlib.metadata import version

    found: dict[str, Any] = {} if CORPUS not in config.stash else {"corpus": config.stash[CORPUS].label}
    found |= {"rnn-goldens": version("rnn-goldens"), "python": platform.python_version(), "numpy": np.__version__}
    found |= {"pytest": pytest.__version__, "machine": f"{platform.system()} {platform.machine()}"}
    found |= {name: str(getattr(sys.modules[name], "__version__", "?")) for name in FRAMEWORKS if name in sys.modules}
    if name := setting(config, "implementation"):
        own = config.stash.get(PROGRAM, {}) if is_command(name) else versions_of_packages(name)
        found["implementation"] = {"name": name, "versions": own}
    return found
