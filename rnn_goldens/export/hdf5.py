"""Exports goldens as the HDF5 files of a corpus, which serve all precisions: one per golden, one for its gradients."""

from collections.abc import Sequence

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.encoding import GRADIENTS, OUTPUTS, hdf5_file
from rnn_goldens.export.exported_golden import ITSELF, Exported, path_of

_GOLDEN, _GRADIENTS = OUTPUTS.suffixes[0], GRADIENTS.suffixes[0]


def hdf5(golden: Golden) -> Exported:
    """Return the files of a golden by suffix; that of the gradients only if it has some. Deterministic."""
    kinds = (OUTPUTS, GRADIENTS) if golden.gradients is not None else (OUTPUTS,)
    files = {kind.suffixes[0]: hdf5_file.encode(kind.tree(golden)) for kind in kinds}
    return Exported(golden.id, path_of(golden.id), files)


def golden_files(encoded: Sequence[Exported]) -> list[Exported]:
    """Return the files of the goldens."""
    return [Exported(one.golden_id, f"{one.place}{_GOLDEN}", {ITSELF: one.files[_GOLDEN]}) for one in encoded]


def gradients_files(encoded: Sequence[Exported]) -> list[Exported]:
    """Return the gradients files."""
    named = {f"{one.place}{_GRADIENTS}": one.files[_GRADIENTS] for one in encoded if _GRADIENTS in one.files}
    return [Exported(name, name, {ITSELF: content}) for name, content in named.items()]
