"""``python -m benchmarks`` runs a benchmark, writes its section unless something is wrong, and knows what is old."""

import json
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as entry
from benchmarks import mutants, page, pages, results
from benchmarks.benchmark import Benchmark, Measured, Option
from benchmarks.catalogue import BENCHMARKS

Write = Callable[..., int]


def fine(every: int = 7) -> Measured:
    return Measured(f"every {every}")


def wrong(every: int = 7) -> Measured:
    return Measured("text", [f"{every} is wrong"])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pages of a project with one section, and two benchmarks that write it."""
    text = "<!-- begin python -m benchmarks fine -->\n<!-- end python -m benchmarks fine -->\n"
    (tmp_path / "page.md").write_text(text, "utf-8")
    option = Option("every", 7, "part")
    declared = [
        Benchmark(f.__name__, "it", "1 s", f"{__name__}:{f.__name__}", page="page.md", options=(option,))
        for f in (fine, wrong)
    ]
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    for module in (entry, results):
        monkeypatch.setattr(module, "BENCHMARKS", declared)
    monkeypatch.setattr(pages, "stated", lambda: list(pages._sections()))
    return tmp_path


def test_every_benchmark_has_its_function() -> None:
    assert [one.name for one in BENCHMARKS if not find_spec(one.function.partition(":")[0])] == []
    assert len({one.name for one in BENCHMARKS}) == len(BENCHMARKS)


def test_a_section_is_written_only_if_nothing_is_wrong(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["wrong", "--write"]) == 1
    assert "7 is wrong" in capsys.readouterr().err
    assert [one.command for one in page.sections(folder / "page.md")] == [""]
    assert entry.main(["fine"]) == 0
    assert [one.command for one in page.sections(folder / "page.md")] == [""]
    assert entry.main(["fine", "--every", "3", "--write"]) == 0
    assert "\nevery 3\n" in (folder / "page.md").read_text("utf-8")
    (section,) = page.sections(folder / "page.md")
    assert section.command == "python -m benchmarks fine --every 3 --write"


def test_the_command_of_a_section_has_its_positional_options() -> None:
    options = (Option("names", (), "which"), Option("sizes", (1, 2), "sizes"), Option("every", 7, "part"))
    benchmark = Benchmark("fine", "it", "1 s", f"{__name__}:fine", options=options)
    default = {"names": [], "sizes": [1, 2], "every": 7}
    assert entry.command(benchmark, default) == "python -m benchmarks fine --write"
    given = {**default, "names": ["numpy", "torch"], "every": 3}
    assert entry.command(benchmark, given) == "python -m benchmarks fine numpy torch --every 3 --write"


@pytest.mark.usefixtures("folder")
def test_only_a_section_of_this_corpus_and_commit_is_not_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = Benchmark("fine", "it", "1 s", f"{__name__}:fine", page="page.md")
    monkeypatch.setattr(page, "commit", lambda: "0123abcd")
    same = {"0123abcd"}
    monkeypatch.setattr(page, "is_unchanged_since", lambda commit: commit in same)
    assert not results.is_current(benchmark)
    entry.main(["fine", "--every", "3", "--write"])
    assert not results.is_current(benchmark), "a part is not everything"
    entry.main(["fine", "--write"])
    assert results.is_current(benchmark)
    same.clear()
    assert not results.is_current(benchmark)
    same.add("0123abcd")
    monkeypatch.setattr(page, "corpus_version", lambda: "99.0.0")
    assert not results.is_current(benchmark)


def test_a_release_refuses_pages_of_another_corpus(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = pages.Stated("a.md", "measure a", page.corpus_version())
    monkeypatch.setattr(pages, "stated", lambda: [now])
    assert pages.show(only_today=True) == 0
    monkeypatch.setattr(pages, "stated", lambda: [now, pages.Stated("c.md", "measure c", "0.1.0")])
    assert pages.show(only_today=False) == 0
    assert pages.show(only_today=True) == 1
    assert "measure again: measure c\n" in capsys.readouterr().err


def test_a_committed_page_that_names_another_corpus_is_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = page.corpus_version()
    texts = {
        "README.md": "Right.",
        "docs/javascript.md": f"On 2026-11-30, with corpus {now}, it is right. It is right with corpus {now}.",
        "docs/numerics.md": f"Right with corpus {now}, wrong with corpus 0.1.0.",
        "examples/README.md": "On 2020-02-20, with corpus 0.2.0, it was right.",
        **dict.fromkeys(("CHANGELOG.md", "changes/a.fixed.md", "tests/a.md", "a.txt", "draft.md"), "corpus 0.3.0"),
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    for command in (["init"], ["add", *sorted({*texts} - {"draft.md"})]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.setattr(page, "ROOT", tmp_path)
    assert [(one.place, one.corpus, one.date) for one in pages._named()] == [
        ("javascript.md", now, "2026-11-30"),
        ("numerics.md", now, ""),
        ("numerics.md", "0.1.0", ""),
        ("examples/README.md", "0.2.0", "2020-02-20"),
    ]
    monkeypatch.setattr(pages, "stated", lambda: list(pages._named()))
    assert pages.show(only_today=True) == 1


def test_every_page_with_results_is_listed() -> None:
    places = {one.place.partition(":")[0] for one in pages.stated()}
    assert places >= {f"results/{path.name}" for path in page.RESULTS.glob("*.md")}
    assert places >= {"conformance.md", "standards.md", "accuracy/lstm.md", "examples/integrations/README.md"}
    rows = json.loads((pages.DOCS / "conformance.json").read_text("utf-8"))["implementations"]
    listed = [one.place for one in pages.stated()]
    assert all(any(place.startswith(f"conformance.md: {row['name']}") for place in listed) for row in rows)


def test_a_row_of_an_engine_that_was_measured_again_is_missing_until_the_report_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = pages._read

    def with_another_commit(path: str | Path) -> Any:
        document = read(path)
        if str(path).endswith("thinc.json"):
            document["made_with"]["revision"] = "0123abcd"
        return document

    assert not [one for one in pages.stated() if "not as in docs/engines" in one.place]
    monkeypatch.setattr(pages, "_read", with_another_commit)
    (one,) = (one for one in pages.stated() if "not as in docs/engines" in one.place)
    assert one.place.startswith("conformance.md: conformance.thinc:run")
    assert not one.is_of_this_corpus


def test_the_help_lists_every_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        entry.main(["--help"])
    text = capsys.readouterr().out
    assert all(one.name in text for one in BENCHMARKS)


def test_a_sample_of_mutants_is_the_same_for_the_same_seed() -> None:
    mutants_of_a_module = [str(number) for number in range(100)]
    assert mutants.sampled(mutants_of_a_module, 10, 1) == mutants.sampled(mutants_of_a_module, 10, 1)
    assert mutants.sampled(mutants_of_a_module, 10, 1) != mutants.sampled(mutants_of_a_module, 10, 2)
    assert len(mutants.sampled(mutants_of_a_module, 0, 1)) == 100
