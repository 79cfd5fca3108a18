"""The charts of the page of benchmarks, from the files in ``benchmarks/results``.

``<!-- chart: name -->`` in a page becomes the chart of ``name.json`` and its table.
"""

import json
import re
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

HERE = Path(__file__).parent
RESULTS = HERE.parent / "benchmarks" / "results"
CHARTS = HERE / "generated" / "charts"
MARKER = re.compile(r"<!-- chart: (\w+) -->")
MARKS = "osD^vP"
# Greens are the models of this package.
COLOURS = {
    "MSKRegressorCV()": "#0b6e4f",
    "MSKRegressor, 100 steps": "#7dbb42",
    "MSKRegressor()": "#2e9e78",
    "MSKRegressor": "#0b6e4f",
    "MSKRegressor, in blocks": "#7dbb42",
    "MSKGridSearchCV, 1000 candidates": "#0b6e4f",
    "KernelRidge": "#3b5bb5",
    "KernelRidge, tuned": "#3b5bb5",
    "gradient boosting": "#b5520b",
    "random forest": "#5a5a5a",
    "xRFM": "#8a2f8f",
    "gpytorch, CG": "#8a2f8f",
    "pivoted Cholesky + CG": "#b5520b",
}
OTHER = "#7a7a7a"


def load(name):
    """Load a file of results; that of pytest-benchmark becomes one of the same form."""
    results = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    if "benchmarks" not in results:
        return results
    machine = results["machine_info"]
    return {
        "question": "How long does a fit take?",
        "script": results["script"],
        "machine": f"{machine['processor']}, one thread",
        "date": results["datetime"][:10],
        "unit": "CPU seconds of a fit, median of 5; data of make_friedman1",
        "columns": ["model", "rows", "CPU seconds"],
        "rows": [
            [
                benchmark["extra_info"]["model"],
                benchmark["extra_info"]["rows"],
                benchmark["stats"]["median"],
            ]
            for benchmark in results["benchmarks"]
        ],
    }


def accuracy(figure, results):
    """Errors of the models, a line for each data set."""
    rows = sorted(results["rows"], key=lambda row: row[1])
    axis = figure.subplots()
    for place, row in enumerate(rows):
        axis.hlines(place, min(row[1:]), max(row[1:]), color="0.85", zorder=0)
    for i, model in enumerate(results["columns"][1:]):
        style = {"s": 60, "zorder": 3} if i == 0 else {"s": 26}
        axis.scatter(
            [row[i + 1] for row in rows],
            range(len(rows)),
            marker=MARKS[i],
            color=COLOURS.get(model, OTHER),
            label=model,
            **style,
        )
    axis.set_yticks(range(len(rows)), [row[0] for row in rows])
    axis.set_xscale("log")
    plain_ticks(axis.xaxis, (0.03, 0.1, 0.3, 1.0))
    axis.set_xlabel("RMSE / sd(y) on rows held out; left is better")


def lines(figure, results, unit, ticks, row_ticks):
    """One line for each model over the number of rows."""
    axis = figure.subplots()
    for i, model in enumerate(dict.fromkeys(row[0] for row in results["rows"])):
        points = [row[1:] for row in results["rows"] if row[0] == model]
        axis.plot(
            *zip(*points, strict=True),
            marker=MARKS[i],
            color=COLOURS.get(model, OTHER),
            label=model,
            linewidth=2.5 if model.startswith("MSK") else 1.2,
        )
    axis.set(xscale="log", yscale="log", xlabel="training rows", ylabel=unit)
    plain_ticks(axis.xaxis, row_ticks)
    plain_ticks(axis.yaxis, ticks)
    axis.grid(color="0.9")


def time(figure, results):
    """Seconds against the number of rows."""
    ticks = (0.01, 0.1, 1, 10)
    lines(figure, results, "CPU seconds", ticks, (300, 1000, 3000, 8000))


def memory(figure, results):
    """Memory against the number of rows."""
    lines(figure, results, "GiB", (0.1, 0.3, 1, 3), (5000, 10_000, 30_000, 91_000))


