"""To freeze a network is to make a GraphDef that holds its weights: of a Keras model, its file, or a SavedModel."""

from __future__ import annotations

from pathlib import Path

from .frozen import Frozen
from .keras_model import SUFFIXES, freeze_model, is_keras_model, read_keras
from .saved_model import GRAPH_FILE, VARIABLES, freeze_saved_model

__all__ = [
    "GRAPH_FILE",
    "SUFFIXES",
    "VARIABLES",
    "Frozen",
    "freeze_file",
    "freeze_model",
    "is_keras_model",
    "to_be_frozen",
]


def to_be_frozen(path: Path) -> bool:
    """Tell by its name whether a file is a Keras model, or a SavedModel's graph."""
    return path.suffix in SUFFIXES or path.name == GRAPH_FILE


def freeze_file(path: Path) -> Frozen:
    """Freeze what `to_be_frozen` tells; `NetFileError` where it cannot be."""
    return freeze_model(read_keras(path)) if path.suffix in SUFFIXES else freeze_saved_model(path.parent)
