"""A network and a picture → what the network takes the picture for: its classes, the most probable first."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np

from ..caffe.resizing import middle, resize_image
from ..dream.images import as_image, check_image
from ..dream.labels import class_names
from ..dream.octaves import Size
from ..errors import NetFileError, ShapeError, UnknownNameError
from ..media import Share
from ..net import Array, Net, in_one_thread
from ..picture import Picture
from ..runtime.ends import ends_in_sigmoid
from ..runtime.net import Net as LocalNet
from ..table import percentage
from .inputs import Given, Input

_IMAGENET = 224  # pixels: the input of a network that declares no size
_CANONICAL = 256  # pixels: the side of the pictures that Caffe's networks of 224 and 227 are trained on


class Prediction(NamedTuple):
    """A class, as a network predicts it.

    Attributes
    ----------
    number : int
    name : str or None
        None: no names are known for a network with so many classes.
    probability : float
    """

    number: int
    name: str | None
    probability: float

    @property
    def shown(self) -> str:
        """The name, or the number in its place."""
        return f"class {self.number}" if self.name is None else self.name


class Seen(NamedTuple):
    """What a network takes a picture for: the probability of each of its classes."""

    network: str
    picture: str
    chances: Array

    @classmethod
    def by(cls, net: Net, name: str, picture: Picture) -> Self:
        """Show a network a picture of that name; errors are those of `classify`."""
        return cls(net.name, name, probabilities(net, picture))

    @classmethod
    def if_any(cls, net: Net, name: str, picture: Picture) -> Self | None:
        """Do the same; return None where the network has no classes, or no probabilities for such a picture."""
        try:
            return cls.by(net, name, picture)
        except (NetFileError, ShapeError, UnknownNameError):
            return None

    def best(self, top: int) -> list[Prediction]:
        """Return the most probable classes."""
        return most_probable(self.chances, top)

    def shares(self, top: int, before: Seen | None = None) -> list[Share]:
        """Return the most probable classes as bars, with what they had in a picture `before`."""
        return [
            Share(each.shown, each.probability, None if before is None else float(before.chances[each.number]))
            for each in self.best(top)
        ]

    def classes(self, top: int, before: Seen | None = None) -> list[dict[str, Any]]:
        """Return the most probable classes for JSON, with what they had in a picture `before`."""
        found = [each._asdict() for each in self.best(top)]
        if before is not None:
            for each in found:
                each["before"] = float(before.chances[each["number"]])
        return found

    def as_json(self, top: int) -> dict[str, Any]:
        """Return it with the most probable classes, for JSON."""
        return {"network": self.network, "picture": self.picture, "classes": self.classes(top)}

    def line(self, top: int) -> str:
        """Return the most probable classes as a sentence."""
        classes = (f"{each.shown} ({percentage(each.probability, 1)})" for each in self.best(top))
        return f"{self.network} takes {self.picture} for {', '.join(classes)}."


def classify(net: Net, picture: Given, *, top: int = 5, size: Size | None = None) -> list[Prediction]:
    """Return a network's most probable classes for a picture, as Caffe's ``classify.py --center_only`` does.

    The whole picture is resized to 256x256 pixels, whatever its shape, and the network sees the middle 224x224 or
    227x227: see `seen`. The probabilities are the softmax of `Net.logits`, in double precision, so that those of all
    classes add up to 1; of a network that ends in a sigmoid, or has one class, each is a sigmoid of its own. Where the
    network classifies every place of a map, they are the mean over the places.

    Parameters
    ----------
    net : Net
        A classifier.
    picture : path, PIL.Image.Image or array_like
        As for `dream_picture`.
    top : int
        Number of classes, at least 1; a network may have fewer.
    size : (int, int), optional
        Height and width of the network's input. None: what the network declares, or 224x224 where it declares nothing,
        as a live PyTorch module.

    Returns
    -------
    list of Prediction
        (number, name, probability), the most probable first; of equally probable ones the smaller number.

    Raises
    ------
    UnknownNameError
        The network has no classes.
    ImageFileError, ParameterError
        The picture is none.
    ShapeError
        The network takes no pictures of that size.
    NetFileError
        The network's numbers are not finite.
    ValueError
        `top` is less than 1.
    """
    if top < 1:
        raise ValueError(f"top: {top}, expected at least 1")
    return most_probable(probabilities(net, Input.of(picture, "picture").pixels, size), top)


def most_probable(chances: Array, top: int) -> list[Prediction]:
    """Return the `top` largest of the probabilities of all classes, with their names."""
    names = class_names(len(chances))
    order = np.argsort(-chances, kind="stable")[:top]
    return [Prediction(int(i), None if names is None else names[i], float(chances[i])) for i in order]


@in_one_thread
def probabilities(net: Net, picture: Picture, size: Size | None = None) -> Array:
    """Return the probability of each class, (classes,) float64; the arguments are those of `classify`."""
    check_classes(net)
    check_image(net)
    assert net.logits is not None
    layer, _ = net.logits
    image = seen(picture, size or declared_size(net))
    net.resize(*image.shape[:2])
    net.image.data[0] = as_image(net, image)
    numbers = np.asarray(net.forward(end=layer)[layer][0], np.float64)
    if not np.isfinite(numbers).all():
        raise NetFileError(f"{net.name} has NaN or infinity in {layer!r}, of which no probabilities can be made")
    if len(numbers) == 1 or (isinstance(net, LocalNet) and ends_in_sigmoid(net.graph)):
        chances = np.exp(-np.logaddexp(0, -numbers))  # 1 / (1 + exp(-x)), without an overflow
    else:
        chances = np.exp(numbers - numbers.max(0))
        chances /= chances.sum(0)
    found: Array = chances.reshape(len(chances), -1).mean(1)
    return found


def check_classes(net: Net) -> None:
    """Raise `UnknownNameError` for a network without classes."""
    if net.logits is None:
        raise UnknownNameError(f"{net.name} has no classes: it ends in no softmax, sigmoid or fully connected layer")


def seen(picture: Picture, size: Size) -> Array:
    """Return what a network of that input size sees of a picture, as Caffe resizes it.

    Each side is resized to 256 pixels for an input of 224 or 227, of which the middle is seen, as in Caffe's tests of
    its networks; to 8/7 of a larger input, which is the same share; and to a smaller input, as of digits, itself.

    Parameters
    ----------
    picture : (h, w, 3) array
    size : (int, int)
        Height and width of the network's input.

    Returns
    -------
    (size[0], size[1], 3) float32 array
    """
    resized = resize_image(picture, [_resized_side(side) for side in size])
    y, x = middle(resized.shape, size)
    return resized[y : y + size[0], x : x + size[1]]


def _resized_side(side: int) -> int:
    if side < _IMAGENET:
        return side
    return _CANONICAL if side < _CANONICAL else round(side * _CANONICAL / _IMAGENET)


def declared_size(net: Net) -> Size:
    """Return the height and width of the pictures that a network was made for."""
    if not isinstance(net, LocalNet):
        return _IMAGENET, _IMAGENET
    height, width = net.graph.declared[net.image_input][2:]
    return height, width
