"""Sphinx configuration: MyST for the text, Furo for the look, nothing fetched while building."""

from pygments.lexers.special import TextLexer
from sphinx.highlighting import lexers

project = "Nightside"
author = "The Nightside developers"
copyright = "The Nightside developers"
release = "0.1.0"

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
lexers["mermaid"] = TextLexer()  # shown as text here, drawn by hosts that know it

html_theme = "furo"
html_title = "Nightside"
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["wide.css"]
