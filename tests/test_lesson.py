"""The interactive lesson, docs/softmax.html: its content, programs, modules and texts."""

import base64
import json
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import LESSON

import d2l_softmax.pages.lesson as lesson_package
from d2l_softmax import __main__ as d2l_main
from d2l_softmax.commands.demo import IMAGES_PER_CLASS
from d2l_softmax.data.fashion_mnist import CLASSES
from d2l_softmax.description import Description, save_description
from d2l_softmax.figures.style import signed_colors
from d2l_softmax.pages.lesson.programs import STEPS, TENSORFLOW

ROOT = Path(__file__).parents[1]
FOLDER = Path(lesson_package.__file__).parent
TEXTS = json.loads((FOLDER / "texts.json").read_text(encoding="utf-8"))
MOST_BYTES = 400_000
DATA = re.compile(r'<script type="application/json" id="(examples|weights)">(.*?)</script>')
SOURCES = {
    "scratch": ROOT / "scratch" / "softmax_regression.py",
    "concise": ROOT / "concise" / "softmax_regression.py",
}


@pytest.fixture(scope="module")
def lesson(lesson_in_chromium):
    """Return docs/softmax.html as Playwright's page: these tests look elements up."""
    return lesson_in_chromium


@pytest.fixture(scope="module")
def written(tmp_path_factory, real_data):
    """Return the page as the command writes it now."""
    output_dir = tmp_path_factory.mktemp("lesson")
    assert d2l_main.main(["demo", f"--output-dir={output_dir}"]) == 0
    return (output_dir / "softmax.html").read_text(encoding="utf-8")


def data_of(page):
    """Return what a page holds: images (n, 28, 28) in [0, 15], labels, W and b."""
    examples, weights = (json.loads(text) for _, text in DATA.findall(page))
    shades = np.frombuffer(zlib.decompress(base64.b64decode(examples["images"])), np.uint8)
    W = np.frombuffer(base64.b64decode(weights["W"]), "<f4").astype(float).reshape(784, 10)
    return shades.reshape(-1, 28, 28), examples["labels"], W, np.array(weights["b"])


# Writing it


def test_the_page_in_docs_is_the_one_that_is_written(written):
    """Its data are compared as numbers: how well they are packed depends on the machine."""
    in_docs = LESSON.read_text(encoding="utf-8")
    assert DATA.sub("", in_docs) == DATA.sub("", written), "make demo ARGS='--output-dir docs'"
    for ours, theirs in zip(data_of(in_docs), data_of(written), strict=True):
        if isinstance(ours, dict):
            assert ours == theirs
        else:
            np.testing.assert_allclose(ours, theirs, rtol=1e-4)


def test_the_page_is_small():
    assert LESSON.stat().st_size < MOST_BYTES


def test_the_images_are_the_first_of_each_class_in_sixteen_grays(real_data):
    shades, labels, _, _ = data_of(LESSON.read_text(encoding="utf-8"))
    first = 0
    for (images, y), name in zip(real_data, ("train", "test"), strict=True):
        chosen = sorted(
            n for c in range(10) for n in (y == c).nonzero()[:IMAGES_PER_CLASS, 0].tolist()
        )
        assert labels[name] == y[chosen].tolist()
        expected = (images[chosen].double() / 17).round()
        assert (shades[first : first + len(chosen)] == expected.numpy()).all()
        first += len(chosen)
    assert first == len(shades) == 400


def test_its_weights_are_as_good_as_those_of_ten_epochs(real_data):
    _, _, W, b = data_of(LESSON.read_text(encoding="utf-8"))
    _, (images, labels) = real_data
    logits = images.reshape(-1, 784).double() / 255 @ torch.tensor(W) + torch.tensor(b)
    assert (logits.argmax(dim=1) == labels).double().mean() > 0.82


def test_with_a_model_its_weights_are_written(trained, tmp_path):
    argv = ["demo", f"--model={trained / 'model.pt'}", f"--output-dir={tmp_path}"]
    assert d2l_main.main(argv) == 0
    model = torch.load(trained / "model.pt", weights_only=True)
    _, _, W, b = data_of((tmp_path / "softmax.html").read_text(encoding="utf-8"))
    assert (model["W"].double().numpy() == W).all()
    np.testing.assert_array_equal(b, model["b"].double())
    weights = json.loads((tmp_path / "weights.json").read_text(encoding="utf-8"))
    assert torch.equal(torch.tensor(weights["W"]), model["W"])
    assert torch.equal(torch.tensor(weights["b"]), model["b"])
    assert weights["classes"] == list(CLASSES)


