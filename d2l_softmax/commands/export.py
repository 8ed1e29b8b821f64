"""The command `export`: write a model as ONNX or safetensors. Needs the extra `export`."""

import argparse
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from d2l_softmax.commands.cli import Command, Twins
from d2l_softmax.commands.console import print_out
from d2l_softmax.commands.options import add_model, add_settings, path
from d2l_softmax.data.sources import is_available
from d2l_softmax.description import AS_FASHION_MNIST, Description, save_description
from d2l_softmax.errors import UserError, install_command
from d2l_softmax.io import write_atomically
from d2l_softmax.models import load_model, load_test_data
from d2l_softmax.training.agreement import largest_difference
from d2l_softmax.training.evaluation import Model

BATCH_SIZES = (1, 7, 256)  # exported models take any number of examples
TOLERANCES = {torch.float32: 1e-5, torch.float64: 1e-12}
OPERATOR_SET = 9  # of January 2019, the oldest that current programs read

# A function of X (n, ...) that returns logits (n, q) and probabilities y_hat (n, q)
Predictor = Callable[[Tensor], tuple[Tensor, Tensor]]


class ExportError(UserError, RuntimeError):
    """A model can't be exported; the message says why."""


class Format(NamedTuple):
    """A file format: functions that write a model as bytes, and load bytes as a Predictor."""

    write: Callable[[Model, Description], bytes]
    load: Callable[[bytes], Predictor]


def export_path(text: str) -> Path:
    """Return a path with the extension of one of FORMATS; ArgumentTypeError for others."""
    if path(text).suffix not in FORMATS:
        raise argparse.ArgumentTypeError(f"{text!r} does not end in {' or '.join(FORMATS)}")
    return path(text)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_model(parser)
    what = f"file to write, {' or '.join(FORMATS)}; replaced if it exists"
    parser.add_argument("output", type=export_path, metavar="FILE", help=what)
    add_settings(parser, "data_dir", "dataset")


def export(options: argparse.Namespace, twins: Twins) -> None:
    """Write a model as ONNX or safetensors, after verifying the exported model's outputs.

    Raises ExportError if the outputs differ from the model's, or if a package is missing.
    """
    model = load_model(options.model, twins["scratch"])
    description, dtype = model.description, model.W.dtype
    write, load = FORMATS[options.output.suffix]
    try:
        content = write(model, description)
        predict = load(content)
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise ExportError(f"{reason}; try {install_command('export')}") from error
    batches = itertools.chain(
        random_inputs(description, dtype), test_inputs(options, description, dtype)
    )
    number, difference = verify(model, predict, batches)
    write_atomically(options.output, content)
    if options.output.suffix == ".safetensors":  # the other commands read it, with its model.json
        save_description(options.output, description)
    num_random = sum(BATCH_SIZES)
    examples = f"{num_random} random examples"
    if number > num_random:
        examples = f"{num_random} random and {number - num_random:,} test examples"
    print_out(
        f"wrote {options.output}; on {examples} it differs from the model by at most "
        f"{difference:.1e}"
    )


def random_inputs(description: Description, dtype: torch.dtype) -> Iterator[Tensor]:
    """Yield random batches X (n, ...): pixels uniform in [0, 1], or standard normal features."""
    draw = torch.rand if description.has_images else torch.randn
    generator = torch.Generator().manual_seed(0)
    for size in BATCH_SIZES:
        yield draw((size, *description.shape), dtype=dtype, generator=generator)


def test_inputs(
    options: argparse.Namespace, description: Description, dtype: torch.dtype
) -> Iterator[Tensor]:
    """Yield batches X (n, ...) of --dataset or Fashion-MNIST; none if they are not available."""
    is_fashion_mnist = description.pictures == AS_FASHION_MNIST
    if options.dataset or (is_fashion_mnist and is_available(options.data_dir)):
        for X, _ in load_test_data(options, description, dtype=dtype):
            yield X


def verify(model: Model, predict: Predictor, batches: Iterable[Tensor]) -> tuple[int, float]:
    """Compare an exported model with the model; return the number of examples and the difference.

    The difference is the largest in logits or probabilities. It is divided by the largest logit if
    that is above 1, because rounding errors grow with the logits. Raises ExportError if the
    difference exceeds rounding error.
    """
    tolerance = TOLERANCES[model.W.dtype]
    number, largest = 0, 0.0
    for X in batches:
        logits = X.flatten(1) @ model.W + model.b
        expected = torch.cat([logits, model.probabilities(X)], dim=1)
        difference = largest_difference(torch.cat(predict(X), dim=1), expected)
        difference /= max(1.0, float(logits.abs().max()))
        if not difference <= tolerance:  # NaN, too
            raise ExportError(
                f"the exported model differs by {difference:.1e}, expected at most "
                f"{tolerance:.0e}; nothing was written"
            )
        number, largest = number + len(X), max(largest, difference)
    return number, largest


