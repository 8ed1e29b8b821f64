"""Models as ONNX and safetensors: the numbers that other programs compute, and metadata."""

import json
import re
import sys
from importlib.metadata import requires

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from conftest import TWINS
from safetensors import safe_open

import d2l_softmax as d2l
from d2l_softmax import __main__ as d2l_main
from d2l_softmax.description import OF_FASHION_MNIST, RESIZED, Description, save_description
from d2l_softmax.errors import PACKAGES
from d2l_softmax.models import save_parameters

DTYPES = {"float32": 1e-6, "float64": 1e-14}
KINDS = {
    "Fashion-MNIST": OF_FASHION_MNIST,
    "pictures": Description("flowers", ("rose", "tulip", "玫瑰"), (3, 5, 4), (5, 4), RESIZED),
    "features": Description("wine", ("red", "white"), (6,), None, None),
}


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a model with random weights and its description."""

    def write(twin=TWINS["scratch"], description=OF_FASHION_MNIST, dtype="float32"):
        model = twin.SoftmaxRegression(
            description.num_inputs,
            len(description.classes),
            dtype=getattr(torch, dtype),
            generator=torch.Generator().manual_seed(0),
        )
        with torch.no_grad():
            model.W.mul_(10)
            model.b.copy_(torch.arange(len(model.b)) / 4)
        save_parameters(tmp_path / "model.pt", model)
        save_description(tmp_path / "model.pt", description)
        return model

    return write


@pytest.fixture
def run(tmp_path):
    """Return a function that exports the model to a file; it returns the exit status."""
    return lambda name: d2l_main.main(["export", str(tmp_path / "model.pt"), str(tmp_path / name)])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_other_programs_compute_the_same_numbers(twin, dtype, kind, write, run, tmp_path):
    model, tolerance = write(twin, KINDS[kind], dtype), DTYPES[dtype]
    assert run("model.onnx") == run("model.safetensors") == 0
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert session.get_inputs()[0].shape == ["n", *KINDS[kind].shape]
    rng = np.random.default_rng(1)
    for n in (1, 7, 256):
        X = rng.random((n, *KINDS[kind].shape)).astype(dtype)
        logits, y_hat = session.run(["logits", "y_hat"], {"X": X})
        assert y_hat.dtype == dtype
        expected = model.probabilities(torch.from_numpy(X)).detach().numpy()
        np.testing.assert_allclose(y_hat, expected, rtol=0, atol=tolerance)
        W, b = (each.detach().numpy() for each in (model.W, model.b))
        np.testing.assert_allclose(logits, X.reshape(n, -1) @ W + b, rtol=0, atol=10 * tolerance)
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        assert tuple(json.loads(file.metadata()["classes"])) == KINDS[kind].classes
    assert tensors.keys() == {"W", "b"}
    assert tensors["W"].dtype == getattr(torch, dtype)
    assert torch.equal(tensors["W"], model.W)
    assert torch.equal(tensors["b"], model.b)


def test_onnx_metadata(write, run, tmp_path):
    write(description=KINDS["pictures"])
    assert run("model.onnx") == 0
    proto = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(proto, full_check=True)
    assert [node.op_type for node in proto.graph.node] == ["Flatten", "Gemm", "Softmax"]
    assert proto.opset_import[0].version == 9
    said = {prop.key: prop.value for prop in proto.metadata_props}
    assert (said["data"], said["pictures"]) == ("flowers", "resized")
    assert json.loads(said["classes"]) == ["rose", "tulip", "玫瑰"]
    assert json.loads(said["shape"]) == [3, 5, 4]
    assert json.loads(said["scale"]) == 1 / 255


def test_an_exported_safetensors_file_is_a_model(write, run, tmp_path):
    write(description=KINDS["features"])
    assert run("other.safetensors") == 0
    assert d2l.load_model(tmp_path / "other.safetensors").description == KINDS["features"]


@pytest.mark.parametrize(
    ("package", "command", "needed"),
    [
        ("onnx", "export model.pt new.onnx", "onnx safetensors"),
        ("safetensors", "export model.pt new.safetensors", "onnx safetensors"),
        ("safetensors", "evaluate other.safetensors", "onnx safetensors"),
        ("pyarrow", "train --dataset=train.parquet", "pyarrow"),
    ],
)
def test_a_missing_package_names_what_to_install(
    package, command, needed, write, tmp_path, monkeypatch, error_line
):
    write()
    for name in ("other.safetensors", "train.parquet"):
        (tmp_path / name).write_bytes(b"content")
    monkeypatch.chdir(tmp_path)
    for module in [package, *(each for each in sys.modules if each.startswith(f"{package}."))]:
        monkeypatch.setitem(sys.modules, module, None)
    error = error_line(1, d2l_main.main, command.split())
    assert f"{command.split()[0]}: error: " in error
    assert package in error
    assert error.endswith(f"python -m pip install {needed}")
    assert not list(tmp_path.glob("new.*"))


@pytest.mark.parametrize("extra", PACKAGES)
def test_packages_to_install_are_those_of_the_extra(extra):
    needed = [each for each in requires("d2l_softmax") if each.endswith(f'extra == "{extra}"')]
    assert {re.split("[><=;]", each)[0] for each in needed} == set(PACKAGES[extra].split())


@pytest.mark.parametrize("name", ["model.pt", "model", "model.onnx.txt", ""])
def test_another_ending_is_refused(name, error_line):
    error = error_line(2, d2l_main.main, ["export", "model.pt", name])
    assert re.search(".onnx or .safetensors" if name else "expected a path", error)
