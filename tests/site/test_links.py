"""A link of a page leads somewhere, wherever the page is read."""

from pathlib import Path

import pytest
from on_the_site import PAGES, on_the_site
from repository_links import in_repository, relinked

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://github.com/rnn-goldens/rnn-goldens"

READ = sorted(
    [ROOT / page for page in (*PAGES, "changes/README.md")]
    + list((ROOT / "docs").rglob("*.md"))
    + [ROOT / "examples" / name / "README.md" for name in ("c", "programs", "readers")]
)


@pytest.mark.parametrize("page", [path.relative_to(ROOT).as_posix() for path in READ])
def test_what_a_page_links_to_is_there(page: str) -> None:
    relinked((ROOT / page).read_text("utf-8"), lambda target: "".join(in_repository(ROOT, page, target)))


@pytest.mark.parametrize("target", ["none.md", "none.md#anchor", "../none", "../../elsewhere.md"])
def test_what_is_not_there_is_refused(target: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"docs/plugin\.md links to .*none|elsewhere"):
        on_the_site("docs/plugin.md", target)


@pytest.mark.parametrize(
    ("page", "target", "leads_to"),
    [
        ("docs/plugin.md", "explain.md#an-anchor", "/explain.md#an-anchor"),
        ("docs/results/fuzzing.md", "../deviations.md", "/deviations.md"),
        ("docs/report.md", "report.png", "/report.png"),
        ("README.md", "docs/plugin.md", "/plugin.md"),
        ("docs/programs.md", "../README.md#what-a-failure-looks-like", "/start.md#what-a-failure-looks-like"),
        ("docs/explain.md", "../CHANGELOG.md", "/changelog.md"),
        ("docs/format.md", "../schema", f"{REPOSITORY}/tree/main/schema"),
        (
            "docs/results/fuzzing.md",
            "../known-failures",
            f"{REPOSITORY}/tree/main/docs/known-failures",
        ),
        ("README.md", "LICENSE", f"{REPOSITORY}/blob/main/LICENSE"),
    ],
)
def test_a_link_leads_to_a_page_of_the_site_or_to_the_repository(page: str, target: str, leads_to: str) -> None:
    assert on_the_site(page, target) == leads_to


def test_what_is_in_code_or_leads_elsewhere_stays() -> None:
    text = """\
[here](#anchor), [there](https://example.org/a.md), [mail](mailto:a@example.org), `[code](a.md)`, ``[code`](a.md)``.

```python
weights[name](a.md)
```

  ```
  [indented](a.md)
  ```
"""
    assert relinked(text, lambda _: "moved") == text
    assert relinked(f"{text}\n[a](a.md) ![b](b.png)\n", lambda _: "moved") == f"{text}\n[a](moved) ![b](moved)\n"
