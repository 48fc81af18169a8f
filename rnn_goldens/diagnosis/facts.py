"""What can be seen in the wrong outputs of a golden where no name fits."""

from typing import TYPE_CHECKING

import numpy as np

from rnn_goldens.diagnosis.fact_list import FACTS, Value
from rnn_goldens.diagnosis.seen import less_precise, not_comparable, seen, seen_of_out

if TYPE_CHECKING:
    from rnn_goldens.golden.data import GoldenData


@np.errstate(all="ignore")
def facts(golden: "GoldenData", out: object = None, h_n: object = None, c_n: object = None) -> dict[str, Value]:
    """Which facts are so of outputs, and which are not; those that can not be seen in this golden are left out.

    Args:
        golden: what was asked.
        out: as for ``GoldenData.compare``, as are the others.
        h_n: likewise.
        c_n: likewise.
    """
    outputs = seen(golden, out, h_n, c_n)
    shapes: dict[str, Value] = {}
    if c_n is not None and "c_n" not in golden.layout.outputs:
        shapes["c_n_unexpected"] = True
    visible = FACTS
    if outputs is None:
        shapes |= dict.fromkeys(not_comparable(golden, out, h_n, c_n), True)
        outputs = seen_of_out(golden, out, h_n, c_n)
        visible = {code: fact for code, fact in FACTS.items() if fact.of_out and outputs is not None}
    if outputs is not None and outputs.is_nearly_right:
        visible = {code: fact for code, fact in visible.items() if not fact.of_likeness}
    found = {code: fact.see(outputs) for code, fact in visible.items()} if outputs is not None else {}
    seen_in_numbers = {code: value for code, value in found.items() if value is not None}
    return shapes | seen_in_numbers | dict.fromkeys(less_precise(golden, out, h_n, c_n), True)