# Formats


def write_onnx(model: Model, description: Description) -> bytes:
    """Return the model as an ONNX file, which maps X to logits (n, q) and y_hat (n, q) for any n.

    X has shape (n, c, h, w) or (n, d). Numbers keep the model's dtype. `metadata_props` has the
    content of model.json.
    """
    from onnx import checker, helper, numpy_helper

    tensors = get_tensors(model)
    kind = helper.np_dtype_to_tensor_dtype(tensors["W"].numpy().dtype)
    classes = len(description.classes)
    what = "pixels / 255, in [0, 1]" if description.has_images else "features"
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["X"], ["x"], axis=1),  # (n, c, h, w) -> (n, d)
            helper.make_node("Gemm", ["x", "W", "b"], ["logits"]),  # (n, d) @ (d, q) + (q,)
            helper.make_node("Softmax", ["logits"], ["y_hat"], axis=1),  # (n, q) -> (n, q)
        ],
        "softmax_regression",
        [helper.make_tensor_value_info("X", kind, ["n", *description.shape], what)],
        [helper.make_tensor_value_info(name, kind, ["n", classes]) for name in ("logits", "y_hat")],
        [numpy_helper.from_array(tensor.numpy(), name) for name, tensor in tensors.items()],
    )
    operators = [helper.make_opsetid("", OPERATOR_SET)]
    proto = helper.make_model(
        graph,
        opset_imports=operators,
        ir_version=helper.find_min_ir_version_for(operators),
        producer_name="d2l_softmax",
    )
    helper.set_model_props(proto, get_metadata(description))
    checker.check_model(proto, full_check=True)
    return proto.SerializeToString()


def load_onnx(content: bytes) -> Predictor:
    """Load an ONNX file into ONNX Runtime, on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # as in training: the model is small
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(content, options, providers=providers)

    def predict(X: Tensor) -> tuple[Tensor, Tensor]:
        logits, y_hat = session.run(["logits", "y_hat"], {"X": X.numpy()})
        return torch.from_numpy(logits), torch.from_numpy(y_hat)

    return predict


def write_safetensors(model: Model, description: Description) -> bytes:
    """Return a safetensors file: W (d, q) and b (q,) of model.pt, and the content of model.json.

    The weight of nn.Linear is (q, d), the transpose of W:

        tensors = safetensors.torch.load_file("model.safetensors")
        linear.load_state_dict({"weight": tensors["W"].T, "bias": tensors["b"]})
    """
    from safetensors.torch import save

    return save(get_tensors(model), get_metadata(description))


def load_safetensors(content: bytes) -> Predictor:
    """Load a safetensors file into nn.Linear, as in the docstring of write_safetensors."""
    from safetensors.torch import load

    tensors = load(content)
    linear = nn.utils.skip_init(nn.Linear, *tensors["W"].shape, dtype=tensors["W"].dtype)
    linear.load_state_dict({"weight": tensors["W"].T, "bias": tensors["b"]})

    def predict(X: Tensor) -> tuple[Tensor, Tensor]:
        logits = linear(X.flatten(1))
        return logits, logits.softmax(dim=1)

    return predict


def get_tensors(model: Model) -> dict[str, Tensor]:
    """Return W (d, q) and b (q,), on the CPU and contiguous."""
    return {name: t.detach().cpu().contiguous() for name, t in (("W", model.W), ("b", model.b))}


def get_metadata(description: Description) -> dict[str, str]:
    r"""Return the content of model.json with each value as text: JSON, except strings.

    Bytes of a folder's name that are not UTF-8 are written as escapes such as \udcff.
    """
    texts = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in description.to_dict().items()
    }
    return {k: text.encode("utf-8", "backslashreplace").decode() for k, text in texts.items()}


FORMATS = {
    ".onnx": Format(write_onnx, load_onnx),
    ".safetensors": Format(write_safetensors, load_safetensors),
}
COMMAND = Command("export", "write a model as ONNX or safetensors", add_options, export)
