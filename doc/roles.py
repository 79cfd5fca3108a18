"""What single backticks mean in reStructuredText: a link, or code."""

import importlib

from docutils import nodes
from sphinx.ext.autosummary import AutoLink

PACKAGES = (
    "sklearn_msk",
    "sklearn_msk.kernels",
    "sklearn_msk.spectral_maps",
    "sklearn_msk.inspection",
    "sklearn_msk.finite_width",
)
PUBLIC = {
    name: f"{package}.{name}"
    for package in PACKAGES
    for name in importlib.import_module(package).__all__
}


class Name(AutoLink):
    """A public name links to its page, anywhere; what has no page is code."""

    def run(self):
        """Return the nodes of a text between backticks."""
        if self.text in PUBLIC:
            role = self.env.domains.python_domain.role("obj")
            text = f"~{PUBLIC[self.text]}"
            return role(
                "obj", self.rawtext, text, self.lineno, self.inliner, self.options
            )
        found, messages = super().run()
        if isinstance(found[0], nodes.emphasis):
            found = [nodes.literal(self.rawtext, self.text)]
        return found, messages
