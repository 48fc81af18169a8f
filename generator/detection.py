"""What the goldens of a corpus detect, from its kill matrices, by deviation, cell and precision."""

from collections import defaultdict

from rnn_goldens.corpus.corpus import Corpus
from rnn_goldens.corpus.kill_matrix import Undetected, detections, kill_matrix
from rnn_goldens.generator.kill_matrix import Combination


class Detected:
    """The detection of every deviation, of both passes.

    Attributes:
        enough: the smallest margin that counts as detected.
        best: the largest margin of any golden; infinite if any difference is an error, zero if no golden shows any.
        goldens: the goldens that detect the deviation, in the order of the corpus.
        listed: the deviations that are listed as undetected, in the order of the lists.
        undetected: the same by deviation, cell and precision.
    """

    def __init__(self, corpus: Corpus) -> None:
        cells = {entry.id: entry.cell for entry in corpus.entries}
        found = detections(corpus)
        (self.enough,) = {detection.enough for detection in found.values()}
        self.best: defaultdict[Combination, float] = defaultdict(float)
        self.goldens: defaultdict[Combination, list[str]] = defaultdict(list)
        for name, detection in found.items():
            for precision, margins in detection.margins.items():
                for golden_id, margin in margins.items():
                    combination = (name, cells[golden_id], precision)
                    self.best[combination] = max(self.best[combination], margin)
                    if margin >= self.enough:
                        self.goldens[combination].append(golden_id)
        matrices = (kill_matrix(corpus), kill_matrix(corpus, gradients=True))
        self.listed = [one for matrix in matrices if matrix for one in matrix.hidden]
        self.undetected: dict[Combination, Undetected] = {
            (one.deviation, cell, precision): one
            for one in self.listed
            for cell in one.cells
            for precision in one.precisions
        }

    def is_allowed(self, combination: Combination) -> bool:
        """Return whether a correct implementation may have the deviation there."""
        return combination in self.undetected and self.undetected[combination].allowed
