"""How the gallery runs the examples."""

import tempfile
import warnings
from pathlib import Path

# What is not in the list comes last, by name.
READING_ORDER = [
    "plot_table",
    "plot_real_table",
    "plot_classification",
    "plot_time_series",
    "plot_gaussian_process",
    "plot_learned_metric",
    "plot_terrain",
    "plot_stream",
    "plot_leaves",
    "plot_more_accurate",
    "plot_chosen_steps",
    "plot_frequencies",
    "plot_speed_up",
    "plot_consistency",
    "plot_preconditioners",
    "plot_sensitivity",
    "plot_grid_search",
    "plot_msk_approximation",
    "plot_residual_law",
]

_filters_outside = list(warnings.filters)


def reading_order(filename):
    """Place of an example in the gallery."""
    name = Path(filename).stem
    place = READING_ORDER.index(name) if name in READING_ORDER else len(READING_ORDER)
    return place, name


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
