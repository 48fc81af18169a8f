"""What a JSON Schema can not say about gradients: that they are of their golden, and fit it."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.encoding.semantics import shape_problems, tolerance_problems
from rnn_goldens.encoding.tree import Tree
from rnn_goldens.golden.gradients import COTANGENTS
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import gradient_shapes, output_shapes


def problems(tree: Tree, golden: Golden, content: str) -> list[str]:
    """List the inconsistencies of a tree that its schema finds valid: empty if there are none.

    Args:
        tree: of a gradients file.
        golden: whose they are said to be.
        content: the hash of its content.
    """
    shape, state = golden.stored.x.shape, golden.stored.h0 is not None
    expected = gradient_shapes(golden.layout, golden.config, shape, state=state)
    outputs = output_shapes(golden.layout, golden.config, shape)
    given = {name: outputs[of] for name, of in COTANGENTS.items() if of in outputs}
    cotangents: Mapping[str, NDArray[Any]] = tree["cotangents"]
    return [
        *_golden_problems(tree, golden, content),
        *shape_problems("cotangents", cotangents, {n: s for n, s in given.items() if n in cotangents}),
        *shape_problems("expected", tree["expected"], expected),
        *tolerance_problems(tree["tolerance"], expected),
        *_finite_problems(tree),
        *_precision_problems(tree, golden),
    ]


def _golden_problems(tree: Tree, golden: Golden, content: str) -> Iterator[str]:
    if tree["id"] != golden.id:
        yield f"id: is {tree['id']}, the golden is {golden.id}"
    if tree["golden"] != content:
        yield f"golden: they are gradients of {tree['golden'][:12]}…, and {golden.id} holds {content[:12]}…"


def _finite_problems(tree: Tree) -> Iterator[str]:
    for group in ("cotangents", "expected"):
        wrong = (name for name, array in tree[group].items() if not np.isfinite(array).all())
        yield from (f"{group}/{name}: holds NaN or infinity" for name in wrong)
        if not any(array.any() for array in tree[group].values()):
            yield f"{group}: all are zero, and tell nothing"


def _precision_problems(tree: Tree, golden: Golden) -> Iterator[str]:
    bits = tree["tolerance"].get("bits", 0)
    for name in tree["precisions"]:
        if name not in golden.precisions:
            yield f"precisions: {name} is none of the golden's: {', '.join(golden.precisions)}"
        if PRECISIONS[name].bits < bits:
            yield f"precisions: {name} has {PRECISIONS[name].bits} significant bits, the tolerance needs {bits}"
        for of, array in tree["cotangents"].items():
            if np.isfinite(array).all() and not PRECISIONS[name].holds(array):
                yield f"cotangents/{of}: holds numbers that {name} can not hold"
