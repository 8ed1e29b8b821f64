"""load_model and save_model, for both twins and for custom data."""

import json

import pytest
import torch
from conftest import TWINS
from torch import nn

import concise
import d2l_softmax as d2l
import scratch
from d2l_softmax import load_model
from d2l_softmax.commands.options import parse
from d2l_softmax.commands.train import photographs_of_recipe
from d2l_softmax.data.fashion_mnist import CLASSES
from d2l_softmax.description import OF_FASHION_MNIST, PHOTOGRAPHS, Photographs
from d2l_softmax.errors import UserError
from d2l_softmax.models import ModelFileError

FLOWERS = ("rose", "tulip", "玫瑰")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.pt"


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
def test_custom_classes_and_shape_are_kept(shape, path):
    d2l.save_model(path, scratch.SoftmaxRegression(60, 3), FLOWERS, shape)
    model = d2l.load_model(path)
    assert (model.classes, model.shape) == (FLOWERS, shape)
    d2l.save_model(path, model)
    copy = d2l.load_model(path, scratch)
    assert copy.description == model.description
    assert torch.equal(copy.W, model.W)


def test_without_model_json_it_is_a_model_of_fashion_mnist(path):
    d2l.save_model(path, scratch.SoftmaxRegression(60, 3), FLOWERS, (60,))
    d2l.save_model(path, scratch.SoftmaxRegression())  # replaces the description, too
    assert d2l.load_model(path).classes == CLASSES
    path.with_suffix(".json").unlink()
    assert d2l.load_model(path).classes == CLASSES
    d2l.save_model(path, scratch.SoftmaxRegression(60, 3), FLOWERS, (60,))
    path.with_suffix(".json").unlink()
    with pytest.raises(ModelFileError, match=r"\(60, 3\), expected \(784, 10\)"):
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


NO_DESCRIPTIONS = [
    *("{", "[]", "{}"),
    *({"photographs": MEASURED | change} for change in ({"temperature": 0}, {"right": 265})),
    *({"shape": shape, "pictures": None} for shape in ([1, 784], [True], [-784], [])),
    {"shape": [1, 2, 2]},  # not as Fashion-MNIST was made
    *({"classes": ["x"] * 10}, {"resize": [3, 3], "pictures": "resized"}, {"pictures": "drawn"}),
]


@pytest.mark.parametrize("change", NO_DESCRIPTIONS, ids=str)
def test_a_damaged_description_is_refused(path, change):
    d2l.save_model(path, scratch.SoftmaxRegression())
    file = path.with_suffix(".json")
    right = json.loads(file.read_text())
    file.write_text(change if isinstance(change, str) else json.dumps(right | change))
    with pytest.raises(UserError, match=r"mine\.(json is damaged|pt: W has shape)"):
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
    with pytest.raises(UserError, match=r"W has shape \(60, 3\), .* classes, .* and shape"):
        d2l.save_model(path, scratch.SoftmaxRegression(60, 3), classes, shape)
    assert not list(path.parent.iterdir())


# State dicts of a linear layer from elsewhere


@pytest.mark.parametrize(
    ("suffix", "names"),
    [
        (".pt", ("1.weight", "1.bias")),  # the book's
        (".bin", ("module.linear.weight", "module.linear.bias")),  # DistributedDataParallel's
        (".pt", ("weight", "bias")),  # in a checkpoint
        (".safetensors", ("1.weight", "1.bias")),
    ],
)
def test_the_state_dict_of_a_linear_layer_is_a_model(suffix, names, twin, tmp_path):
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    path = tmp_path / f"net{suffix}"
    state = dict(zip(names, (net[1].weight.detach(), net[1].bias.detach()), strict=True))
    if suffix == ".safetensors":
        pytest.importorskip("safetensors.torch").save_file(state, path)
    else:
        torch.save({"epoch": 3, "state_dict": state} if "weight" in state else state, path)
    X = torch.rand(5, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    expected = torch.softmax(net(X), dim=1)
    torch.testing.assert_close(load_model(path, twin).probabilities(X), expected)


@pytest.mark.parametrize(
    "shapes", [[(10, 784)], [(64, 784), (64,), (10, 64), (10,)], [(10, 784), (9,)], []]
)
def test_other_state_dicts_are_refused_by_their_shapes(shapes, tmp_path):
    torch.save({f"t{i}": torch.zeros(s) for i, s in enumerate(shapes)}, tmp_path / "m.pt")
    with pytest.raises(ModelFileError, match=r"expected W and b, .*\(q, d\)"):
        load_model(tmp_path / "m.pt")
