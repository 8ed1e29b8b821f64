"""load_model and save_model, for both twins and for custom data."""

import json
import math
import subprocess
import sys

import pytest
import torch
from conftest import TWINS, write_pictures
from torch import nn

import concise
import d2l_softmax as d2l
import scratch
from d2l_softmax import __main__ as d2l_main
from d2l_softmax import load_model
from d2l_softmax.commands.options import parse
from d2l_softmax.commands.train import photographs_of_recipe
from d2l_softmax.data.fashion_mnist import CLASSES
from d2l_softmax.description import OF_FASHION_MNIST, PHOTOGRAPHS, Photographs
from d2l_softmax.errors import UserError
from d2l_softmax.models import ModelFileError
from d2l_softmax.training.history import load_history

FLOWERS = ("rose", "tulip", "玫瑰")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.pt"


def test_a_runs_model_is_loaded_with_its_classes(trained, real_data):
    model = d2l.load_model(trained / "model.pt")
    assert isinstance(model, concise.SoftmaxRegression)
    assert (model.classes, model.shape) == (CLASSES, (1, 28, 28))
    _, test_iter = d2l.load_data_fashion_mnist(1000)
    history = load_history(trained / "history.csv")
    assert d2l.evaluate_accuracy(model, test_iter) == history[-1].test_acc
    X, _ = next(iter(test_iter))
    assert [model.classes[k] for k in model(X[:2]).argmax(dim=1)] == ["ankle boot", "pullover"]


@pytest.mark.parametrize("reader", [None, *TWINS])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_either_twins_model_is_read_as_either(twin, reader, dtype, path, generator):
    model = twin.SoftmaxRegression(dtype=dtype, generator=generator)
    d2l.save_model(path, model)
    loaded = d2l.load_model(str(path), TWINS.get(reader))
    assert isinstance(loaded, TWINS.get(reader, concise).SoftmaxRegression)
    assert loaded.W.dtype == dtype
    assert d2l.load_model(path, dtype=torch.float64).W.dtype == torch.float64
    assert torch.equal(loaded.W, model.W)
    assert torch.equal(loaded.b, model.b)
    X = torch.rand(3, 1, 28, 28, dtype=dtype, generator=generator)
    torch.testing.assert_close(loaded.probabilities(X), model.probabilities(X))


@pytest.mark.parametrize("shape", [(3, 4, 5), (60,)], ids=["images", "features"])
def test_custom_classes_and_shape_are_kept(shape, path, tmp_path):
    d2l.save_model(path, scratch.SoftmaxRegression(60, 3), FLOWERS, shape)
    model = d2l.load_model(path)
    assert (model.classes, model.shape) == (FLOWERS, shape)
    d2l.save_model(tmp_path / "copy.pt", model)
    copy = d2l.load_model(tmp_path / "copy.pt", scratch)
    assert copy.description == model.description
    assert torch.equal(copy.W, model.W)


def test_commands_read_what_a_script_saved(path, tmp_path, capsys):
    folder = write_pictures(tmp_path / "flowers", sizes=((8, 6), (5, 5)))
    train_iter, test_iter = d2l.load_data(folder, 4, resize=7)
    dataset = train_iter.dataset
    model = concise.SoftmaxRegression(3 * 7 * 7, 2)
    d2l.save_model(path, model, dataset.classes, dataset.shape)
    assert d2l_main.main(["evaluate", str(path), f"--dataset={folder}", "--device=cpu"]) == 0
    accuracy = d2l.evaluate_accuracy(model, test_iter)
    assert f"accuracy {accuracy:.4f}" in capsys.readouterr().out


def test_without_model_json_it_is_a_model_of_fashion_mnist(path):
    d2l.save_model(path, scratch.SoftmaxRegression(60, 3), FLOWERS, (60,))
    d2l.save_model(path, scratch.SoftmaxRegression())  # replaces the description, too
    assert d2l.load_model(path).classes == CLASSES
    path.with_suffix(".json").unlink()
    assert d2l.load_model(path).classes == CLASSES
    d2l.save_model(path, scratch.SoftmaxRegression(60, 3), FLOWERS, (60,))
    path.with_suffix(".json").unlink()
    with pytest.raises(ModelFileError, match=r"W has shape \(60, 3\), expected \(784, 10\)"):
        d2l.load_model(path)


