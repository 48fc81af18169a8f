"""Whether what the package brings with it has known vulnerabilities, as pip-audit's service says.

python distribution/audit.py PREFIX   # an environment in which the package is installed

Clean, or each exception explained in audit.toml. A service that does not answer is not a clean report: it is said which
packages nothing is known of.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

OWN = "rnn-goldens"
ACCEPTED = Path(__file__).with_name("audit.toml")

VULNERABLE, NOT_ASKED = 1, 3
"""Exit codes."""


@dataclass(frozen=True)
class Audit:
    """What was learnt.

    Attributes:
        asked: packages that the service knows, with their versions.
        not_asked: packages that it said nothing of.
        vulnerable: what it knows against some, with no exception; and exceptions for what is not found.
        accepted: what it knows against some, with the reason why that does not matter.
    """

    asked: tuple[str, ...]
    not_asked: tuple[str, ...]
    vulnerable: tuple[str, ...]
    accepted: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """The same for people."""
        yield f"audit: {len(self.asked)} packages were looked up, {len(self.not_asked)} could not be"
        yield from (f"  vulnerable: {line}" for line in self.vulnerable)
        yield from (f"  accepted: {line}" for line in self.accepted)
        if self.not_asked:
            yield f"  nothing is known of {', '.join(self.not_asked)}"


def audited(prefix: Path) -> Audit:
    """Ask about every package of an environment but this one."""
    (site,) = prefix.glob("lib/python*/site-packages")
    command = [sys.executable, "-m", "pip_audit", "--path", str(site), "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        installed = sorted(path.name.partition("-")[0] for path in site.glob("*.dist-info"))
        return Audit((), tuple(installed), (), ())
    return judged([package for package in packages if package["name"] != OWN], exceptions())


def exceptions() -> dict[str, str]:
    """The reason for each vulnerability that is let pass."""
    return {entry["id"]: entry["reason"] for entry in tomllib.loads(ACCEPTED.read_text("utf-8"))["accepted"]}


def judged(packages: Sequence[Mapping[str, object]], reasons: Mapping[str, str]) -> Audit:
    """What pip-audit reports of packages, held against the exceptions."""
    asked, not_asked, vulnerable, accepted, seen = [], [], [], [], set()
    for package in packages:
        if "skip_reason" in package:
            not_asked.append(str(package["name"]))
            continue
        name = f"{package['name']} {package['version']}"
        asked.append(name)
        found = package["vulns"]
        assert isinstance(found, list)
        for known in found:
            names = [known["id"], *known.get("aliases", [])]
            reason = next((reasons[one] for one in names if one in reasons), None)
            seen |= {*names}
            fixed = ", ".join(known.get("fix_versions", [])) or "no version"
            line = f"{name}: {known['id']}, mended in {fixed}"
            if reason is None:
                vulnerable.append(line)
            else:
                accepted.append(f"{line}: {reason}")
    if not not_asked:
        stale = [f"{name} is in audit.toml, and found no more" for name in reasons if name not in seen]
        vulnerable.extend(stale)
    return Audit(tuple(asked), tuple(not_asked), tuple(vulnerable), tuple(accepted))


def main() -> int:
    """Say what was learnt; the exit code."""
    audit = audited(Path(sys.argv[1]))
    print("\n".join(audit.lines()))
    if audit.vulnerable:
        return VULNERABLE
    return NOT_ASKED if audit.not_asked else 0


if __name__ == "__main__":
    sys.exit(main())
