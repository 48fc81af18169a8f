"""What was found of a defect in the installed version of its engine, and whether the list says the same."""

from dataclasses import dataclass

from rnn_goldens.defects.catalogue import Defect

PRESENT, ABSENT, OTHERWISE, REFUSED = "present", "not present", "fails otherwise", "refused"
NOT_RUN, NOT_INSTALLED, NO_ADAPTER = "not run", "not installed", "no adapter"
"""States of a defect: its golden fails as listed, passes, fails in another way, or is refused; its engine could not be
run; a package is not installed; or the adapter, which only the repository has, is not here."""

HERE = (PRESENT, ABSENT, OTHERWISE, REFUSED, NOT_RUN)
"""States of defects whose engine is installed and has its adapter."""


@dataclass(frozen=True)
class Finding:
    """The state of a defect here.

    Attributes:
        state: one of the states above.
        version: the installed version of the engine; "" if it is not installed.
        detail: the reason of a failure or refusal, why the engine did not run, or what is missing; "" for the others.
    """

    defect: Defect
    state: str
    version: str = ""
    detail: str = ""

    @property
    def correction(self) -> str:
        """Return how the list differs from what was found, and what to edit; "" if it does not."""
        listed = f'versions = "{self.defect.versions}"'
        here = f"{self.defect.engine} {self.version}"
        if self.state == PRESENT and not self.defect.covers(self.version):
            return f"is present in {here}: extend {listed}"
        if self.state == ABSENT and self.defect.covers(self.version):
            return f"is not present in {here}: exclude that version from {listed}"
        if self.state == OTHERWISE and self.defect.covers(self.version):
            return f"{here} fails, but not as listed: correct the entry, or add another. {self.detail}"
        if self.state == NOT_RUN:
            return f"{here} could not be run: {self.detail}"
        return ""
