"""Finds, replaces and resolves the relative links of the repository's Markdown pages, for the site.

A link is relative to the folder of its page. The address of the repository is defined once, in ``[project.urls]`` of
``pyproject.toml``.
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
"""Literal text: a fenced block, or inline code."""

ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#|/")
"""Start of a target that is not relative: a scheme, ``#`` for an anchor on the same page, or a slash."""


@dataclass(frozen=True)
class Project:
    """The project's metadata in ``pyproject.toml``.

    Attributes:
        version: version of the package.
        repository: address of the repository.
    """

    version: str
    repository: str


def project(root: Path) -> Project:
    """Read the metadata of a checkout or an unpacked sdist."""
    table = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    return Project(table["version"], table["urls"]["Repository"])


def relinked(text: str, to: Callable[[str], str]) -> str:
    """Return the text of a page with each relative target replaced, except in code.

    Args:
        text: Markdown.
        to: returns the replacement of a relative target, including its anchor.
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
    """Split a relative target into a path from the root of the repository, and an anchor (with ``#``, or empty).

    Raises:
        FileNotFoundError: the target does not exist.
    """
    path, sharp, anchor = target.partition("#")
    resolved = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
    if resolved.startswith("..") or not (root / resolved).exists():
        raise FileNotFoundError(f"{page} links to {target}, but {resolved} does not exist")
    return resolved, sharp + anchor


def address(root: Path, repository: str, revision: str, path: str) -> str:
    """Return the address of a file or folder on the code host, at a branch or tag."""
    kind = "tree" if (root / path).is_dir() else "blob"
    return f"{repository}/{kind}/{revision}/{path}"
