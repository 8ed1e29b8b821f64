"""The site that `make docs` builds with Sphinx: these pages, the notebooks and the API.

The repository is Sphinx's source folder, so that relative links work on code hosts and in the site.
"""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]

project = "d2l_softmax"
root_doc = "docs/index"
include_patterns = [
    "docs/**.md",
    "notebooks/*.ipynb",
    "notebooks/teachers.md",
    "benchmarks/README.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
]
exclude_patterns = [".*", "build", "dist", "exercises", "runs"]  # not to be searched
extensions = ["myst_nb", "sphinx.ext.autodoc"]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # notebooks keep their outputs

default_role = "code"  # docstrings have Markdown's backticks
autodoc_member_order = "bysource"
nitpicky = True
nitpick_ignore_regex = [("py:class", r"(?!(d2l_softmax|scratch|concise)\b).*")]  # torch's, Python's

html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False


def set_language(app, page, template, context, doctree):
    """Name the language of the Chinese pages."""
    if page.startswith("docs/zh/") or page.endswith(".zh-CN"):
        context["language"] = "zh-CN"


def add_files(app, exception):
    """Copy the demo as it is, and let the site's address lead to the first page."""
    folder = Path(app.outdir)
    shutil.copy(ROOT / "docs" / "softmax.html", folder / "docs")
    refresh = f'<meta http-equiv="refresh" content="0; url={root_doc}.html">\n'
    (folder / "index.html").write_text(refresh, encoding="utf-8")


def setup(app):
    """Connect the functions above."""
    app.connect("html-page-context", set_language)
    app.connect("build-finished", add_files)