@pytest.mark.parametrize(
    ("shape", "classes", "said"),
    [((1, 28, 28), ("a", "b"), "2 classes"), ((1, 4, 5), CLASSES, "1x4x5")],
)
def test_a_model_for_other_images_is_refused(tmp_path, capsys, shape, classes, said):
    torch.save(
        {"W": torch.zeros(shape[1] * shape[2], len(classes)), "b": torch.zeros(len(classes))},
        tmp_path / "model.pt",
    )
    described = Description("mine", classes, shape, None, "resized")
    save_description(tmp_path / "model.pt", described)
    argv = ["demo", f"--model={tmp_path / 'model.pt'}", f"--output-dir={tmp_path / 'out'}"]
    assert d2l_main.main(argv) == 1
    error = capsys.readouterr().err
    assert "the demo needs a model for 1x28x28 in 10 classes" in error
    assert said in error
    assert not (tmp_path / "out").exists()


# Its code


@pytest.mark.parametrize("name", SOURCES)
def test_the_programs_are_those_of_the_twins(lesson, name):
    shown = lesson.locator(f"#{name} .line").all_text_contents()
    assert shown == SOURCES[name].read_text(encoding="utf-8").splitlines()


def test_the_third_program_is_that_of_the_notes(lesson):
    shown = lesson.locator("#tensorflow .line").all_text_contents()
    assert shown == TENSORFLOW.splitlines()
    notes = (ROOT / "notebooks" / "3_with_the_library.py").read_text(encoding="utf-8")
    assert "\n".join(f"# {line}" for line in shown) in notes


def test_each_part_shows_lines_of_code_and_leads_to_them(lesson):
    for part in lesson.locator("section.part:has(.panel)").all():
        snippet = part.locator("pre.code code").first.text_content()
        file = ROOT / part.locator(".prose .links").text_content().split(" · ")[0].strip()
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
        first, *_ = wanted = [line.strip() for line in snippet.splitlines()]
        at = lines.index(first)
        assert lines[at : at + len(wanted)] == wanted
        addresses = [a.get_attribute("href") for a in part.locator(".prose .links a").all()]
        assert addresses == [f"#scratch-{at + 1}"] * (file == SOURCES["scratch"])


@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_tied_to_lines_of_both_twins(lesson, step):
    missing = {("concise", "clamp"), ("scratch", "zero")}  # which these do not have
    for name in SOURCES:
        count = lesson.locator(f"#{name} [data-step~={step}]").count()
        assert (count > 0) == ((name, step) not in missing)


# What it says


def sources():
    """Return the text of all templates and modules."""
    paths = [*FOLDER.rglob("*.jinja"), *FOLDER.rglob("*.js"), *FOLDER.glob("*.py")]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def test_every_text_is_there_in_both_languages_with_the_same_values():
    for key, said in TEXTS.items():
        assert list(said) == ["en", "zh-CN"], key
        names = [sorted(re.findall(r"\{(\w+)\}", text)) for text in said.values()]
        assert names[0] == names[1], key
        tags = [sorted(re.findall(r"<[^>]+>", text)) for text in said.values()]
        assert tags[0] == tags[1], key


def test_every_text_is_used_and_no_other():
    """A template or module has the whole key, or computes its end."""
    code = sources()
    chosen = re.findall(r"[\"`]([\w.-]+\.)(?:\$\{|\" ~)", code)
    for key in TEXTS:
        of_a_part = key.rsplit(".", 1)[-1] in ("title", "why", "ask", "do", "see", "chart")
        assert f'"{key}"' in code or key.startswith(tuple(chosen)) or of_a_part, key
    said = re.findall(r"\b(?:tr|text|label)\(\s*\"([\w.-]+)\"", code)
    assert len(said) > 80
    assert [key for key in said if key not in TEXTS and not key.endswith(".")] == []


def test_the_page_has_no_links_that_a_copy_of_it_would_lose():
    addresses = re.findall(r'href="([^"]*)"', LESSON.read_text(encoding="utf-8"))
    assert addresses
    assert [each for each in addresses if not each.startswith("#")] == []


def test_the_names_of_the_classes_are_those_of_the_figures(lesson):
    catalogue = json.loads((ROOT / "d2l_softmax" / "i18n.json").read_text(encoding="utf-8"))
    shown = json.loads(lesson.locator("#texts").text_content())
    for c, name in enumerate(CLASSES):
        assert shown[f"class.{c}"] == {"en": name, "zh-CN": catalogue[name]}
    assert lesson.locator("#about-classes").get_attribute("start") == "0"
    assert lesson.locator("#about-classes li").all_inner_texts() == list(CLASSES)


def test_weights_have_the_colours_that_they_have_in_figures():
    text = LESSON.read_text(encoding="utf-8")
    colors = json.loads(re.search(r'id="colors">(.*?)</script>', text)[1])
    negative, zero, positive = (signed_colors()["cmap"]([0, 255, 510])[:, :3] * 255).round()
    assert colors == {"negative": negative.tolist(), "positive": positive.tolist()}
    assert zero.tolist() == [255, 255, 255]  # as signedImage has it


def test_the_page_has_the_license_of_its_data():
    assert "Copyright © 2017 Zalando SE" in LESSON.read_text(encoding="utf-8")
