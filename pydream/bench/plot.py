"""A report as a picture: the C++'s speedup, the network's time over its floor, the parts of a dream's time."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MissingExtraError, pip_install
from ..files import write_whole
from . import operations, table
from .machine import as_lines
from .network import EXACT, FAST, FLOOR
from .report import PARTS, BenchReport

FORMATS = (".png", ".svg", ".pdf")
_INK, _GREY, _FAINT = "#1f2933", "#616e7c", "#d5dbe1"
_BLUES = ("#c6dbef", "#9ecae1", "#4292c6", "#08519c", "#08306b")
_COLOURS = {FLOOR: "#9aa5b1", FAST: "#2a78b8", EXACT: "#e08214"}
_PARTS = ("#2a78b8", "#1b9e77", "#8fd1ba", "#e08214", "#cbd2d9")


def matplotlib() -> Any:
    """Import the module, which an extra installs; raise `MissingExtraError` where it is missing."""
    try:
        import matplotlib
    except ImportError as error:
        raise MissingExtraError(f"a plot needs matplotlib ({error}): {pip_install('plot')}") from error
    return matplotlib


def write_plot(report: BenchReport, path: Path) -> None:
    """Draw a report into a file, whose suffix is one of `FORMATS`."""
    matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=[2.6, 1], width_ratios=[1.2, 1], hspace=0.08)
    _operations(figure.add_subplot(grid[0, 0]), report)
    _network(figure.add_subplot(grid[0, 1]), report)
    _dream(figure.add_subplot(grid[1, :]), report)
    when, cpu, threads, versions = as_lines(report.machine)
    figure.suptitle(f"pydream bench: {cpu}", x=0.01, ha="left", fontsize=14, color=_INK, fontweight="bold")
    figure.supxlabel(f"{threads}\n{versions} · {when}", x=0.01, ha="left", fontsize=8, color=_GREY)
    drawn = BytesIO()
    figure.savefig(drawn, format=path.suffix.lower().lstrip("."), dpi=150, facecolor="white")
    write_whole(path, drawn.getbuffer())


def _legend(axes: Any, columns: int, below: float = -0.05) -> None:
    axes.legend(
        frameon=False,
        fontsize=9,
        labelcolor=_INK,
        ncols=columns,
        loc="upper left",
        bbox_to_anchor=(-0.02, below),
        borderaxespad=0.4,
        handletextpad=0.3,
    )


def _plain(axes: Any, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=11, color=_INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_FAINT)
    axes.tick_params(which="both", length=0, labelsize=9, colors=_INK)
    axes.set_axisbelow(True)


def _operations(axes: Any, report: BenchReport) -> None:
    """Draw a point per operation and size."""
    names, sizes = operations.names(), sorted({size for _, size, _ in report.operations})
    for number, size in enumerate(sizes):
        found = [outcome for _, each, outcome in report.operations if each == size]
        axes.plot(
            [1 / outcome.ratio("native", "numpy") for outcome in found],
            names,
            "o",
            markersize=8,
            color=_BLUES[min(number + (len(sizes) < 5) + (len(sizes) < 3), len(_BLUES) - 1)],
            label=table.size(*size),
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    axes.xaxis.set_minor_formatter("")
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0.8), max(high, 12))
    axes.invert_yaxis()
    axes.axvline(1, color=_INK, linewidth=1)
    axes.grid(axis="both", color=_FAINT, linewidth=0.7)
    _legend(axes, min(len(sizes), 5))
    _plain(axes, "Image operations: C++, times faster than NumPy")


def _network(axes: Any, report: BenchReport) -> None:
    """Draw a line per size, from the floor to the measured times."""
    sizes = [table.size(*size) for size, _ in report.network]
    for name in (FLOOR, FAST, EXACT):
        there = [(size, outcome) for size, outcome in report.network if name in outcome.samples]
        if not there or (name == FLOOR and report.subject.gmac(there[0][0]) == 0):
            continue  # layers that multiply nothing
        found = [report.floor(*each) if name == FLOOR else each[1].seconds(name) for each in there]
        medians = np.array([each.median for each in found])
        axes.errorbar(
            medians,
            [table.size(*size) for size, _ in there],
            xerr=[medians - [each.low for each in found], [each.high for each in found] - medians],
            fmt="o",
            markersize=8,
            elinewidth=1.5,
            color=_COLOURS[name],
            label="arithmetic floor" if name == FLOOR else name,
        )
        for (size, outcome), spread in zip(there, found, strict=True):
            if name == FLOOR or report.floor(size, outcome).median == 0:
                continue
            base = report.floor(size, outcome) if name == FAST else outcome.seconds(FAST)
            axes.annotate(
                f"{table.digits(spread.median / base.median, 2)}×",
                (spread.median, table.size(*size)),
                xytext=(0, 8),
                textcoords="offset points",
                ha="center",
                fontsize=9,
                color=_COLOURS[name],
            )
    axes.set_ylim(len(sizes) - 0.5, -0.5)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(low / 1.3, high * 1.3)
    axes.xaxis.set_major_formatter(lambda value, _: table.seconds(value).replace(".00 ", " ").replace(".0 ", " "))
    axes.xaxis.set_minor_formatter("")
    axes.grid(axis="both", color=_FAINT, linewidth=0.7)
    _legend(axes, 3)
    _plain(axes, f"{report.subject.title}: a gradient;\ntimes the floor, and float64 times float32")


def _dream(axes: Any, report: BenchReport) -> None:
    """Draw a bar per dream, of its parts."""
    dreams = report.cost.dreams
    labels = ["first dream", "second dream"][: len(dreams)]
    left = np.zeros(len(dreams))
    for colour, (key, name) in zip(_PARTS, PARTS.items(), strict=True):
        part = np.maximum([getattr(each, key) for each in dreams], 0)
        axes.barh(labels, part, 0.6, left=left, color=colour, label=name)
        left += part
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g} s")
    axes.grid(axis="x", color=_FAINT, linewidth=0.7)
    _legend(axes, 3, -0.12)
    request = report.request
    _plain(
        axes,
        f"A dream of {table.size(request.height, request.width)}, {request.octave_n} octaves × {request.iter_n} steps: "
        f"at most {table.memory(report.cost.peak)} of memory",
    )
