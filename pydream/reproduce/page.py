"""The report as a page: the results, how they compare with known ones, and how they were made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..media import Share
from ..media.page import document, escaped, figure, jpeg, lossless, shares_html
from .known import Verdict
from .report import Input, ReproductionReport, Row
from .results import FRAMES, GOOGLENET, GRID, Reproduction

HEADING = "The dreams of 2015, made again"
_STYLE = Path(__file__).with_name("page.css")

_NOTES = {
    "4c": "What the notebook shows first: animals and buildings, found in clouds.",
    "5x5_reduce": "A lower layer: strokes and curls. It is read before its ReLU, as in Caffe.",
    "guided": "Each place of the picture is pulled to the place of the guide whose features are most like its own.",
    "zoom": "Each frame is a dream on the frame before it, moved in by 5 %. The notebook made a hundred, and shows"
    f" frame {FRAMES - 1}.",
}


def page(report: ReproductionReport) -> str:
    """Return the report as HTML."""
    mode = "float64, exact" if report.exact else "float32"
    libraries = "as the libraries of 2015 did it" if report.era == "2015" else "as today's libraries do it"
    parts = [
        "<header>",
        '<p class="over">pydream reproduce</p>',
        f"<h1>{HEADING}</h1>",
        f'<p class="lead">{escaped(report.network.name)} on {escaped(report.sky.name)}: {mode}, {libraries},'
        f" seed {report.seed}.</p>",
        f"<p>{_summary(report)}</p>",
        _table_of_results(report),
        "</header>",
        _inputs(report),
        *(_result(row, report) for row in report.rows),
        _colophon(report),
    ]
    title = f"{HEADING}: {report.network.name}, {mode}"
    return document(title, "\n".join(parts), _STYLE.read_text(encoding="utf-8"))


def _summary(report: ReproductionReport) -> str:
    kinds = [row.verdict.kind for row in report.rows]
    counts = [
        (kinds.count("identical"), "identical"),
        (kinds.count("differs"), "different"),
        (kinds.count("not compared"), "not compared"),
    ]
    text = f"Compared with the known results: {', '.join(f'{count} {what}' for count, what in counts if count)}."
    if report.missing:
        text += f" The run ended early; not made: {', '.join(report.missing)}."
    return text


def _table_of_results(report: ReproductionReport) -> str:
    lines = [
        "<table><thead><tr><th>result</th><th>layer</th><th>compared with the known result</th>"
        '<th class="number">time</th></tr></thead><tbody>'
    ]
    for row in report.rows:
        result, outcome = row.outcome.result, row.outcome
        lines.append(
            f'<tr><th><a href="#{result.key}">{result.title}</a></th>'
            f"<td><code>{escaped(outcome.recipe.end)}</code></td>"
            f'<td>{_verdict_mark(row.verdict)}</td><td class="number">{seconds(outcome.seconds)}</td></tr>'
        )
    return "\n".join([*lines, "</tbody></table>"])


def _verdict_mark(verdict: Verdict) -> str:
    style = {"identical": ' class="good"', "differs": ' class="bad"'}.get(verdict.kind, "")
    return f"<span{style}>{escaped(verdict.kind)}</span>" + (f": {escaped(verdict.whose)}" if verdict.whose else "")


def _inputs(report: ReproductionReport) -> str:
    pictures = [_input(report.sky, "The input picture", _seen(report, report.shares))]
    if report.guide is not None:
        pictures.append(_input(report.guide, "The guide"))
    return f'<section id="inputs"><h2>Inputs</h2><div class="pair">{"".join(pictures)}</div></section>'


def _input(given: Input, what: str, seen: str = "") -> str:
    height, width = given.pixels.shape[:2]
    origin = ", which comes with pydream" if given.ours else ""
    caption = (
        f"{what}: <code>{escaped(given.name)}</code>{origin}, {width}×{height}."
        f' Its pixels: <span class="hash">{given.sha256}</span>'
    )
    return figure(jpeg(given.pixels, 90), f"{what}: {given.name}", caption + seen)


def _seen(report: ReproductionReport, shares: Sequence[Share]) -> str:
    """Return what the network takes a picture for, as HTML; nothing where it has no classes."""
    return f"<br>{escaped(report.network.name)} takes it for{shares_html(shares)}" if shares else ""


def _result(row: Row, report: ReproductionReport) -> str:
    outcome, result = row.outcome, row.outcome.result
    parts = [
        f'<section class="result" id="{result.key}">',
        f'<p class="over">{escaped(outcome.recipe.end)}</p>',
        f"<h2>{result.title}</h2>",
        f"<p>{_NOTES[result.key]}{_stand_in(row, report)}</p>",
        f'<p class="verdict {row.verdict.kind.replace(" ", "-")}">{escaped(_sentence(row.verdict.text))}</p>',
        figure(lossless(outcome.picture), _alt(row, report), _caption(row) + _seen(report, row.shares)),
        _frames(row) if result.loop else _octaves(row, report),
        _timing(outcome),
        _facts(row, report),
        "</section>",
    ]
    return "\n".join(parts)


def _stand_in(row: Row, report: ReproductionReport) -> str:
    recipe, notebooks = row.outcome.recipe, GOOGLENET["4c" if row.outcome.result.loop else row.outcome.result.key]
    if recipe.end == notebooks:
        return ""
    layer, network = escaped(recipe.end), escaped(report.network.name)
    return f" Here <code>{layer}</code> of {network} stands for <code>{notebooks}</code>."


def _alt(row: Row, report: ReproductionReport) -> str:
    return f"{row.outcome.result.title}: {report.sky.name} as {row.outcome.recipe.end} of {report.network.name} sees it"


def _caption(row: Row) -> str:
    outcome = row.outcome
    height, width = outcome.picture.shape[:2]
    if outcome.result.loop:
        which = f"Frame {outcome.shown}"
    elif outcome.interrupted:
        which = f"Interrupted after {outcome.steps} of {outcome.steps_wanted} steps"
    else:
        which = f"The result, which is octave {len(outcome.snapshots)} of {len(outcome.snapshots)}"
    return f"{which}: {width}×{height}, <code>{escaped(row.file)}</code>"


def _octaves(row: Row, report: ReproductionReport) -> str:
    figures = [figure(jpeg(report.sky.pixels, 85), "the picture before the dream", "before")]
    for number, snapshot in enumerate(row.outcome.snapshots):
        height, width = snapshot.picture.shape[:2]
        caption = f"octave {number + 1}: {width}×{height}<br>{_mark(row.verdict, number, snapshot.sha256)}"
        figures.append(figure(jpeg(snapshot.picture, 88), f"octave {number + 1}", caption))
    return f'<div class="strip">{"".join(figures)}</div>'


def _frames(row: Row) -> str:
    figures = []
    for number, snapshot in enumerate(row.outcome.snapshots):
        caption = f"{number} {_mark(row.verdict, number, snapshot.sha256)}"
        style = "shown" if number == row.outcome.shown else ""
        figures.append(figure(jpeg(snapshot.picture, 85), f"frame {number}", caption, style))
    return f'<div class="sheet">{"".join(figures)}</div>'


def _mark(verdict: Verdict, number: int, found: str) -> str:
    """Return the HTML for one octave's or frame's short hash, and whether it is the known one."""
    short = f'<span class="hash" title="{found}">{found[:8]}</span>'
    if verdict.kind == "not compared" or number >= len(verdict.known):
        return short
    if verdict.kind == "identical" or verdict.known[number] == found:
        return f'{short} <span class="good">✓</span>'
    return f'{short} <span class="bad">differs</span>'


def _timing(outcome: Reproduction) -> str:
    side = max(outcome.seconds - outcome.network_seconds, 0.0)
    share = 100 * outcome.network_seconds / outcome.seconds if outcome.seconds else 0.0
    each = f", {outcome.seconds / outcome.steps:.2f} s each" if outcome.steps else ""
    text = (
        f'{seconds(outcome.seconds)}: <span class="key net">{seconds(outcome.network_seconds)} in the network</span>,'
        f' <span class="key">{seconds(side)} on the image side</span>; {outcome.steps} steps{each}'
    )
    alt = f"{share:.0f} % of the time in the network, the rest on the image side"
    bar = f'<rect width="{share:.1f}" height="1"></rect>'
    box = f'viewBox="0 0 100 1" preserveAspectRatio="none" role="img" aria-label="{alt}"'
    return f'<svg class="bar" {box}>{bar}</svg><p>{text}</p>'


def _facts(row: Row, report: ReproductionReport) -> str:
    outcome, recipe = row.outcome, row.outcome.recipe
    facts = [
        ("notebook", f"<code>{escaped(outcome.result.line)}</code>"),
        ("octaves", f"{recipe.octave_n}, scale {recipe.octave_scale:g}: {escaped(row.facts['sizes'])}"),
        ("steps", f"{recipe.iter_n} an octave of size {recipe.step_size:g}, jitter {recipe.jitter}, clipped to 0..255"),
        ("seed", f"{recipe.seed}, of a RandomState for this result only"),
    ]
    if recipe.loop is not None:
        order = "matrix × (o + offset)" if recipe.era == "2015" else "matrix × o + offset"
        facts.append(("between frames", f"scale {recipe.loop.scale:g}, read at {order}"))
        rounded = f"to multiples of {recipe.grid:g} after each step, which 2015 did not do" if recipe.grid else "none"
        facts.append(("rounding", rounded))
    hashes = outcome.hashes
    if hashes and not outcome.interrupted and not outcome.result.loop:
        facts.append(("SHA-256 of its pixels", f'<span class="hash">{hashes[-1]}</span>'))
    if row.verdict.known and not outcome.result.loop and row.verdict.kind != "identical":
        facts.append(("SHA-256 of the known one", f'<span class="hash">{escaped(row.verdict.known[-1])}</span>'))
    return _facts_table(facts)


def _colophon(report: ReproductionReport) -> str:
    network = report.network
    facts = [
        ("command", f"<code>{escaped(report.command)}</code>"),
        ("network", f"{escaped(network.name)} from <code>{escaped(network.weights)}</code>"),
        ("its file", f'SHA-256 <span class="hash">{escaped(network.weights_sha256)}</span>'),
        ("its weights", f'SHA-256 <span class="hash">{escaped(report.weights)}</span>'),
        ("run on", f"{escaped(network.device)}, {escaped(network.dtype)}, {escaped(report.threads)}"),
        ("versions", escaped(", ".join(f"{name} {version}" for name, version in report.versions.items()))),
        ("made", escaped(report.made)),
    ]
    exact = (
        "A dream is chaotic: rounding differences grow with every step. In float64, with max pooling where rounding"
        " does not choose between equal values, a dream ends before an 8-bit picture can show them. The zoom loop is"
        f" longer, so there the exact mode rounds the picture to multiples of {GRID:g} after each step, which 2015 did"
        " not do: differences end with the step, and frame 0 is another dream than the first result. float32 is not"
        " rounded, and its results differ between machines."
    )
    return (
        f'<section id="how"><h2>How it was made</h2>{_facts_table(facts)}<p>{exact}</p></section>'
        "<footer><p>Hashes are of 8-bit RGB pixels, row by row; report.json beside this page has them all.</p></footer>"
    )


def _facts_table(facts: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<tr><th>{name}</th><td>{html}</td></tr>" for name, html in facts)
    return f'<table class="facts"><tbody>{rows}</tbody></table>'


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def seconds(count: float) -> str:
    """Format a time: ``41.3 s``, ``25 min 3 s``."""
    return f"{count // 60:.0f} min {count % 60:.0f} s" if count >= 120 else f"{count:.1f} s"