def test_files_that_cannot_be_used_raise_user_errors(path):
    with pytest.raises(UserError, match="there is no model"):
        d2l.load_model(path)
    d2l.save_model(path, scratch.SoftmaxRegression())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="damaged or not a model"):
        d2l.load_model(path)
    d2l.save_model(path, scratch.SoftmaxRegression())
    path.with_suffix(".json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match="damaged or does not describe a model"):
        d2l.load_model(path)


MEASURED = {"temperature": 1.5, "right": 124, "of": 264}


def test_results_on_photographs_are_kept(path):
    model = scratch.SoftmaxRegression()
    model.description = OF_FASHION_MNIST._replace(photographs=Photographs(**MEASURED))
    d2l.save_model(path, model)
    assert json.loads(path.with_suffix(".json").read_text())["photographs"] == MEASURED
    assert d2l.load_model(path).description == model.description


@pytest.mark.parametrize(
    ("argv", "recipe"),
    [
        ([], "book"),
        (["--recipe=best", "--seed=3", "--dtype=float64"], "best"),
        (["--recipe=best", "--epochs=19"], None),
        (["--lr=0.2"], None),
        (["--validation=1000"], None),
        (["--resize=14"], None),
        (["--standardize=yes"], None),
    ],
)
def test_only_a_recipe_s_models_are_measured_on_photographs(argv, recipe):
    photographs = photographs_of_recipe(parse("scratch", argv))
    assert photographs == (PHOTOGRAPHS[recipe] if recipe else None)


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0},
        {"temperature": math.nan},
        {"temperature": 1e-300},
        {"temperature": "1.5"},
        {"right": 265},
        {"right": -1},
        {"right": 0.5},
        {"right": 0, "of": 0},
        {"more": 1},
    ],
)
def test_impossible_results_on_photographs_are_refused(path, change):
    d2l.save_model(path, scratch.SoftmaxRegression())
    description = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(
        json.dumps(description | {"photographs": MEASURED | change})
    )
    with pytest.raises(UserError, match="damaged or does not describe a model"):
        d2l.load_model(path)


@pytest.mark.parametrize(
    ("classes", "shape"),
    [
        (None, None),  # those of Fashion-MNIST
        (FLOWERS, None),
        (None, (60,)),
        (FLOWERS, (61,)),
        (FLOWERS, (6, 10)),
        (("rose", "rose", "tulip"), (60,)),
        ((1, 2, 3), (60,)),
        (FLOWERS, (-60,)),
    ],
)
def test_classes_and_shape_that_do_not_fit_are_refused(classes, shape, path):
    with pytest.raises(
        UserError, match=r"W has shape \(60, 3\), but .* pass classes, .* and shape"
    ):
        d2l.save_model(path, scratch.SoftmaxRegression(60, 3), classes, shape)
    assert not list(path.parent.iterdir())


def test_a_model_is_not_written_over_its_description(tmp_path):
    with pytest.raises(UserError, match=r"ends in \.pt"):
        d2l.save_model(tmp_path / "model.json", scratch.SoftmaxRegression())


def test_pixels_that_are_no_floats_are_refused(path):
    d2l.save_model(path, scratch.SoftmaxRegression())
    pixels = torch.zeros(2, 28, 28, dtype=torch.uint8)
    model = d2l.load_model(path)
    with pytest.raises(ValueError, match=r"X is torch\.uint8, expected the model's torch\.float32"):
        model(pixels)
    assert model(pixels / 255).shape == (2, 10)


def test_neither_twin_is_imported_until_a_model_is_loaded():
    code = "import d2l_softmax, sys; print({'scratch', 'concise'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# State dicts of a linear layer from elsewhere

LAYOUTS = {
    "the book's": lambda w, b: {"1.weight": w, "1.bias": b},
    "of DistributedDataParallel": lambda w, b: {"module.linear.weight": w, "module.linear.bias": b},
    "in a checkpoint": lambda w, b: {"epoch": 3, "state_dict": {"weight": w, "bias": b}},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("suffix", [".pt", ".bin", ".safetensors"])
def test_the_state_dict_of_a_linear_layer_is_a_model(layout, suffix, tmp_path):
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    saved = LAYOUTS[layout](net[1].weight.detach(), net[1].bias.detach())
    path = tmp_path / f"net{suffix}"
    if suffix == ".safetensors":
        if "state_dict" in saved:
            pytest.skip("this format has no nested dictionaries")
        pytest.importorskip("safetensors.torch").save_file(saved, path)
    else:
        torch.save(saved, path)
    X = torch.rand(5, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    for twin in TWINS.values():
        expected = torch.softmax(net(X), dim=1)
        torch.testing.assert_close(load_model(path, twin).probabilities(X), expected)


@pytest.mark.parametrize(
    "shapes", [[(10, 784)], [(64, 784), (64,), (10, 64), (10,)], [(10, 784), (9,)], []]
)
def test_other_state_dicts_are_refused_by_their_shapes(shapes, tmp_path):
    torch.save({f"t{i}": torch.zeros(s) for i, s in enumerate(shapes)}, tmp_path / "m.pt")
    with pytest.raises(ModelFileError, match=r"expected W and b, or one weight \(q, d\)"):
        load_model(tmp_path / "m.pt")
