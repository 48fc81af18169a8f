"""What ``pyproject.toml`` can not say: the description is the README, with links that work where it is read."""

from pathlib import Path

from repository_links import address, in_repository, project, relinked
from setuptools import setup

ROOT = Path(__file__).parent
README = "README.md"


def description() -> str:
    """The README for an index's page: a relative link leads to the repository as this version has it."""
    said = project(ROOT)

    def to(target: str) -> str:
        path, anchor = in_repository(ROOT, README, target)
        return address(ROOT, said.repository, f"v{said.version}", path) + anchor

    return relinked((ROOT / README).read_text("utf-8"), to)


setup(long_description=description(), long_description_content_type="text/markdown")
