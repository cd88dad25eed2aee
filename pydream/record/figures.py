"""Figures show dreams beside each other; what they have in common is said in words."""

from __future__ import annotations

from ..dream.era import MODERN
from ..dream.octaves import sizes_text
from .provenance import Figure


def in_words(figure: Figure) -> str:
    """Describe a figure's parameters, for its caption."""
    recipe, networks, input = figure.recipe, figure.networks, figure.input
    steps = f"{recipe.iter_n} iteration{'s' if recipe.iter_n > 1 else ''} of step {recipe.step_size:g}"
    if recipe.octave_n > 1:
        sizes = f"of {sizes_text(recipe.octave_sizes)}" if recipe.octave_sizes else f"{recipe.octave_scale:g} apart"
        steps += f" in each of {recipe.octave_n} octaves, {sizes}"
    parts = [steps]
    if recipe.rendering is None:
        parts += [f"jitter {recipe.jitter}", "clipped" if recipe.clip else "not clipped"]
    else:
        lap_n = recipe.rendering.lap_n
        levels = "" if lap_n is None else f" with {lap_n} Laplacian level{'' if lap_n == 1 else 's'}"
        parts.insert(0, f"{recipe.rendering.renderer}{levels}")
    parts += [f"resized to {recipe.size[1]}×{recipe.size[0]}"] if recipe.size else []
    parts += [f"caricature, power {recipe.caricature:g}"] if recipe.caricature is not None else []
    guided = "inverting" if recipe.invert else "guided by"
    parts += [f"{guided} {figure.guide.name}"] if figure.guide else []
    retouches = ["robust_scale", "robust_rotate", "smooth", "laplacian", "decorrelate", "tv", "pull_back", "stretch"]
    parts += [f"{name.replace('_', ' ')} {getattr(recipe, name):g}" for name in retouches if getattr(recipe, name)]
    parts += ["seamless"] if recipe.seamless else []
    parts += ["colours decorrelated"] if recipe.in_colors else []
    parts += ["colours kept"] if recipe.keep_colors else []
    parts += [f"only where {figure.mask.name} is white"] if figure.mask else []
    parts += [f"rounded as in {recipe.era}"] if recipe.era != MODERN else []
    names = " and ".join(facts.name for facts in networks)
    return (
        f"{input.name}, {input.width}×{input.height} pixels. {'; '.join(parts)}."
        f" {names} in {networks[0].dtype}, seed {recipe.seed}."
    )
