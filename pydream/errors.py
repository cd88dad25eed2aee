"""Every exception that pydream raises about its input: one printable line of text that says what would work."""

from __future__ import annotations

DISTRIBUTION = "pydeepdream"  # the name to install; on PyPI `pydream` is another project


def pip_install(extra: str) -> str:
    """Return the command that installs an extra."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


class PydreamError(Exception):
    """Base of every error that pydream raises about its input; its text is one line."""


class NetFileError(PydreamError, ValueError):
    """A network's file or registry entry cannot be used."""


class FetchError(PydreamError, OSError):
    """A file cannot be downloaded from any of its URLs, or is not the one that the registry describes."""


class UnknownNameError(PydreamError, KeyError):
    """There is no blob, layer or network of that name; the text lists similar ones."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would show the repr


class ParameterError(PydreamError, ValueError):
    """A parameter has a wrong value, or does not go with another.

    Attributes
    ----------
    parameter : str
        Its name; the option of the command line has the same.
    problem : str
    """

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(parameter, problem)  # as it is unpickled with
        self.parameter, self.problem = parameter, problem

    def __str__(self) -> str:
        return f"{self.parameter}: {self.problem}"


class ShapeError(PydreamError, ValueError):
    """A shape does not fit: a blob is too small for a layer, a layer has a fixed size, a sheet is too large."""


class PluginError(PydreamError, ValueError):
    """An installed package adds a runtime that cannot be used."""


class ExportError(PydreamError, ValueError):
    """A step cannot be written as an ONNX graph; the text names the layer that is the reason."""


class MemoryTooSmallError(PydreamError, ValueError):
    """A picture does not fit into the memory limit, or TensorFlow into what a limit leaves."""


class ZeroGradientError(PydreamError, ArithmeticError):
    """The gradient is zero or not finite, so the step cannot be normalised by its mean."""


class SilentScoreError(ZeroGradientError):
    """The picture did not change the score of a rendering: the gradient was zero at every step."""


class ImageFileError(PydreamError, ValueError):
    """A picture cannot be read or written."""


class PydreamWarning(UserWarning):
    """Base of every warning that pydream gives about its input; its text is one line."""


class DamagedPictureWarning(PydreamWarning):
    """A picture was read from a file that is damaged: some of its pixels are wrong."""


class AnimationWarning(PydreamWarning):
    """Only the first frame of an animation was read."""


class UnitRangeWarning(PydreamWarning):
    """A picture of floats has all its pixels within 0..1, where 0..255 is expected."""


class IgnoredProfileWarning(PydreamWarning):
    """A picture's colours were read as sRGB, since its colour profile cannot be used."""


class DreamInterruptedWarning(PydreamWarning):
    """A dream was interrupted, and is returned as far as it came."""


class LeftOutWarning(PydreamWarning):
    """Some of a network's layers cannot be run, and are left out with all that is made of them."""


class UnlikeCaffeWarning(PydreamWarning):
    """Caffe's gradient of a network may be another: its layers in place overwrite what others read back."""


class VideoFileError(PydreamError, ValueError):
    """A film cannot be read or written."""


class MissingExtraError(PydreamError, ImportError):
    """A package that is needed, such as one of an extra, is not installed; the text says how to install it."""


class ProvenanceError(PydreamError, ValueError):
    """A picture has no record of how it was made, or one that cannot be used."""


class CheckpointError(PydreamError, ValueError):
    """A zoom loop or a film cannot be resumed from the files of an earlier run."""


class OverwriteError(PydreamError, RuntimeError):
    """A file that is read would be written over."""


class BusyError(PydreamError, RuntimeError):
    """Another run writes the same folder or file."""


class ForeignFileError(PydreamError, ValueError):
    """A file has the name of a result and is something else, which would be lost."""


class DeviceError(PydreamError, RuntimeError):
    """The requested device does not exist."""


class NetInUseError(PydreamError, RuntimeError):
    """A net is used by two threads at once."""


class ForkError(PydreamError, RuntimeError):
    """A forked process uses a library whose threads only the process that it was forked from has."""


class ResultsDifferError(PydreamError, ArithmeticError):
    """Two implementations that are to be timed against each other do not compute the same."""


class BenchError(PydreamError, RuntimeError):
    """A measurement could not be made."""


class ClusterError(PydreamError, RuntimeError):
    """Workers cannot be started, do not answer, or would compute something else."""


class WorkerDiedError(PydreamError, RuntimeError):
    """A task killed one worker after the other."""


class StudioError(PydreamError, RuntimeError):
    """What a client of the studio asks for cannot be done.

    Attributes
    ----------
    status : int
        That of the answer over HTTP.
    """

    def __init__(self, line: str, status: int = 400) -> None:
        super().__init__(line)
        self.status = status


MOST_SHOWN = 2000  # characters of a line


def shortened(text: str) -> str:
    """Return a line without the middle of what is too long to be read. Names in files may have any length."""
    if len(text) <= MOST_SHOWN:
        return text
    return f"{text[: MOST_SHOWN // 2]} […{len(text) - MOST_SHOWN} characters…] {text[-MOST_SHOWN // 2 :]}"


def printable(text: str, keep: str = "") -> str:
    r"""Escape control characters, which a terminal would obey: ``\x1b``. Names in files are untrusted text."""
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)
