"""Configuration of the documentation: ``sphinx -W doc doc/_build/html``."""

import os
import re
import sys
from importlib.metadata import metadata
from pathlib import Path

import matplotlib
from docutils import nodes

import sklearn_msk

matplotlib.use("agg")
sys.path.insert(0, str(Path(__file__).parent))

import gallery_hooks
import roles

project = "sklearn-msk"
author = "The sklearn-msk developers"
copyright = author
version = release = sklearn_msk.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinx_copybutton",
    "sphinx.ext.mathjax",
    # MathJax from a package, so that formulas render with no network.
    "sphinx-mathjax-offline",
    "explorer",
    "charts",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
# References that the inherited docstrings of scikit-learn make to its own pages.
# What has a page is linked to; the rest is shown as code.
default_role = "name"
toc_object_entries_show_parents = "hide"
suppress_warnings = ["ref.ref", "ref.term", "ref.doc"]

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_default_options = {"members": True, "inherited-members": True}
numpydoc_show_class_members = False
# All but: line breaks and blank lines at the start and the end, objects without a
# docstring, See Also, examples and extended summaries everywhere, names of returns.
numpydoc_validation_checks = {
    "all",
    "GL01",
    "GL08",
    "SA01",
    "EX01",
    "ES01",
    "RT02",
}
# What scikit-learn writes.
numpydoc_validation_exclude = {
    r"\.get_params$",
    r"\.set_params$",
    r"\.set_.*_request$",
    r"\.get_metadata_routing$",
    r"\.set_output$",
    r"\.set_callbacks$",
    r"\.get_feature_names_out$",
    r"\.fit_transform$",
    r"\.score$",
    r"\.is_stationary$",
    r"\.clone_with_theta$",
    r"\.MSK(Grid|Randomized)SearchCV\..*$",
    r"\.kernels\..*\.(bounds|hyperparameters|n_dims|requires_vector_input|theta)$",
}

# Without a network the documentation of other projects is not linked to.
if os.environ.get("SKLEARN_MSK_INTERSPHINX"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "numpy": ("https://numpy.org/doc/stable", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
    }


sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["auto_examples"],
    "filename_pattern": r"plot_",
    "parallel": 2,
    "within_subsection_order": "gallery_hooks.reading_order",
    "abort_on_example_error": True,
    "image_scrapers": ("gallery_hooks.figures",),
    "reset_argv": "gallery_hooks.picture_arguments",
    "reset_modules": ("matplotlib", "gallery_hooks.warnings_are_errors"),
    "reset_modules_order": "both",
    "doc_module": ("sklearn_msk",),
    "backreferences_dir": "generated/examples",
    "download_all_examples": False,
    "show_signature": False,
    # Its page would load scripts from the network.
    "write_computation_times": False,
}

# What is copied runs as it is: no prompts, no output.
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

# pyproject.toml has the addresses.
_urls = dict(
    line.split(", ", 1) for line in metadata("sklearn-msk").get_all("Project-URL")
)
_user, _repository = _urls["Source"].rstrip("/").split("/")[-2:]

extlinks = {"repository": (f"{_urls['Source']}/blob/main/%s", "%s")}

html_theme = "pydata_sphinx_theme"
html_title = "sklearn-msk"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_favicon = "_static/favicon.svg"
html_search_scorer = str(Path(__file__).parent / "_static" / "scorer.js")
html_context = {
    "default_mode": "auto",
    "github_user": _user,
    "github_repo": _repository,
    "github_version": "main",
    "doc_path": "doc",
}
html_theme_options = {
    "show_prev_next": False,
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "navigation_with_keys": False,
    "navbar_persistent": ["search-button"],
    "secondary_sidebar_items": ["page-toc", "edit-this-page"],
    "use_edit_page_button": True,
    "icon_links": [
        {
            "name": "Repository",
            "url": _urls["Source"],
            "icon": "fa-brands fa-github",
        },
        {
            "name": "Report an issue",
            "url": _urls["Issues"],
            "icon": "fa-solid fa-circle-exclamation",
        },
    ],
}
# The list of versions is a file of the hosted site. A local build loads nothing.
if os.environ.get("READTHEDOCS"):
    _latest = _urls["Documentation"].replace("/stable", "/latest")
    html_theme_options["switcher"] = {
        "json_url": f"{_latest}/_static/switcher.json",
        "version_match": os.environ.get("READTHEDOCS_VERSION", "latest"),
    }
    html_theme_options["check_switcher"] = False
    html_theme_options["navbar_end"] = [
        "version-switcher",
        "theme-switcher",
        "navbar-icon-links",
    ]
html_sidebars = {
    "index": [],
    "tour": [],
    "benchmarks": [],
    "changelog": [],
}


def trim_code(app, doctree):
    """Drop the empty line at the end of a block, which doctests need."""
    for block in doctree.findall(nodes.literal_block):
        if all(isinstance(child, nodes.Text) for child in block.children):
            text = block.astext().rstrip("\n")
            block.children = [nodes.Text(text)]
            block.rawsource = text


def link_to_source(app, pagename, templatename, context, doctree):
    """Let the edit link of an example lead to its script, and drop those to no file."""
    if not context.get("page_source_suffix"):
        return
    example = re.fullmatch(r"auto_examples/(.*plot_\w+)", pagename)
    if example:
        url = f"{_urls['Source']}/edit/main/examples/{example[1]}.py"
        context["get_edit_provider_and_url"] = lambda: ("GitHub", url)
    elif pagename.startswith(("generated/", "auto_examples/")):
        context["page_source_suffix"] = ""


def setup(app):
    """Register with Sphinx."""
    app.add_role("name", roles.Name())
    app.connect("doctree-read", trim_code)
    # After the gallery, which makes thumbnails of whole figures.
    app.connect("builder-inited", gallery_hooks.replace_thumbnails, priority=900)
    # After the theme, which sets the link.
    app.connect("html-page-context", link_to_source, priority=900)