def search(figure, results):
    """Cost of a search beside that of a fit."""
    axis = figure.subplots()
    names, seconds = zip(*results["rows"], strict=True)
    colours = [COLOURS.get(name, OTHER) for name in names]
    axis.barh(names, seconds, color=colours, height=0.6)
    for place, value in enumerate(seconds):
        axis.text(value * 1.15, place, f"{value:.4g} s", va="center")
    axis.set(xscale="log", xlim=(1, 30_000), xlabel="CPU seconds")
    plain_ticks(axis.xaxis, (1, 10, 100, 1000, 10_000))
    axis.set_yticks(range(3), [name.replace(", ", ",\n") for name in names])
    axis.invert_yaxis()


def many_rows(figure, results):
    """Errors of models of many rows, a panel for each problem."""
    problems = {}
    for problem, model, seconds, _, error in results["rows"]:
        problems.setdefault(problem, []).append((error, model, seconds))
    heights = [len(found) for found in problems.values()]
    axes = figure.subplots(len(problems), height_ratios=heights)
    for axis, (problem, found) in zip(axes, problems.items(), strict=True):
        errors, models, seconds = zip(*sorted(found), strict=True)
        ours = [model.startswith(("MSK", "Part")) for model in models]
        colours = ["#0b6e4f" if mine else "#9a9a9a" for mine in ours]
        axis.barh(range(len(found)), errors, color=colours, height=0.7)
        for place, (error, second) in enumerate(zip(errors, seconds, strict=True)):
            text = f"{error:.3g}, {second:.0f} s".replace("0.", ".", 1)
            axis.text(error + 0.01 * max(errors), place, text, va="center", fontsize=8)
        names = [model.replace("HistGradientBoosting", "boosting") for model in models]
        axis.set_yticks(range(len(found)), names, fontsize=8)
        axis.set(title=problem, xlim=(0, 1.35 * max(errors)), xticks=[])
        axis.invert_yaxis()
    axes[-1].set_xlabel("RMSE / sd(y), and seconds of the fit")


CHARTS_OF = {
    "accuracy": (accuracy, 5.2),
    "time": (time, 4.4),
    "memory": (memory, 4.4),
    "search": (search, 2.4),
    "many_rows": (many_rows, 6.4),
}


def plain_ticks(axis, ticks):
    """Set ticks of a logarithmic axis that are written out."""
    axis.set_major_locator(FixedLocator(ticks))
    labels = [f"{tick:,}".replace(",", " ") for tick in ticks]
    axis.set_major_formatter(FixedFormatter(labels))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def draw(name):
    """Draw the chart of a file of results."""
    paint, height = CHARTS_OF[name]
    style = {"font.size": 10, "axes.titlesize": 10, "svg.hashsalt": name}
    with mpl.rc_context(style):
        figure = Figure(figsize=(5.6, height), layout="constrained")
        paint(figure, load(name))
        for axis in figure.axes:
            axis.spines[["top", "right"]].set_visible(False)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        if labels:
            figure.legend(
                handles, labels, loc="outside upper center", ncols=2, frameon=False
            )
        CHARTS.mkdir(parents=True, exist_ok=True)
        figure.savefig(CHARTS / f"{name}.svg", metadata={"Date": None})


def table(name):
    """Markdown of the chart, of where its numbers come from, and of the numbers."""
    results = load(name)
    lines = [
        f"![{results['question']} The table below has the numbers of this chart.]"
        f"(generated/charts/{name}.svg)",
        "",
        ":::{dropdown} The numbers",
        f"{results['unit']}. Script: `{results['script']}`. "
        f"Machine: {results['machine']}. Date: {results['date']}.",
        "",
        "```{list-table}",
        ":header-rows: 1",
        ":class: sortable",
        "",
    ]
    for row in [results["columns"], *results["rows"]]:
        start = "*"
        for cell in row:
            lines.append(f"{start} - {cell}")
            start = " "
    return "\n".join([*lines, "```", ":::", ""])


def insert(app, docname, source):
    """Put charts and tables where a page has a marker."""
    for name in MARKER.findall(source[0]):
        app.env.note_dependency(str(RESULTS / f"{name}.json"))
    source[0] = MARKER.sub(lambda found: table(found[1]), source[0])


def draw_all(app):
    """Draw every chart."""
    for name in CHARTS_OF:
        draw(name)


def setup(app):
    """Register with Sphinx."""
    app.connect("builder-inited", draw_all)
    app.connect("source-read", insert)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
