"""Writes the pages of a checkout that are made from the corpus and the code, the README's figures, and bundled schemas.

python -m rnn_goldens.generator.every_page .
"""

import sys
from pathlib import Path

from rnn_goldens.atomic_write import write_whole
from rnn_goldens.generator import (
    deviation_page,
    equations_page,
    kernel_layouts_page,
    readme_figures,
    rules_page,
    schema_bundles,
)


def main() -> None:
    """Write all of them."""
    root = Path(sys.argv[1])
    corpus, docs, readme = root / "fixtures/v2", root / "docs", root / "README.md"
    deviation_page.write(corpus, docs / deviation_page.INDEX)
    texts = {
        docs / "rules.md": rules_page.page(corpus),
        readme: readme_figures.with_figures(readme.read_text("utf-8"), readme_figures.figures(root)),
        **schema_bundles.bundled(root / "schema"),
    }
    for name, of in (("equations.md", equations_page), ("kernel-layouts.md", kernel_layouts_page)):
        texts[docs / name] = readme_figures.with_sections((docs / name).read_text("utf-8"), of.sections())
    for path, text in texts.items():
        write_whole(path, text.encode("utf-8"))


if __name__ == "__main__":
    main()
