"""Bugs in what is kept between calls: single calls are right, and wrong states are read or written between them."""

from rnn_goldens.deviations import continued_calls as continued
from rnn_goldens.deviations import served_calls as served
from rnn_goldens.deviations.deviation import Deviation

FAMILIES: dict[str, tuple[Deviation, ...]] = {
    "continued calls": (*continued.CONTINUED, *continued.OF_NETWORKS),
    "pools of states": (*served.PLACES, *served.MIXED),
    "drafts": served.DRAFTS,
    "snapshots, padding and empty sequences": (*served.SNAPSHOTS, *served.PADDING_AND_EMPTY),
}

CALLS = tuple(deviation for family in FAMILIES.values() for deviation in family)
"""All bugs between calls."""
