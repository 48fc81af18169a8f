"""Links of a page work in the repository and on the site."""

from pathlib import Path

import pytest
from on_the_site import PAGES, on_the_site
from repository_links import in_repository, relinked

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://github.com/rnn-goldens/rnn-goldens"

PAGES_WITH_LINKS = sorted(
    [ROOT / page for page in (*PAGES, "changes/README.md")]
    + list((ROOT / "docs").rglob("*.md"))
    + [ROOT / "examples" / name / "README.md" for name in ("c", "programs", "readers")]
    + [ROOT / "conformance/README.md"]
)


@pytest.mark.parametrize("page", [path.relative_to(ROOT).as_posix() for path in PAGES_WITH_LINKS])
def test_the_targets_of_links_of_a_page_exist(page: str) -> None:
    relinked((ROOT / page).read_text("utf-8"), lambda target: "".join(in_repository(ROOT, page, target)))


@pytest.mark.parametrize("target", ["none.md", "none.md#anchor", "../none", "../../elsewhere.md"])
def test_a_dead_link_is_an_error(target: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"docs/plugin\.md links to .*none|elsewhere"):
        on_the_site("docs/plugin.md", target)


@pytest.mark.parametrize(
    ("page", "target", "resolved"),
    [
        ("docs/plugin.md", "explain.md#an-anchor", "/explain.md#an-anchor"),
        ("docs/results/cost.md", "../deviations.md", "/deviations.md"),
        ("docs/report.md", "report.png", "/report.png"),
        ("README.md", "docs/plugin.md", "/plugin.md"),
        ("docs/programs.md", "../README.md#what-a-failure-looks-like", "/start.md#what-a-failure-looks-like"),
        ("docs/explain.md", "../CHANGELOG.md", "/changelog.md"),
        ("docs/format.md", "../schema", f"{REPOSITORY}/tree/main/schema"),
        ("docs/results/correctness.md", "../known-failures", f"{REPOSITORY}/tree/main/docs/known-failures"),
        ("README.md", "LICENSE", f"{REPOSITORY}/blob/main/LICENSE"),
    ],
)
def test_a_link_resolves_to_a_site_page_or_the_repository(page: str, target: str, resolved: str) -> None:
    assert on_the_site(page, target) == resolved


def test_links_in_code_and_external_links_are_unchanged() -> None:
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
