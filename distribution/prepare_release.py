"""The commit before a release: the version where it is said, and the news in the changelog.

python distribution/prepare_release.py VERSION [DATE]
"""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from fragments import findings
from release_state import UNRELEASED, VERSION

ROOT = Path(__file__).parents[1]


def prepare(root: Path, version: str, date: str) -> None:
    """Set a version, and put what is new under it; nothing is committed."""
    _replace(root / "pyproject.toml", r'^version = ".*"$', f'version = "{version}"')
    _replace(
        root / "CITATION.cff", r"^version: .*$(\ndate-released: .*$)?", f"version: {version}\ndate-released: {date}"
    )
    command = [sys.executable, "-m", "towncrier", "build", "--yes", "--version", version, "--date", date]
    subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL)
    changelog = root / "CHANGELOG.md"
    changelog.write_text(_all_released(changelog.read_text("utf-8")), "utf-8")


def _all_released(changelog: str) -> str:
    """What stands under *Unreleased*, written before there were fragments, is of this version as well."""
    released = re.sub(rf"^{UNRELEASED}\n+", "", changelog, count=1, flags=re.MULTILINE)
    return re.sub(r"\n+(?=##+ )", "\n\n", released)


def _replace(file: Path, pattern: str, text: str) -> None:
    old = file.read_text("utf-8")
    new, count = re.subn(pattern, text, old, count=1, flags=re.MULTILINE)
    if not count:
        sys.exit(f"{file.name} says no version")
    file.write_text(new, "utf-8")


def main() -> None:
    """Prepare a release."""
    version, *date = sys.argv[1:]
    if not VERSION.fullmatch(version):
        sys.exit(f"{version} is no version: MAJOR.MINOR.PATCH, such as 0.2.0 or 1.0.0rc1")
    found = list(findings(ROOT))
    if found:
        sys.exit("\n".join(found))
    prepare(ROOT, version, *(date or [datetime.now(UTC).date().isoformat()]))
    print(
        f"{version} is in pyproject.toml, CITATION.cff and CHANGELOG.md: look, commit, make release VERSION={version}"
    )


if __name__ == "__main__":
    main()
