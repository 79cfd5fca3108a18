"""How the gallery runs the examples."""

import tempfile
import warnings
from pathlib import Path

_filters_outside = list(warnings.filters)


def picture_arguments(gallery_conf, script_vars):
    """Send the picture that an example saves to a folder of no interest here."""
    name = Path(script_vars["src_file"]).with_suffix(".png").name
    return ["--output", str(Path(tempfile.gettempdir()) / name)]


def warnings_are_errors(gallery_conf, fname, when):
    """Let warnings be errors while an example runs, and only then."""
    if when == "before":
        _filters_outside[:] = warnings.filters
        warnings.simplefilter("error")
    else:
        warnings.filters[:] = _filters_outside
