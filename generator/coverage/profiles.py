"""What implementations people have can be asked, and how many deviations of each can show."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from rnn_goldens.cells.arithmetic import Arithmetic
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.generator.adequacy import Hidden, KillMatrix, charges
from rnn_goldens.golden.precision import PRECISIONS

WITHIN_A_STEP = {"equations", "cell", "step", "weights", *vars(Arithmetic)}
"""Where a deviation acts that a function of one time step can have."""


@dataclass(frozen=True)
class Profile:
    """A kind of implementation.

    Attributes:
        name: a few words.
        sentence: what it can do.
        features: that a golden must have.
        without: features that it cannot have; a deviation that needs one does not apply.
        precisions: that it computes in.
        one_step: whether it is a function of one time step, which the plugin unrolls.
        out_alone: whether it returns out, and no last states.
    """

    name: str
    sentence: str
    features: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    precisions: tuple[str, ...] = tuple(PRECISIONS)
    one_step: bool = False
    out_alone: bool = False

    def can(self, features: Collection[str]) -> bool:
        """Whether it can be asked a golden with these features."""
        return set(self.features) <= set(features) and not set(self.without) & set(features)

    def applies(self, deviation: Deviation) -> bool:
        """Whether it can have a deviation."""
        if self.one_step and not (not deviation.is_backward and set(deviation.wrong.acts_on) <= WITHIN_A_STEP):
            return False
        return not set(self.without) & set(deviation.needs)


MORE_THAN_ONE_LAYER = ("multilayer", "bidirectional", "lengths", "unbatched")

WHOLE = Profile("everything", "As `nn.LSTM`: layers, directions, initial states, lengths, with and without a batch.")
ONE_LAYER = Profile(
    "one layer from zero",
    "`forward(self, x)`: one layer, one direction, biases, a batch, no initial state, no lengths.",
    features=("bias",),
    without=(*MORE_THAN_ONE_LAYER, "state"),
)
OUT_ALONE = Profile(
    "the same, out alone",
    "The same, which returns `out` and no last states.",
    features=ONE_LAYER.features,
    without=ONE_LAYER.without,
    out_alone=True,
)
ONE_STEP = Profile(
    "one time step",
    "A function of one time step, which the plugin unrolls.",
    without=MORE_THAN_ONE_LAYER,
    one_step=True,
)
FLOAT64 = Profile("float64 alone", "A program that does everything, in float64 alone.", precisions=("float64",))

PROFILES = (WHOLE, ONE_LAYER, OUT_ALONE, ONE_STEP, FLOAT64)


def missing(
    profile: Profile, matrix: KillMatrix, features: Mapping[str, Collection[str]], hidden: Iterable[Hidden]
) -> Iterator[str]:
    """The deviations that apply to a profile, that no golden of it shows, and that are not listed; and the reverse.

    Args:
        profile: which.
        matrix: of the corpus.
        features: by golden.
        hidden: what need not be shown, of the whole corpus and of the profile.
    """
    exposed = matrix.exposed(by_out=profile.out_alone)
    seen = set().union(*(found for golden_id, found in exposed.items() if profile.can(features[golden_id])))
    known = {charge for h in hidden for charge in h.charges}
    asked = charges(deviation for deviation in matrix.deviations if profile.applies(deviation))
    if profile.out_alone:  # what only last states show cannot be asked
        in_out = set().union(*exposed.values())
        asked = [charge for charge in asked if charge in in_out]
    for charge in asked:
        if charge[2] in profile.precisions and (charge in seen) == (charge in known):
            why = "listed as hidden, and a golden shows it"
            yield f"{', '.join(charge)}: {why if charge in seen else f'no golden of {profile.name!r} shows it'}"
