"""How Sphinx makes the site: `bash docs/build.sh`.

The source folder is the repository's root, so that links between its pages, and to its files, mean the same here as on
a forge. The order of the pages is that of docs/README.md, read from there.
"""

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import pydream  # noqa: E402  (from this checkout)

project = "pydream"
author = "the pydream developers"
copyright = author
version = release = pydream.__version__

# Pages that are not in the order of the documentation, each beside what it tells of.
BESIDE = ("docs/looks/README.md", "models/*/README.md", "examples/ports/*/README.md", "pydream/dream/labels/README.md")

root_doc = "README"
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/**", *BESIDE]
exclude_patterns = ["docs/gallery/*", "build*", "docs/made/**/*.ipynb", "docs/made/**/*.py", "docs/made/**/*.zip"]
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx_click",
    "sphinx_gallery.gen_gallery",
]
suppress_warnings = ["config.cache"]  # a function in sphinx_gallery_conf
nitpicky = True

myst_heading_anchors = 4  # as a forge makes them
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
autodoc_typehints = "none"  # docstrings say what is wanted, with shapes and units
autodoc_member_order = "bysource"

sphinx_gallery_conf = {
    "examples_dirs": "docs/gallery",
    "gallery_dirs": "docs/made",
    "within_subsection_order": "FileNameSortKey",
    "filename_pattern": r"\.py$",
    "download_all_examples": False,
    "show_signature": False,
    "abort_on_example_error": True,
    "image_scrapers": ("gallery_pictures.scraper",),
    "min_reported_time": 3600,
    "write_computation_times": False,  # it would write into the checkout
}

html_theme = "pydata_sphinx_theme"
html_title = "pydream"
html_sidebars = {"**": ["globaltoc.html"]}
html_static_path = ["site"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_show_search_summary = False  # it would need a server
html_theme_options = {
    "navbar_center": [],
    "show_prev_next": True,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
}


def contents():
    """Return the tables of contents that the landing page has here, in the order of docs/README.md."""
    parts = re.split(r"^\| \*\*(\w+)\*\* \| \|\n", (ROOT / "docs/README.md").read_text(), flags=re.MULTILINE)
    rows_of = dict(zip(parts[1::2], parts[2::2], strict=True))
    named = {name: re.findall(r"^\| \[.*?\]\(([\w-]+)\.md\)", rows, re.MULTILINE) for name, rows in rows_of.items()}
    groups = {name: [f"docs/{page}" for page in pages] for name, pages in named.items()}
    groups["Reference"] = ["docs/made/index", "docs/commands", "docs/api", "docs/README"]
    groups["Project"] = ["CHANGELOG", "SECURITY", "CONTRIBUTING"]
    beside = [path.parent for pattern in BESIDE for path in sorted(ROOT.glob(pattern))]
    groups["Beside"] = [str(folder.relative_to(ROOT) / "README") for folder in beside]
    return "\n".join(toctree(*group) for group in groups.items())


def toctree(caption, pages):
    """Return a table of contents as MyST writes it."""
    return "\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])


def add_contents(app, name, source):
    """Add the tables of contents to the landing page as it is read."""
    if name == root_doc:
        source[0] += contents()


def setup(app):
    """Connect what is above."""
    app.connect("source-read", add_contents)
