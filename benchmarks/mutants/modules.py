"""The modules that decide right from wrong, and the tests that are asked about each."""

from collections.abc import Mapping
from pathlib import Path

TOP = Path(__file__).parents[2]

_JUDGING = ("tests/golden", "tests/judging", "tests/checkable")
TESTS: Mapping[str, tuple[str, ...]] = {
    "rnn_goldens/golden/tolerance.py": _JUDGING,
    "rnn_goldens/golden/precision.py": _JUDGING,
    "rnn_goldens/golden/shapes.py": _JUDGING,
    "rnn_goldens/golden/whole_number.py": _JUDGING,
    "rnn_goldens/judging/outputs.py": _JUDGING,
    "rnn_goldens/judging/differences.py": _JUDGING,
    "rnn_goldens/judging/verdict.py": _JUDGING,
    "rnn_goldens/judging/own_arrays.py": _JUDGING,
    "rnn_goldens/judging/calls.py": _JUDGING,
    "rnn_goldens/encoding/semantics.py": ("tests/encoding", "tests/golden"),
    "rnn_goldens/plugin/tally.py": ("tests/plugin/test_tally.py",),
    "rnn_goldens/plugin/known_failures.py": ("tests/plugin/test_known_failures.py",),
}
"""By module: files and folders of tests, as pytest takes them."""

PLUGIN = tuple(
    f"rnn_goldens/plugin/{name}.py" for name in ("golden_under_test", "guard", "known_failures", "outcomes", "tally")
)
"""Modules of the plugin that say what passed: their tests run pytest in processes of their own."""

PLUGIN_TESTS = ("tests/plugin",)

_ENCODING = ("tests/encoding", "tests/golden", "tests/corpus")
_GRADIENTS = (*_JUDGING, "tests/encoding/test_gradients_files.py")
BRANCHES_ALONE: Mapping[str, tuple[str, ...]] = {
    "rnn_goldens/golden/gradients.py": _GRADIENTS,
    "rnn_goldens/golden/expected.py": _GRADIENTS,
    "rnn_goldens/judging/given.py": _GRADIENTS,
    "rnn_goldens/judging/place.py": _GRADIENTS,
    "rnn_goldens/encoding/documents.py": _ENCODING,
    "rnn_goldens/encoding/files.py": _ENCODING,
    "rnn_goldens/encoding/tree.py": _ENCODING,
}
"""What decides of gradients: of these every branch is run, and no mutant is made yet."""
