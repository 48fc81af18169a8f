"""Whether what lies in ``changes`` can be collected at a release; towncrier passes over a name that it does not know.

python distribution/fragments.py
"""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

FOLDER = "changes"
NO_NEWS = frozenset({"README.md", "template.md.jinja"})


def fragments(root: Path) -> list[Path]:
    """What a release collects."""
    return sorted(path for path in (root / FOLDER).iterdir() if path.name not in NO_NEWS)


def findings(root: Path) -> Iterator[str]:
    """What is wrong with fragments: one line each."""
    settings = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["towncrier"]
    kinds = [kind["directory"] for kind in settings["type"]]
    for path in fragments(root):
        name = path.relative_to(root).as_posix()
        if path.name.split(".")[1:] not in [[kind, "md"] for kind in kinds]:
            yield f"{name}: a fragment is called NAME.KIND.md, with a KIND of {', '.join(kinds)}"
            continue
        text = path.read_text("utf-8").strip()
        if not text:
            yield f"{name}: says nothing"
        elif text.startswith(("-", "*", "#")):
            yield f"{name}: begins with {text[0]}; a fragment is plain sentences, and a release puts a bullet there"


def main() -> None:
    """Say what is wrong, if anything is."""
    found = list(findings(Path(__file__).parents[1]))
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
