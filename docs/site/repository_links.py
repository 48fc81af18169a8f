"""Links of a Markdown page that lead into the repository, for where the repository is not: PyPI's page, the site.

A page is written for whoever reads it in the repository, with relative links; elsewhere these are made absolute. Where
the repository is stands once, in ``[project.urls]`` of ``pyproject.toml``.
"""

import posixpath
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LINK = re.compile(r"(?P<before>\]\()(?P<target>[^)\s]+)(?=\))")
"""The target of an inline link or image."""

CODE = re.compile(
    r"^ *(?P<fence>```+).*?^ *(?P=fence) *$|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)", re.DOTALL | re.MULTILINE
)
"""What is shown as it is typed: a fenced block, or code in a line."""

ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#|/")
"""What a target begins with that is not relative: a scheme, an anchor on the same page, a slash."""


@dataclass(frozen=True)
class Project:
    """What ``pyproject.toml`` says of the project.

    Attributes:
        version: the package's.
        repository: where its repository is.
    """

    version: str
    repository: str


def project(root: Path) -> Project:
    """What is said in a checkout, or in an unpacked sdist."""
    said = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    return Project(said["version"], said["urls"]["Repository"])


def relinked(text: str, to: Callable[[str], str]) -> str:
    """The text of a page with each relative target replaced; what is in code stays.

    Args:
        text: Markdown.
        to: what is to stand for a relative target, its anchor included.
    """

    def replaced(link: "re.Match[str]") -> str:
        target = link["target"]
        return link[0] if ELSEWHERE.match(target) else link["before"] + to(target)

    parts, end = [], 0
    for code in CODE.finditer(text):
        parts += [LINK.sub(replaced, text[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*parts, LINK.sub(replaced, text[end:])])


def in_repository(root: Path, page: str, target: str) -> tuple[str, str]:
    """Where a relative target leads: the path from the repository's top, and the anchor with its ``#`` or nothing.

    Raises:
        FileNotFoundError: there is nothing.
    """
    path, sharp, anchor = target.partition("#")
    found = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
    if found.startswith("..") or not (root / found).exists():
        raise FileNotFoundError(f"{page} links to {target}, and there is no {found}")
    return found, sharp + anchor


def address(root: Path, repository: str, revision: str, path: str) -> str:
    """The address of a file or folder on the code host, at a branch or tag."""
    kind = "tree" if (root / path).is_dir() else "blob"
    return f"{repository}/{kind}/{revision}/{path}"
