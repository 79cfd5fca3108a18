"""How the gallery runs the examples."""

import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
from sphinx_gallery.scrapers import matplotlib_scraper
from sphinx_gallery.utils import scale_image

PANELS = Path(__file__).parent / "generated" / "panels"
# Number of the panel that is legible as a thumbnail; 0 where not listed.
PANEL = {
    "plot_gaussian_process": 2,
    "plot_leaves": 1,
    "plot_more_accurate": 2,
    "plot_sensitivity": 3,
    "plot_stream": 2,
    "plot_terrain": 2,
    "plot_time_series": 1,
}

# What is not in the list comes last, by name.
READING_ORDER = [
    "plot_table",
    "plot_real_table",
    "plot_look_inside",
    "plot_classification",
    "plot_time_series",
    "plot_gaussian_process",
    "plot_learned_metric",
    "plot_terrain",
    "plot_stream",
    "plot_leaves",
    "plot_parquet",
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


def figures(block, block_vars, gallery_conf, **kwargs):
    """Keep the figures of an example, and one panel of the last for its thumbnail."""
    name = Path(block_vars["src_file"]).stem
    for number in plt.get_fignums():
        figure = plt.figure(number)
        axes = [axis for axis in figure.axes if axis.get_label() != "<colorbar>"]
        if not axes:
            continue
        for legend in figure.legends:
            legend.set_visible(False)
        figure.canvas.draw()
        axis = axes[min(PANEL.get(name, 0), len(axes) - 1)]
        box = axis.get_tightbbox().transformed(figure.dpi_scale_trans.inverted())
        PANELS.mkdir(parents=True, exist_ok=True)
        path = PANELS / f"sphx_glr_{name}_thumb.png"
        figure.savefig(path, dpi=200, bbox_inches=box.padded(0.05))
        for legend in figure.legends:
            legend.set_visible(True)
    return matplotlib_scraper(block, block_vars, gallery_conf, **kwargs)


def replace_thumbnails(app):
    """Show one panel instead of a whole figure, which would be illegible."""
    size = app.config.sphinx_gallery_conf.get("thumbnail_size", (400, 280))
    for thumbnail in Path(app.srcdir, "auto_examples").rglob("*_thumb.png"):
        panel = PANELS / thumbnail.name
        if panel.exists():
            scale_image(panel, thumbnail, *size)
