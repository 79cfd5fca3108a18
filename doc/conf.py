"""Configuration of the documentation: ``sphinx -W doc doc/_build/html``."""

import os
import sys
from pathlib import Path

import matplotlib

import sklearn_msk

matplotlib.use("agg")
sys.path.insert(0, str(Path(__file__).parent))

project = "sklearn-msk"
author = "The sklearn-msk developers"
copyright = author
version = release = sklearn_msk.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinx.ext.mathjax",
    # MathJax from a package, so that formulas render with no network.
    "sphinx-mathjax-offline",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
# References that the inherited docstrings of scikit-learn make to its own pages.
# What has a page is linked to; the rest is shown as code.
default_role = "autolink"
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
    "within_subsection_order": "ExampleTitleSortKey",
    "abort_on_example_error": True,
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

html_theme = "pydata_sphinx_theme"
html_title = f"sklearn-msk {version}"
html_theme_options = {
    "show_prev_next": False,
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "navigation_with_keys": False,
}
html_sidebars = {
    "index": [],
    "tour": [],
    "benchmarks": [],
    "changelog": [],
}
