"""A model in the formats of other programs: ONNX and safetensors. Needs the extra `export`."""

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from d2l_softmax.description import Description
from d2l_softmax.errors import UserError
from d2l_softmax.training.evaluation import Model

OPERATOR_SET = 9  # of January 2019: the first whose Flatten takes what programs since then read

# Takes X (n, ...) and returns logits (n, q) and probabilities y_hat (n, q).
Exported = Callable[[Tensor], tuple[Tensor, Tensor]]


class ExportError(UserError, RuntimeError):
    """A model can't be exported; the message says why."""


class Format(NamedTuple):
    """How a model is written as the bytes of a file, and made of them again, to be run."""

    write: Callable[[Model, Description], bytes]
    read: Callable[[bytes], Exported]


def to_onnx(model: Model, description: Description) -> bytes:
    """Return an ONNX file: X (n, c, h, w) or (n, d) to logits (n, q) and y_hat (n, q), any n.

    Numbers keep the model's dtype. What model.json says is in `metadata_props`, as JSON.
    """
    from onnx import checker, helper, numpy_helper

    tensors = as_tensors(model)
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
    helper.set_model_props(proto, metadata(description))
    checker.check_model(proto, full_check=True)
    return proto.SerializeToString()


def read_onnx(content: bytes) -> Exported:
    """Return what runs an ONNX file in ONNX Runtime, on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a pool of threads pays for larger models only
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(content, options, providers=providers)

    def run(X: Tensor) -> tuple[Tensor, Tensor]:
        logits, y_hat = session.run(["logits", "y_hat"], {"X": X.numpy()})
        return torch.from_numpy(logits), torch.from_numpy(y_hat)

    return run


def to_safetensors(model: Model, description: Description) -> bytes:
    """Return a safetensors file: W (d, q) and b (q,) as in model.pt, and what model.json says.

    nn.Linear keeps its weight as (q, d), so it takes the transpose:

        tensors = safetensors.torch.load_file("model.safetensors")
        linear.load_state_dict({"weight": tensors["W"].T, "bias": tensors["b"]})
    """
    from safetensors.torch import save

    return save(as_tensors(model), metadata(description))


def read_safetensors(content: bytes) -> Exported:
    """Return what runs a safetensors file in torch.nn, as the docstring above loads it."""
    from safetensors.torch import load

    tensors = load(content)
    linear = nn.utils.skip_init(nn.Linear, *tensors["W"].shape, dtype=tensors["W"].dtype)
    linear.load_state_dict({"weight": tensors["W"].T, "bias": tensors["b"]})

    def run(X: Tensor) -> tuple[Tensor, Tensor]:
        logits = linear(X.flatten(1))
        return logits, logits.softmax(dim=1)

    return run


FORMATS = {
    ".onnx": Format(to_onnx, read_onnx),
    ".safetensors": Format(to_safetensors, read_safetensors),
}


def as_tensors(model: Model) -> dict[str, Tensor]:
    """Return W (d, q) and b (q,), on the CPU and contiguous."""
    return {name: t.detach().cpu().contiguous() for name, t in (("W", model.W), ("b", model.b))}


def metadata(description: Description) -> dict[str, str]:
    """Return what model.json says, as texts; what is no text there is JSON."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in description.to_dict().items()
    }


@contextlib.contextmanager
def needing_the_extra() -> Iterator[None]:
    """Turn a failed import into an ExportError that says how to install what is missing."""
    try:
        yield
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise ExportError(f"{reason};", "pip install 'd2l_softmax[export]'") from error
