"""Finds a looser contract that failing outputs satisfy."""

from collections.abc import Sequence

from rnn_goldens.comparison.actual import Actual
from rnn_goldens.comparison.verdict import verdict_on
from rnn_goldens.diagnosis.candidates import Cause
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.profile import ALL, ANY, INSIDE, MEANINGS, OPERANDS, Profile


def contract_satisfied(actual: Actual, found: Sequence[Cause]) -> str:
    """Return a sentence on the first looser contract that failing outputs satisfy; "" if there is none.

    A contract whose promise one of the causes breaks is not named, even where the outputs are within its tolerance.
    """
    profile = actual.golden.profile
    is_half = PRECISIONS[actual.golden.dtype].bits < PRECISIONS["float32"].bits
    halves = (INSIDE, OPERANDS, ALL)
    looser = halves[halves.index(profile.half) :] if is_half else (profile.half,)
    for half in looser:
        if half == OPERANDS and any(name.startswith("state_kept_in") for cause in found for name in cause):
            continue  # it promises states in float32
        for algorithm in dict.fromkeys((profile.algorithm, ANY)):
            other = Profile(profile.arithmetic, algorithm, half)
            if other != profile and verdict_on(actual.under(other)).passed:
                meaning = "; ".join(MEANINGS[name] for name in str(other).split(","))
                also = f" (if states are rounded as well: {ALL})" if half == OPERANDS else ""
                return (
                    f"right by another contract: {meaning}. If yours allows that, declare "
                    f"--rnn-goldens-profile={other}{also}"
                )
    return ""
