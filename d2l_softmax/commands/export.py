"""The command `export`: write a model as ONNX or safetensors. Needs the extra `export`."""

import argparse
import json
from pathlib import Path

from d2l_softmax.commands.cli import Command, Twins
from d2l_softmax.commands.console import print_out
from d2l_softmax.commands.options import add_model, path
from d2l_softmax.description import Description, save_description
from d2l_softmax.errors import UserError, install_command
from d2l_softmax.io import escape_surrogates, write_atomically
from d2l_softmax.models import get_tensors, load_model
from d2l_softmax.training.evaluation import Model

OPERATOR_SET = 9  # of January 2019, the oldest that current programs read


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


def export(options: argparse.Namespace, twins: Twins) -> None:
    """Write a model as ONNX or safetensors; UserError if a package is missing."""
    model = load_model(options.model, twins["scratch"])
    try:
        content = FORMATS[options.output.suffix](model, model.description)
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{reason}; try {install_command('export')}") from error
    write_atomically(options.output, content)
    if options.output.suffix == ".safetensors":  # the other commands read it, with its model.json
        save_description(options.output, model.description)
    print_out(f"wrote {options.output}")


def to_onnx(model: Model, description: Description) -> bytes:
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


def to_safetensors(model: Model, description: Description) -> bytes:
    """Return a safetensors file: W (d, q) and b (q,) of model.pt, and the content of model.json.

    The weight of nn.Linear is (q, d), the transpose of W:

        tensors = safetensors.torch.load_file("model.safetensors")
        linear.load_state_dict({"weight": tensors["W"].T, "bias": tensors["b"]})
    """
    from safetensors.torch import save

    return save(get_tensors(model), get_metadata(description))


def get_metadata(description: Description) -> dict[str, str]:
    r"""Return the content of model.json with each value as text: JSON, except strings.

    Bytes of a folder's name that are not UTF-8 are written as escapes such as \udcff.
    """
    texts = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in description.to_dict().items()
    }
    return {name: escape_surrogates(text) for name, text in texts.items()}


FORMATS = {".onnx": to_onnx, ".safetensors": to_safetensors}
COMMAND = Command("export", "write a model as ONNX or safetensors", add_options, export)
