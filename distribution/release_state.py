"""Whether a checkout is what a version can be released from: what stands in the way, one line each."""

import json
import re
import subprocess
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from fragments import findings as findings_of_fragments
from fragments import fragments

NAME = "rnn-goldens"
INDEX = "https://pypi.org/simple"
VERSION = re.compile(r"\d+\.\d+\.\d+((a|b|rc)\d+)?")
UNRELEASED = "## Unreleased"

PATIENCE = 20
"""Seconds that the index has to answer."""


class NotAsked(Exception):
    """The index did not answer, so nothing is known."""


def tag(version: str) -> str:
    """What the commit of a version is called."""
    return f"v{version}"


def git(root: Path, *arguments: str) -> str:
    """What git answers.

    Raises:
        CalledProcessError: it does not.
    """
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


def obstacles(root: Path, version: str) -> Iterator[str]:
    """What stands in the way in the checkout."""
    if not VERSION.fullmatch(version):
        yield f"{version} is no version: MAJOR.MINOR.PATCH, such as 0.2.0 or 1.0.0rc1"
        return
    yield from _of_git(root, version)
    yield from _of_files(root, version)


def _of_git(root: Path, version: str) -> Iterator[str]:
    try:
        top = Path(git(root, "rev-parse", "--show-toplevel").strip())
    except subprocess.CalledProcessError:
        yield f"{root} is no git repository: what is released is a commit"
        return
    if top.resolve() != root.resolve():
        yield f"{root} lies in another repository, {top}: what is released is a commit of its own"
        return
    changed = git(root, "status", "--porcelain").splitlines()
    if changed:
        others = f", and {len(changed) - 1} more" if len(changed) > 1 else ""
        yield f"the tree is dirty: {changed[0][3:]}{others}; commit or stash what is to stay"
    if git(root, "tag", "--list", tag(version)).strip():
        yield f"the tag {tag(version)} exists: a version is released once, so this is the next one"


def _of_files(root: Path, version: str) -> Iterator[str]:
    said = {
        "pyproject.toml": _of_pyproject(root),
        "CITATION.cff": _of_citation(root),
        "CHANGELOG.md": _of_changelog(root),
    }
    for file, found in said.items():
        if found != version:
            yield f"{file} is at {found or 'no version'}, not at {version}: make release-prepare sets it"
    if UNRELEASED in (root / "CHANGELOG.md").read_text("utf-8").splitlines():
        yield "CHANGELOG.md has a part that is unreleased: make release-prepare puts it under the version"
    waiting = fragments(root)
    if waiting:
        yield f"changes/ has news that no changelog says, {waiting[0].name} first: make release-prepare collects them"
    yield from findings_of_fragments(root)


def _of_pyproject(root: Path) -> str:
    found: str = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    return found


def _of_citation(root: Path) -> str | None:
    return _first(r"^version: *[\"']?([^\s\"']+)", root / "CITATION.cff")


def _of_changelog(root: Path) -> str | None:
    """Of the newest release that it tells of."""
    return _first(r"^## (\d\S*)", root / "CHANGELOG.md")


def _first(pattern: str, file: Path) -> str | None:
    found = re.search(pattern, file.read_text("utf-8"), re.MULTILINE)
    return found[1] if found else None


def on_the_index(version: str, index: str = INDEX) -> bool:
    """Whether an index has a version; it takes none twice, not even one that was deleted.

    Args:
        version: the version.
        index: the address of its simple repository API.

    Raises:
        NotAsked: it can not be reached, or answers what is not understood.
    """
    headers = {"Accept": "application/vnd.pypi.simple.v1+json"}
    request = urllib.request.Request(f"{index}/{NAME}/", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            versions = json.load(answer)["versions"]
    except urllib.error.HTTPError as error:
        if error.code == 404:  # noqa: PLR2004 # it knows no such project
            return False
        raise NotAsked(f"it answers {error.code} {error.reason}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotAsked(str(error)) from error
    return version in versions
