"""Where the package lives: files that cannot read one another name the same places."""

import tomllib
from pathlib import Path

from sklearn_msk._doc_links import SITE

ROOT = Path(__file__).parents[1]
URLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "urls"
]


def test_estimators_link_to_the_documentation_of_the_project():
    assert URLS["Documentation"] == SITE
    assert URLS["Changelog"].startswith(f"{SITE}/")


def test_the_citation_names_the_repository():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"repository-code: {URLS['Source']}\n" in citation
    assert URLS["Issues"].startswith(f"{URLS['Source']}/")
