"""Where the documentation of an object is."""

# The address of the site, which the first release makes; pyproject.toml repeats it.
SITE = "https://sklearn-msk.readthedocs.io/en/stable"


class DocLinkMixin:
    """Links from the HTML representation of an estimator to its documentation."""

    _doc_link_module = "sklearn_msk"
    _doc_link_template = f"{SITE}/generated/{{public_module}}.{{estimator_name}}.html"

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        """Return the name of the class, and the public package that exports it."""
        parts = type(self).__module__.split(".")
        private = [part.startswith("_") for part in parts] + [True]
        return {
            "public_module": ".".join(parts[: private.index(True)]),
            "estimator_name": type(self).__name__,
        }
