"""What goes wrong with a user's input, each told in one line that names what would work."""

from __future__ import annotations

DISTRIBUTION = "pydeepdream"  # the name to install; on PyPI `pydream` is another project


def pip_install(extra: str) -> str:
    """Return the command that installs an extra."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


class PydreamError(Exception):
    """Base of every error that pydream raises about its input; its text is one line."""


class NetFileError(PydreamError, ValueError):
    """A prototxt, caffemodel or registry entry cannot be used."""


class FetchError(PydreamError, OSError):
    """A file could not be had from any of its addresses, or is not what the registry says."""


class UnknownNameError(PydreamError, KeyError):
    """No blob, layer or network of that name; the text lists close ones."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would show the repr


class ShapeError(PydreamError, ValueError):
    """A blob's shape does not fit a layer: too small, or of another size than the layer is fixed to."""


class MemoryTooSmallError(PydreamError, ValueError):
    """A picture does not fit into the memory that was given, or TensorFlow into what a limit leaves."""


class ZeroGradientError(PydreamError, ArithmeticError):
    """The gradient is zero or not finite, so the step cannot be normalised by its mean."""


class SilentScoreError(ZeroGradientError):
    """Nothing in the picture moved the score of a rendering: the gradient was zero at every step."""


class ImageFileError(PydreamError, ValueError):
    """A picture cannot be read or written."""


class VideoFileError(PydreamError, ValueError):
    """A film cannot be read or written."""


class MissingExtraError(PydreamError, ImportError):
    """A package is not installed that only one extra of pydream's needs; the text says how to have it."""


class ProvenanceError(PydreamError, ValueError):
    """A picture does not say how it was made, or says it in a way that cannot be used."""


class CheckpointError(PydreamError, ValueError):
    """A zoom loop or a film cannot go on from what it left."""


class DeviceError(PydreamError, RuntimeError):
    """The device that was asked for is not there."""


class ResultsDifferError(PydreamError, ArithmeticError):
    """What is to be timed against each other does not compute the same."""


class BenchError(PydreamError, RuntimeError):
    """A measurement could not be made."""


class ClusterError(PydreamError, RuntimeError):
    """Workers cannot be had, do not answer, or would compute something else."""


class WorkerDiedError(PydreamError, RuntimeError):
    """One worker after the other died of a task."""
