"""Known defects of engines: the goldens that show them, and which of them the versions installed here have.

``defects.toml`` has the defects that were measured, ``reports.toml`` the reports in public trackers that deviations
stand for. A defect is run as ``rnn-goldens check`` runs its golden; the result is compared with the list.
"""

from rnn_goldens.defects.catalogue import DEFECTS, Defect, deviations_of, read_defects, read_reports
from rnn_goldens.defects.measurement import Finding, measured

__all__ = ["DEFECTS", "Defect", "Finding", "deviations_of", "measured", "read_defects", "read_reports"]
