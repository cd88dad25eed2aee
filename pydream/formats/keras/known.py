"""What a model's file may name: a list of Keras's own layers and their parts that bring neither code nor files.

A name that is not here is refused before Keras sees it, whatever its spelling: versions of Keras differ in what a
configuration can have them import, read, fetch and run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...errors import NetFileError


def _names(*texts: str) -> frozenset[str]:
    return frozenset(" ".join(texts).split())


def _each(kinds: str, ranks: str = "1D 2D 3D") -> str:
    """Return the names of kinds that there are for several numbers of axes."""
    return " ".join(f"{kind}{rank}" for kind in kinds.split() for rank in ranks.split())


# Parts of Keras → what is there. `keras.layers` and `keras.src.layers.core.dense` are the part `layers`.
KNOWN: dict[str, frozenset[str]] = {
    "layers": _names(
        _each("AdaptiveAveragePooling AdaptiveMaxPooling AveragePooling AvgPool Conv ConvLSTM Convolution Cropping"),
        _each("GlobalAveragePooling GlobalAvgPool GlobalMaxPool GlobalMaxPooling MaxPool MaxPooling SpatialDropout"),
        _each("UpSampling ZeroPadding"),
        _each("DepthwiseConv SeparableConv SeparableConvolution", "1D 2D"),
        "Conv1DTranspose Conv2DTranspose Conv3DTranspose",
        "Convolution1DTranspose Convolution2DTranspose Convolution3DTranspose",
        "Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention Average BatchNormalization",
        "Bidirectional CategoryEncoding CenterCrop Concatenate Dense Discretization Dot Dropout ELU EinsumDense",
        "Embedding Flatten GRU GRUCell GaussianDropout GaussianNoise GroupNormalization GroupQueryAttention",
        "HashedCrossing Hashing Identity InputLayer LSTM LSTMCell LayerNormalization LeakyReLU Masking Maximum",
        "MelSpectrogram Minimum MultiHeadAttention Multiply Normalization PReLU Permute RMSNormalization RNN ReLU",
        "RepeatVector Rescaling Reshape Resizing ReversibleEmbedding STFTSpectrogram SimpleRNN SimpleRNNCell Softmax",
        "SpectralNormalization StackedRNNCells Subtract TimeDistributed UnitNormalization Wrapper",
        "AugMix AutoContrast ContrastLimitedAdaptiveHistogramEqualization CutMix Equalization MaxNumBoundingBoxes",
        "MixUp Pipeline RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast",
        "RandomCrop RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue",
        "RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness",
        "RandomShear RandomTranslation RandomZoom Solarization",
    ),
    "models": _names("Functional Model Sequential"),
    "applications": _names("LayerScale StochasticDepth"),  # of ConvNeXt
    "ops": _names(
        "Abs Absolute AdaptiveAveragePool AdaptiveMaxPool Add Amax Amin Arccos Arccosh Arcsin Arcsinh Arctan Arctan2",
        "Arctanh Argmax Argmin Average AveragePool BatchNorm BroadcastTo Cast Cbrt Ceil Celu Clip Concatenate Conv",
        "ConvTranspose ConvertToTensor Copy Cos Cosh CropImages DepthToSpace DepthwiseConv Divide DivideNoNan Dot",
        "DotProductAttention Dstack Einsum Elu Equal Erf Erfc Exp Exp2 ExpandDims Expm1 ExtractPatches Flip Fliplr",
        "Flipud Floor FloorDivide Gelu GetItem Glu Greater GreaterEqual HSVToRGB HardShrink HardSigmoid HardSilu",
        "HardTanh Hstack LayerNorm LeakyRelu Less LessEqual Log Log10 Log1p Log2 LogSigmoid LogSoftmax Logaddexp",
        "LogicalAnd LogicalNot LogicalOr Logsumexp Matmul Max MaxPool Maximum Mean Median Min Minimum Mod Moments",
        "Moveaxis Multiply NanToNum Negative Norm Normalize NotEqual OneHot OnesLike Pad PadImages Power Prod",
        "RGBToGrayscale RGBToHSV RMSNorm Ravel Reciprocal Relu Relu6 Repeat Reshape Resize Roll Round Rsqrt",
        "SaturateCast Selu SeparableConv Sigmoid Sign Silu Sin Sinh Slice SoftShrink Softmax Softplus Softsign",
        "SpaceToDepth SparsePlus SparseSigmoid Sparsemax Split Sqrt Square Squareplus Squeeze Stack Std StopGradient",
        "Subtract Sum Swapaxes Take Tan Tanh TanhShrink Tensordot Threshold Tile Transpose TrueDivide Unstack Var",
        "Vstack Where ZerosLike",
    ),
    "initializers": _names(
        "Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer LecunNormal LecunUniform",
        "Ones Orthogonal OrthogonalInitializer RandomNormal RandomUniform STFT STFTInitializer TruncatedNormal",
        "VarianceScaling Zeros",
    ),
    "regularizers": _names("L1 L1L2 L2 OrthogonalRegularizer"),
    "constraints": _names("MaxNorm MinMaxNorm NonNeg UnitNorm"),
    "dtype_policies": _names("DTypePolicy DTypePolicyMap FloatDTypePolicy"),
}
KNOWN["engine"] = KNOWN["layers"] | KNOWN["models"]  # of Keras 2
KNOWN["mixed_precision"] = _names("Policy")  # of Keras 2

FUNCTIONS = _names(
    "celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear",
    "log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus",
    "sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold",
)
_HAVE_FUNCTIONS = frozenset({"activations", "ops"})

# Values of a configuration that are no classes.
_VALUES = _names("__keras_tensor__ __tensor__ __numpy__ __bytes__ __ellipsis__ __slice__ __tuple__ TensorShape")

# Parts of layers that may be named by a word alone, as `relu`, in Python's spelling or the class's.
_WORDS = frozenset().union(*(KNOWN[part] for part in ("initializers", "regularizers", "constraints"))) | _names(
    "constant glorot_normal glorot_uniform he_normal he_uniform identity lecun_normal lecun_uniform ones one",
    "orthogonal random_normal random_uniform normal uniform stft truncated_normal variance_scaling zeros zero",
    "l1 l1_l2 l1l2 l2 orthogonal_regularizer max_norm min_max_norm non_neg unit_norm",
)

# The reason is another for these.
BRING_CODE_OR_FILES = _names(
    "Lambda __lambda__ TFSMLayer TorchModuleWrapper JaxLayer FlaxLayer",
    "StringLookup IntegerLookup IndexLookup TextVectorization FeatureSpace",
)
_LONGEST = 100  # of a name in a message


def check_config(config: Any, source: str) -> None:
    """Check the configuration of a model from a file.

    Raises
    ------
    NetFileError
        For a class or a function that is not known.
    """
    for each in dicts(config):
        if "class_name" in each:
            _check_object(each, source)
        for key, value in each.items():
            if isinstance(value, str) and key.endswith(("activation", "_initializer", "_regularizer", "_constraint")):
                _check(value in FUNCTIONS if key.endswith("activation") else value in _WORDS, (value,), source)


def _check_object(each: dict[str, Any], source: str) -> None:
    kind, module, registered = each["class_name"], each.get("module"), each.get("registered_name")
    named = (kind, registered, module)
    if not (isinstance(kind, str) and isinstance(module, str | None) and isinstance(registered, str | None)):
        _check(False, named, source)
    if kind == "function":
        name = each.get("config")
        known = module in (None, "builtins", "keras") or _part(module) in _HAVE_FUNCTIONS
        known = known and isinstance(name, str) and name in FUNCTIONS and registered in (None, kind, name)
        _check(known, (name, *named[1:]), source)
    elif kind in _VALUES:
        _check(module is None and registered is None, named, source)
    else:
        parts = KNOWN.values() if module in (None, "builtins", "keras") else [KNOWN.get(_part(module), frozenset())]
        _check(registered in (None, kind) and any(kind in names for names in parts), named, source)


def _check(known: bool, named: Iterable[object], source: str) -> None:
    """Raise the error for an object that has these names, unless it is known."""
    if known:
        return
    shown = [str(name)[:_LONGEST] for name in named if name is not None]
    last = {word for name in shown for word in name.replace(">", ".").split(".")}
    code = min(last & BRING_CODE_OR_FILES, default=None)
    if code is not None:
        raise NetFileError(
            f"{source}: {code!r} brings code or files of its own, which are not run or read; load the model"
            " yourself, if you trust it, and pass load_net the live model"
        )
    kind, *others = shown or ["None"]
    raise NetFileError(
        f"{source}: {kind!r} is not one of Keras's layers ({others[0] if others else kind});"
        f" load the model yourself, keras.models.load_model(file, custom_objects={{{kind!r}: …}}),"
        " and pass load_net the live model"
    )


def _part(module: str) -> str:
    """Return the part of Keras that a module belongs to; empty for a module of another package."""
    parts = [name for name in module.split(".") if name != "src"]
    return parts[1] if len(parts) > 1 and parts[0] in ("keras", "tf_keras") else ""


def dicts(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a configuration."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
