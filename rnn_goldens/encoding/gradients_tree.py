"""The gradients of a golden as a tree, as ``tree`` has the golden: the file beside it, of format 1."""

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.encoding.tree import Tree, content_hash, hash_of, in_order, tolerance_from_tree, tolerance_to_tree
from rnn_goldens.golden.gradients import COTANGENTS, Gradients
from rnn_goldens.golden.shapes import Shape, gradient_shapes

FORMAT = 1


def to_gradients_tree(golden: Golden) -> Tree:
    """Lay the gradients of a golden out, which has some."""
    gradients = golden.gradients
    assert gradients is not None
    return {
        "kind": "gradients",
        "format": FORMAT,
        "id": golden.id,
        "purpose": gradients.purpose,
        "precisions": list(gradients.precisions),
        "golden": content_hash(golden),
        "cotangents": in_order(gradients.cotangents, COTANGENTS),
        "expected": {**in_order(gradients.expected, _shapes(golden)), **gradients.expected},
        "tolerance": tolerance_to_tree(gradients.tolerance, _shapes(golden)),
        "provenance": dict(sorted(gradients.provenance.items())),
    }


def gradients_from_tree(tree: Tree, golden: Golden) -> Gradients:
    """Build them back from a tree that is known to be of this golden."""
    return Gradients(
        purpose=tree["purpose"],
        precisions=tuple(tree["precisions"]),
        cotangents=in_order(tree["cotangents"], COTANGENTS),
        expected=in_order(tree["expected"], _shapes(golden)),
        tolerance=tolerance_from_tree(tree["tolerance"]),
        provenance=tree["provenance"],
    )


def gradients_hash(golden: Golden) -> str:
    """SHA-256 of their logical content, as ``content_hash`` of a golden: of what they are of, too."""
    return hash_of(to_gradients_tree(golden))


def _shapes(golden: Golden) -> dict[str, Shape]:
    state = golden.stored.h0 is not None
    return gradient_shapes(golden.layout, golden.config, golden.stored.x.shape, state=state)
