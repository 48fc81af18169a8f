"""Sphinx configuration of the documentation site, which ``make docs`` builds from the pages in ``docs``."""

from pathlib import Path

import repository_links

ROOT = Path(__file__).parents[2]
project = author = "rnn-goldens"
release = version = repository_links.project(ROOT).version
project_copyright = "the rnn-goldens maintainers"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
extensions += ["code_host", "command_help", "field_dashes", "mathml", "navigation"]
exclude_patterns = ["site"]
highlight_language = "text"

myst_heading_anchors = 4
myst_enable_extensions = ["dollarmath"]
html_math_renderer = "mathml"

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"rnn-goldens {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # browsers cannot fetch pages from a disk
smartquotes = False  # --option is two hyphens
