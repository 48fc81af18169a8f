"""The page of kernel layouts is made from the table of conventions."""

from pathlib import Path

from rnn_goldens.conventions.kernel_convention import CHOICES
from rnn_goldens.conventions.kernels import KERNELS
from rnn_goldens.generator.kernel_layouts_page import sections
from rnn_goldens.generator.readme_figures import with_sections


def test_the_committed_page_is_up_to_date() -> None:
    committed = (Path(__file__).parents[2] / "docs/kernel-layouts.md").read_text("utf-8")
    assert with_sections(committed, sections()) == committed, "update the page: make generate"


def test_it_has_every_convention_and_every_value_of_a_layout() -> None:
    rows = [line for line in "".join(sections().values()).splitlines() if line.startswith("| ")]
    for one in KERNELS:
        assert any(line.startswith(f"| {one.library} | {one.functions} |") for line in rows)
        assert one.run or one.version
    for name, meanings in CHOICES.items():
        (line,) = (line for line in rows if line.startswith(f"| `{name}` |"))
        assert all(f"`{value}`" in line for value in meanings)
