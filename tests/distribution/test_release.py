"""What a release refuses, and what it makes; in real repositories."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from distribution.conftest import Release, git
from release_files import Failed, build_twice, write_sums
from release_state import NotAsked, obstacles, on_the_index

VERSION = "0.2.0"


def test_nothing_stands_in_the_way_of_a_version_that_is_said_everywhere(repository: Path) -> None:
    assert list(obstacles(repository, VERSION)) == []


def refused(done: "subprocess.CompletedProcess[str]", *reasons: str) -> None:
    """Whether these are the reasons, one line each, and nothing else was done."""
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert len(lines) == len(reasons), done.stderr
    for line, reason in zip(lines, reasons, strict=True):
        assert line.startswith(f"refused: {reason}")


def test_a_dirty_tree_is_refused(repository: Path, release: Release) -> None:
    (repository / "rnn_goldens/__init__.py").write_text("# edited\n")
    refused(release(), "the tree is dirty: rnn_goldens/__init__.py; commit or stash")
    (repository / "left_lying.py").write_text("")
    refused(release(), "the tree is dirty: rnn_goldens/__init__.py, and 1 more; commit or stash")
    git(repository, "checkout", "rnn_goldens")
    refused(release(), "the tree is dirty: left_lying.py; ")


def test_a_tag_that_exists_is_refused(repository: Path, release: Release) -> None:
    git(repository, "tag", "v0.1.0")
    assert list(obstacles(repository, VERSION)) == []
    git(repository, "tag", "v0.2.0")
    refused(release(), "the tag v0.2.0 exists")


@pytest.mark.parametrize("file", ["pyproject.toml", "CITATION.cff", "CHANGELOG.md"])
def test_a_version_that_a_file_does_not_say_is_refused(repository: Path, release: Release, file: str) -> None:
    path = repository / file
    path.write_text(path.read_text().replace("0.2.0", "0.1.9"))
    git(repository, "commit", "--quiet", "--all", "--message", "an older version")
    refused(release(), f"{file} is at 0.1.9, not at 0.2.0: make release-prepare sets it")


def test_news_that_the_changelog_does_not_say_are_refused(repository: Path, release: Release) -> None:
    (repository / "changes/a-thing.fix.md").write_text("A thing works.\n")
    changelog = repository / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("## 0.2.0", "## Unreleased\n\n- More.\n\n## 0.2.0"))
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "news")
    refused(
        release(),
        "CHANGELOG.md has a part that is unreleased",
        "changes/ has news that no changelog says, a-thing.fix.md",
    )


@pytest.mark.parametrize("version", ["0.2", "v0.2.0", "0.2.0-beta", "latest"])
def test_what_is_no_version_is_refused(release: Release, version: str) -> None:
    refused(release(version), f"{version} is no version: MAJOR.MINOR.PATCH")


def test_what_is_no_repository_of_its_own_is_refused(repository: Path, release: Release) -> None:
    (repository / ".git").rename(repository / ".git-of-old")
    refused(release(), f"{repository} is no git repository")
    git(repository.parent, "init", "--quiet")
    refused(release(), f"{repository} lies in another repository, {repository.parent}")


def test_a_version_that_the_index_has_is_refused(release: Release, index: Callable[..., str]) -> None:
    address = index("0.1.0", "0.2.0")
    refused(release(at=address), f"0.2.0 is on {address}: an index takes a version once")


def test_an_index_is_asked_for_the_version_and_one_that_does_not_answer_is_no_answer(index: Callable[..., str]) -> None:
    assert on_the_index("0.2.0", index("0.1.0", "0.2.0"))
    assert not on_the_index("0.2.0", index("0.1.0", "0.2.0rc1"))
    assert not on_the_index("0.2.0", f"{index()}/of-none")
    with pytest.raises(NotAsked, match="503"):
        on_the_index("0.2.0", index("0.2.0", status=503))
    with pytest.raises(NotAsked, match="refused"):
        on_the_index("0.2.0", "http://127.0.0.1:9")


def test_nothing_is_made_or_tagged_by_what_is_refused(repository: Path, release: Release) -> None:
    (repository / "left_lying.py").write_text("")
    release()
    assert not (repository / "dist").exists()
    assert git(repository, "tag") == ""


@pytest.mark.slow
def test_two_builds_of_a_commit_are_the_same_and_hold_nothing_else(repository: Path, tmp_path: Path) -> None:
    (repository / "rnn_goldens/left_lying.py").write_text("")
    sdist, wheel = sorted(build_twice(repository, tmp_path, isolated=False), key=lambda path: path.suffix)
    assert (sdist.name, wheel.name) == ("rnn_goldens-0.2.0.tar.gz", "rnn_goldens-0.2.0-py3-none-any.whl")
    held = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", wheel], capture_output=True, text=True, check=True
    ).stdout
    assert "rnn_goldens/__init__.py" in held
    assert "left_lying" not in held
    sums = write_sums([sdist, wheel])
    assert subprocess.run(["sha256sum", "--check", "--strict", sums.name], cwd=sums.parent, check=False).returncode == 0


@pytest.mark.slow
def test_a_build_that_tells_when_it_was_made_is_refused(repository: Path, tmp_path: Path) -> None:
    (repository / "setup.py").write_text(
        "import time, pathlib\nfrom setuptools import setup\n"
        "pathlib.Path('rnn_goldens/__init__.py').write_text(f'built = {time.time_ns()}')\nsetup()\n"
    )
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "a time")
    with pytest.raises(Failed, match=r"rnn_goldens-0\.2\.0.* is not reproducible: two builds of one commit differ"):
        build_twice(repository, tmp_path, isolated=False)


def test_what_is_prepared_can_be_released(repository: Path) -> None:
    (repository / "changes/a-thing.fix.md").write_text("A thing works,\nalso in two lines.\n")
    changelog = repository / "CHANGELOG.md"
    changelog.write_text(
        changelog.read_text().replace("## 0.2.0", "## Unreleased\n\n### Changed\n\n- More.\n\n## 0.2.0")
    )
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "news")
    assert len(list(obstacles(repository, "0.3.0"))) == 5
    command = [sys.executable, "distribution/prepare_release.py", "0.3.0", "2027-01-02"]
    subprocess.run(command, cwd=repository, check=True)
    git(repository, "commit", "--quiet", "--all", "--message", "release: 0.3.0")
    assert list(obstacles(repository, "0.3.0")) == []
    assert changelog.read_text().startswith(
        "# Changelog\n\nWhat a user notices.\n\n<!-- A release is put below this line. -->\n\n"
        "## 0.3.0 (2027-01-02)\n\n### Fixed\n\n- A thing works,\n  also in two lines.\n\n"
        "### Changed\n\n- More.\n\n## 0.2.0 (2026-12-01)\n\n### Added\n"
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a-thing.bug.md", "Text.", "a fragment is called NAME.KIND.md, with a KIND of change, feature, corpus, fix, "),
        ("a-thing.md", "Text.", "a fragment is called NAME.KIND.md"),
        ("a-thing.fix.md", " \n", "says nothing"),
        ("a-thing.fix.md", "- Text.", "begins with -; a fragment is plain sentences"),
    ],
)
def test_news_that_can_not_be_collected_are_refused(repository: Path, name: str, text: str, said: str) -> None:
    (repository / "changes" / name).write_text(text)
    command = [sys.executable, "distribution/fragments.py"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"changes/{name}: {said}")
