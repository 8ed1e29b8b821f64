"""Save and load trained models: model.pt, the same for both twins, and model.json."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from d2l_softmax.data.batches import ArrayLoader
from d2l_softmax.data.custom import load_data
from d2l_softmax.data.fashion_mnist import (
    FASHION_MNIST,
    TEST_BATCH_SIZE,
    load_data_fashion_mnist,
)
from d2l_softmax.description import (
    AS_FASHION_MNIST,
    OF_FASHION_MNIST,
    RESIZED,
    Description,
    ModelFileError,
    load_description,
    save_description,
)
from d2l_softmax.errors import UserError, install_command, program
from d2l_softmax.io import DamagedFileError, read_regular_file, read_saved, write_atomically
from d2l_softmax.training.checkpoint import NAME as CHECKPOINT
from d2l_softmax.training.evaluation import Model

CUSTOM_DATA = "custom data"
MAX_BYTES_PER_NUMBER = 8  # float64
NESTED = ("state_dict", "model_state_dict")  # keys of a state_dict in a checkpoint
MAX_OVERHEAD = 10_000_000  # bytes of a model file besides W and b, such as other layers


class OtherDataError(UserError, ValueError):
    """The given data have another shape or other classes than the model's training data."""


class HiddenModuleError(UserError, ImportError):
    """A user's module would be imported in place of a module of this project."""


def check_not_hidden(*packages: str) -> None:
    """Raise HiddenModuleError if a user's module hides one of the packages.

    Such a module, for example `scratch.py` in the current folder, is not executed.
    """
    for name in packages:
        spec = getattr(sys.modules.get(name), "__spec__", None) or find_spec(name)
        package = Path(__file__).resolve().parents[1] / name
        if spec and spec.origin and Path(spec.origin).resolve().parent != package:
            raise HiddenModuleError(
                f"{spec.origin} hides this project's package {name};",
                "rename that file, or start Python in another folder",
            )


def load_model(
    path: str | os.PathLike,
    twin: ModuleType | None = None,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
) -> Any:
    """Load a trained model, with its `classes`, `shape` and `description`.

    The file is a model of either twin, or the state_dict of a linear layer, such as the book's
    `nn.Sequential(nn.Flatten(), nn.Linear(784, 10))`. A state_dict has one weight (q, d) and one
    bias (q,), with any names, and was written by torch.save or as .safetensors. For a directory,
    the file is its model.pt.

    `model.classes[k]` is the name of class k and `model.shape` the shape of an example.
    `model.description` is the content of model.json beside the file. Without model.json, the model
    is assumed to be for Fashion-MNIST.

    `model(X)` returns scores (n, q); the highest score in a row belongs to the predicted class.
    `model.probabilities(X)` returns probabilities (n, q). X has the dtype of `model.W` and the
    layout of the loaders' batches: images (n, c, h, w) in [0, 1], or features (n, d). Divide uint8
    pixels by 255.

    The model is a `concise.SoftmaxRegression`, an nn.Module whose scores are logits. Pass the
    module `scratch` or `concise` as `twin` to get that twin's class. By default, the dtype is
    float64 for a file in float64, except on "mps", and otherwise float32.

    Raises ModelFileError, a UserError, if the file is missing, or if it or its model.json is
    damaged or not a model. Raises HiddenModuleError if your own `concise.py` hides the package.
    Nothing in the files is executed.
    """
    path = Path(path)
    if os.path.isdir(path):
        path = path / "model.pt"
    if twin is None:
        check_not_hidden("concise")
        import concise  # not at the top: concise imports from this package

        twin = concise
    description = load_description(path)
    shape = description.num_inputs, len(description.classes)
    tensors = read_tensors(path, *shape)
    if dtype is None:
        is_double = any(tensor.dtype == torch.float64 for tensor in tensors.values())
        is_double &= torch.device(device).type != "mps"  # Apple's GPU has no float64
        dtype = torch.float64 if is_double else torch.float32
    model = twin.SoftmaxRegression(*shape, dtype=dtype, device=device)
    with torch.no_grad():
        for name, parameter in (("W", model.W), ("b", model.b)):
            if not parameter.copy_(tensors[name]).isfinite().all():
                raise ModelFileError(f"{path}: {name} has numbers that are not finite")
    model.classes, model.shape = description.classes, description.shape
    model.description = description
    return model


def save_model(
    path: str | os.PathLike,
    model: Model,
    classes: Sequence[str] | None = None,
    shape: Sequence[int] | None = None,
) -> None:
    """Save a model of either twin, and model.json beside it, for `load_model`.

    `classes` are the names of the classes and `shape` is the shape (c, h, w) or (d,) of an example:
    `train_iter.dataset.classes` and `train_iter.dataset.shape`. The defaults are those of a loaded
    model, or else Fashion-MNIST's.

    Raises ModelFileError if the classes or the shape don't fit the model, OutputError if the files
    can't be written.
    """
    path = Path(path)
    description = getattr(model, "description", OF_FASHION_MNIST)
    if classes is not None or shape is not None:
        shape = description.shape if shape is None else tuple(map(int, shape))
        size = (shape[1], shape[2]) if len(shape) == 3 else None
        classes = description.classes if classes is None else tuple(classes)
        description = Description(CUSTOM_DATA, classes, shape, size, RESIZED if size else None)
    try:
        description.check()
        if tuple(model.W.shape) != (description.num_inputs, len(description.classes)):
            raise ValueError
    except (TypeError, ValueError) as error:
        raise ModelFileError(
            f"W has shape {tuple(model.W.shape)}, but classes and shape describe "
            f"{description.in_words()};",
            "pass {classes}, two or more different names, and {shape}, (c, h, w) or (d,)",
        ) from error
    save_description(path, description)
    save_parameters(path, model)


