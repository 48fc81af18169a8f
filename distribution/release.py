"""Everything of a release up to the upload, and what is left to do.

python distribution/release.py VERSION [--dry-run]

Refused: a dirty tree, a tag or a version that exists, a version that is not that of pyproject.toml, CITATION.cff and
CHANGELOG.md, news that no changelog says. Then the wheel and the sdist are built twice and compared, looked at by
twine, installed in a clean environment, put into dist/ with their sums, and the commit is tagged. A dry run does it all
in a scratch folder and leaves neither files nor a tag; it goes on after a refusal, and fails at the end.
"""

import argparse
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from audit import Audit, audited
from release_files import Failed, build_twice, check_citation, check_description, digest, install, write_sums
from release_state import INDEX, NotAsked, git, obstacles, on_the_index, tag
from repository_links import project

ROOT = Path(__file__).parents[1]


def refusals(root: Path, version: str, index: str, left: list[str]) -> list[str]:
    """What stands in the way of a release; what could not be asked is left to do."""
    found = list(obstacles(root, version))
    try:
        if on_the_index(version, index):
            found.append(f"{version} is on {index}: an index takes a version once, so this is the next one")
    except NotAsked as error:
        left.append(f"see that {version} is not on {index}, which could not be asked: {error}")
    return found


def make(root: Path, version: str, scratch: Path, left: list[str]) -> list[Path]:
    """Build, compare, look and install; the files.

    Raises:
        Failed: a step went wrong.
    """
    check_citation(root)
    print("CITATION.cff is valid")
    files = build_twice(root, scratch)
    for file in files:
        print(f"{file.name}: {file.stat().st_size} bytes, the same from two builds, SHA-256 {digest(file)}")
    check_description(files)
    print("twine check --strict: passed")
    wheel = next(file for file in files if file.suffix == ".whl")
    clean = scratch / "clean"
    print(f"in a clean environment, rnn-goldens check numpy: {install(wheel, version, clean)}")
    report: Audit = audited(clean)
    for line in report.lines():
        print(line)
    if report.vulnerable:
        raise Failed("what the wheel brings has known vulnerabilities: see above, and distribution/audit.toml")
    if report.not_asked:
        left.append("run make audit where the vulnerability service can be reached: here nothing was learnt of it")
    return files


def publish_here(root: Path, version: str, files: list[Path]) -> None:
    """Put files into dist/ with their sums, and tag the commit."""
    dist = root / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir()
    sums = write_sums([Path(shutil.copy(file, dist)) for file in files])
    git(root, "tag", "--annotate", tag(version), "--message", f"rnn-goldens {version}")
    print(f"{sums.relative_to(root)} and the tag {tag(version)}, on this machine alone, are made")


def upload(root: Path, version: str) -> list[str]:
    """What is left to whoever may do it."""
    repository = project(root).repository
    return [
        f"see that {repository} exists, and is where origin leads: the wheel's links go there",
        f"git push origin HEAD {tag(version)}",
        f"twine upload dist/rnn_goldens-{version}*",
        f"a release {tag(version)} at {repository}/releases, with its part of CHANGELOG.md and what is in dist/",
    ]


def main(arguments: list[str] | None = None) -> int:
    """Make a release, or try to; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("version")
    parser.add_argument("--dry-run", action="store_true", help="change nothing, and say all that stands in the way")
    parser.add_argument("--index", default=INDEX, help="the simple repository API to ask (default: %(default)s)")
    asked = parser.parse_args(arguments)
    left: list[str] = []
    refused = refusals(ROOT, asked.version, asked.index, left)
    for reason in refused:
        print(f"refused: {reason}", file=sys.stderr)
    if refused and not asked.dry_run:
        return 1
    try:
        with TemporaryDirectory() as scratch:
            files = make(ROOT, project(ROOT).version, Path(scratch), left)
            if not asked.dry_run:
                publish_here(ROOT, asked.version, files)
    except Failed as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 1
    if refused:
        print(f"a dry run: {asked.version} would be refused, as is said above", file=sys.stderr)
        return 1
    print("a dry run: nothing was kept, and nothing tagged" if asked.dry_run else "everything up to the upload is done")
    print("left to do:\n" + "\n".join(f"  - {step}" for step in [*left, *upload(ROOT, asked.version)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
