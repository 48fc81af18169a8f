"""Whether the goldens cover everything that a network can depend on; a corpus that does not is refused."""

from collections.abc import Iterable, Sequence

from rnn_goldens.checkable.golden import Golden
from rnn_goldens.generator.adequacy import Hidden, KillMatrix
from rnn_goldens.generator.coverage import arguments, dimensions, options, profiles
from rnn_goldens.generator.coverage.dimensions import AT_ONCE, AtOnce, Sizes
from rnn_goldens.generator.coverage.profiles import ONE_LAYER, OUT_ALONE, PROFILES
from rnn_goldens.generator.scenario import Refused


def require_covered(goldens: Sequence[Golden], looked: Sequence[Sequence[arguments.Seen]]) -> None:
    """Raise Refused if the goldens lack arguments of an activation, sizes of a dimension, or pairs of options.

    Args:
        goldens: of the corpus.
        looked: what each shows of the arguments of activations.
    """
    one_layer = [seen for golden, seen in zip(goldens, looked, strict=True) if ONE_LAYER.can(golden.features)]
    _refuse(
        [
            *arguments.not_looked_at(arguments.coverage(looked)),
            *arguments.not_looked_at(arguments.coverage(one_layer), arguments.NOT_SEEN_FROM_ZERO),
            *_sizes_and_options(goldens, [dimensions.sizes_of(g.config, g.x.shape) for g in goldens], AT_ONCE),
        ]
    )


def require_covered_backward(goldens: Sequence[Golden]) -> None:
    """Raise Refused if goldens with gradients lack sizes of a dimension, or pairs of options.

    A size counts if the last place has a gradient that is not zero.
    """
    sizes = [dimensions.sizes_back(g.config, g.gradients.expected) for g in goldens if g.gradients is not None]
    _refuse(_sizes_and_options(goldens, sizes, [at_once for at_once in AT_ONCE if at_once.backward]))


def require_shown(
    matrix: KillMatrix,
    goldens: Sequence[Golden],
    from_zero: Sequence[Hidden],
    in_out: Sequence[Hidden] = (),
) -> None:
    """Raise Refused if a kind of implementation can have a deviation that no golden it can be asked shows.

    Args:
        matrix: of the corpus.
        goldens: of it.
        from_zero: what need not be shown of one layer from zero, besides what is hidden in the whole corpus.
        in_out: likewise of one that returns out alone.
    """
    features = {golden.id: golden.features for golden in goldens}
    hidden = {ONE_LAYER: from_zero, OUT_ALONE: in_out}
    _refuse(
        line
        for profile in PROFILES
        if matrix.of_out or not profile.out_alone
        for line in profiles.missing(profile, matrix, features, [*matrix.hidden, *hidden.get(profile, ())])
    )


def _sizes_and_options(goldens: Sequence[Golden], sizes: Sequence[Sizes], at_once: Iterable[AtOnce]) -> list[str]:
    sized = [(golden.cell, golden.features, found) for golden, found in zip(goldens, sizes, strict=True)]
    of_one = [(cell, found) for cell, features, found in sized if ONE_LAYER.can(features)]
    return [
        *dimensions.missing((cell, found) for cell, _, found in sized),
        *(f"{line}, from zero" for line in dimensions.missing(of_one, dimensions.OF_ONE_LAYER)),
        *dimensions.missing_with_features(sized),
        *dimensions.missing_at_once(sized, at_once),
        *options.missing((g.cell, g.features) for g in goldens),
    ]


def _refuse(lines: Iterable[str]) -> None:
    if found := list(lines):
        listed = "".join(f"\n  {line}" for line in found)
        raise Refused(f"the corpus is not adequate, in {len(found)} places:{listed}")