def save_parameters(path: Path, model: Model) -> None:
    """Write W (d, q) and b (q,) of a model of either twin."""
    buffer = io.BytesIO()
    torch.save(get_tensors(model), buffer)
    write_atomically(path, buffer.getvalue())


def get_tensors(model: Model) -> dict[str, Tensor]:
    """Return W (d, q) and b (q,), on the CPU and contiguous."""
    return {name: t.detach().cpu().contiguous() for name, t in (("W", model.W), ("b", model.b))}


def read_tensors(path: Path, d: int, q: int) -> dict[str, Tensor]:
    """Read W (d, q) and b (q,) from a file; ModelFileError for other content."""
    max_bytes = MAX_BYTES_PER_NUMBER * (d + 1) * q + MAX_OVERHEAD
    loaded: Any
    if path.suffix == ".onnx":
        raise ModelFileError(
            f"{path} is for other programs;", "give the model.pt that it was exported from"
        )
    try:
        if path.suffix == ".safetensors":
            loaded = load_safetensors(path, max_bytes)
        else:
            loaded = read_saved(path, max_bytes)
    except FileNotFoundError as error:
        raise ModelFileError(f"there is no model {path}; {suggest_model(path)}") from error
    except OSError as error:
        raise ModelFileError(f"{path} can't be read: {error.strerror}") from error
    except DamagedFileError as error:
        raise ModelFileError(f"{path} is damaged or not a model of this project") from error
    for key in NESTED:
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict) or not all(
        isinstance(name, str) and is_dense_float(tensor) for name, tensor in loaded.items()
    ):
        raise ModelFileError(f"{path} is not a model of this project")
    tensors = loaded if loaded.keys() == {"W", "b"} else from_state_dict(path, loaded)
    for name, shape in (("W", (d, q)), ("b", (q,))):
        if tensors[name].shape != shape:
            raise ModelFileError(
                f"{path}: {name} has shape {tuple(tensors[name].shape)}, expected {shape}"
            )
    return tensors


def suggest_model(path: Path) -> str:
    """Suggest another model in the directory of a missing model file, or else training."""
    others = sorted(each for each in path.parent.glob("*.pt") if each.name != CHECKPOINT)
    if others:
        return f"did you mean {others[0]}?"
    return f"train one first: {program('python')} -m scratch"


def load_safetensors(path: Path, max_bytes: int) -> dict[str, Tensor]:
    """Return the tensors of a .safetensors file; DamagedFileError if it is invalid."""
    content = read_regular_file(path, max_bytes)
    try:
        from safetensors.torch import load
    except ImportError as error:
        raise ModelFileError(
            f"{path} needs safetensors; try {install_command('export')}"
        ) from error
    try:
        return load(content)
    except Exception as error:  # corrupt input can raise arbitrary exceptions
        raise DamagedFileError(str(error)) from error


def from_state_dict(path: Path, state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return W (d, q) and b (q,) from the weight (q, d) and bias (q,) of a linear layer."""
    weights = [tensor for tensor in state_dict.values() if tensor.dim() == 2]
    biases = [tensor for tensor in state_dict.values() if tensor.dim() == 1]
    if len(state_dict) != 2 or [len(each) for each in weights] != [len(each) for each in biases]:
        shapes = ", ".join(f"{name} {tuple(t.shape)}" for name, t in list(state_dict.items())[:6])
        raise ModelFileError(
            f"{path} has {shapes or 'no tensors'}; expected W and b, or one weight (q, d) and one "
            "bias (q,)"
        )
    return {"W": weights[0].T, "b": biases[0]}


def is_dense_float(tensor: object) -> bool:
    """Return True if a value is a dense CPU tensor of 16- to 64-bit floating-point numbers."""
    return (
        isinstance(tensor, Tensor)
        and tensor.layout == torch.strided
        and tensor.device.type == "cpu"
        and not tensor.is_nested
        and tensor.dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    )


# Test data for a model


def load_test_data(
    options: argparse.Namespace,
    description: Description,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> ArrayLoader:
    """Load the test data given by `--dataset` or `--data-dir`, resized for the model.

    Raises OtherDataError if the model was trained on examples of another shape or other classes.
    """
    settings: dict[str, Any] = {"resize": description.resize, "device": device, "dtype": dtype}
    if options.dataset:
        _, test_iter = load_data(options.dataset, TEST_BATCH_SIZE, **settings)
    elif description.pictures == AS_FASHION_MNIST:
        settings["data_dir"] = options.data_dir
        _, test_iter = load_data_fashion_mnist(TEST_BATCH_SIZE, **settings)
    else:
        raise OtherDataError(
            f"the model was trained on {description.data};", "give that data set with {dataset}"
        )
    dataset = test_iter.dataset
    given = description._replace(shape=dataset.shape, classes=dataset.classes)
    if given != description:
        other_names = " with other names" if given.in_words() == description.in_words() else ""
        raise OtherDataError(
            f"{options.dataset or FASHION_MNIST} has {given.in_words()}{other_names}, but the "
            f"model is for {description.in_words()}"
        )
    return test_iter
