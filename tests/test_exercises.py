"""The exercises: solutions agree with other sources, mistakes get their hints, files are kept."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from d2l_softmax.i18n import LANGUAGES, tr, use_language
from notebooks.exercises import SECTIONS, exercises_of, texts_of
from notebooks.exercises.__main__ import main, skeleton_of
from notebooks.exercises.checking import CORRECT, NOT_WRITTEN, WRONG, judge

ROOT = Path(__file__).parents[1]
EXERCISES = {number: e for section in SECTIONS for number, e in exercises_of(section).items()}
MISTAKES = [
    pytest.param(exercise, mistake, id=f"{number} {k}")
    for number, exercise in EXERCISES.items()
    for k, mistake in enumerate(exercise.mistakes)
]


def is_chinese(text):
    """Return whether a text has Chinese characters."""
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


# Solutions


def stepped_by_autograd(W, b, X, y, lr):
    W, b = W.requires_grad_(), b.requires_grad_()
    functional.cross_entropy(X @ W + b, y).backward()
    torch.optim.SGD([W, b], lr=lr).step()
    return W, b


def stepped_by(optimizer, w, gradients, **settings):
    w = w.clone().requires_grad_()
    optimizer = optimizer([w], **settings)
    for gradient in gradients:
        w.grad = gradient
        optimizer.step()
    return w


def best_of_many(values, loss):
    candidates = torch.linspace(-10, 110, 12_001)
    errors = values - candidates[:, None]
    losses = (errors**2 if loss == "squared" else errors.abs()).mean(dim=1)
    return candidates[losses.argmin()]


OTHER_SOURCES = {
    "1.1": lambda X, W, b: functional.linear(X, W.T, b),
    "1.2": lambda d, q: sum(p.numel() for p in nn.Linear(d, q).parameters()),
    "1.3": lambda p: min(
        range(len(p)), key=lambda c: sum(p[k] * (k - c) ** 2 for k in range(len(p)))
    ),
    "2.1": lambda o: torch.softmax(o, dim=0),
    "2.2": lambda o, t: functional.softmin(-o / t, dim=0),
    "2.3": lambda o: torch.logit(torch.softmax(o.double(), dim=0)[1]),
    "3.1": lambda q: functional.cross_entropy(torch.zeros(1, q), torch.tensor([0])),
    "3.2": lambda y_hat, y: functional.cross_entropy(y_hat.log(), y, reduction="none"),
    "3.3": lambda p, q: functional.kl_div(q.log(), p, reduction="sum"),
    "4.1": lambda e, d: functional.huber_loss(e, torch.zeros_like(e), reduction="none", delta=d),
    "4.2": lambda e: torch.distributions.Laplace(0.0, 1.0).log_prob(e).exp(),
    "4.3": best_of_many,
    "5.1": lambda n, size: (len(parts := torch.arange(n).split(size)), len(parts[-1])),
    "5.2": lambda X, y, q: torch.einsum(
        "nc, nhw -> chw", functional.normalize(functional.one_hot(y, q).float(), p=1, dim=0), X
    ),
    "5.3": lambda X, y, size: DataLoader(TensorDataset(X, y), size, shuffle=True),
    "6.1": lambda X: functional.normalize(X, p=1, dim=1),
    "6.2": lambda o: torch.softmax(o, dim=1),
    "6.3": lambda o: torch.logsumexp(o, dim=1),
    "7.1": lambda y_hat, y: functional.nll_loss(y_hat.log(), y),
    "7.2": lambda batches: np.mean(
        np.concatenate([p.numpy().argmax(axis=1) == y.numpy() for p, y in batches])
    ),
    "7.3": stepped_by_autograd,
    "8.1": lambda W, b: lambda X: X @ W + b,
    # the loss of probabilities that are 1 and 0, nearly: of logits 100 and 0
    "8.2": lambda q: functional.cross_entropy((100 * torch.eye(q)).softmax(1), torch.arange(q)),
    "8.3": lambda w, g, lr, wd: stepped_by(torch.optim.SGD, w, [g], lr=lr, weight_decay=wd),
    "9.1": lambda o, y: functional.cross_entropy(o, y.argmax(dim=1)),
    "9.2": lambda o, y: 1 - (o.argmax(dim=1) - y.argmax(dim=1)).sign().abs().double().mean(),
    "9.3": lambda w, gradients, lr: stepped_by(torch.optim.Adam, w, gradients, lr=lr),
}


@pytest.mark.parametrize("number", EXERCISES)
def test_solutions_agree_with_other_sources(number):
    exercise = EXERCISES[number]
    for function in (exercise.solution, OTHER_SOURCES[number], exercise.solution):
        assert judge(exercise, function) == (CORRECT, exercise.remark[0])


def test_numbers_that_the_texts_name():
    answers = {number: exercise.solution for number, exercise in EXERCISES.items()}
    assert answers["1.2"](784, 10) == 7850
    assert answers["1.3"](torch.tensor([0.5, 0, 0, 0, 0, 0, 0, 0, 0.5, 0])) == 4
    assert answers["2.1"](torch.tensor([0.0, math.log(3)])).tolist() == pytest.approx([0.25, 0.75])
    assert round(answers["3.1"](10), 2) == 2.30
    grid = torch.arange(-30, 30, 1e-3, dtype=torch.float64)
    assert answers["4.2"](grid).sum() * 1e-3 == pytest.approx(1, abs=1e-6)  # the area below it
    assert answers["5.1"](60_000, 256) == (235, 96)
    assert round(answers["8.2"](10), 2) == 1.46
    first = answers["9.3"](torch.zeros(2), [torch.tensor([0.001, 1000.0])], 0.1)
    assert first.tolist() == pytest.approx([-0.1, -0.1], rel=1e-4)


def test_the_capstone_of_the_page_for_teachers_reaches_what_it_asks_for(real_data):
    page = (ROOT / "notebooks" / "teachers.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)
    values = {}
    exec(compile(code, "capstone", "exec"), values)
    assert values["p"] >= 0.83
    assert not re.search(r"\bnn\b|optim|scratch|concise", code)


# Mistakes and hints


@pytest.mark.parametrize(("exercise", "mistake"), MISTAKES)
def test_each_mistake_gets_its_own_hint(exercise, mistake):
    for language, expected in zip(LANGUAGES, mistake[1:], strict=True):
        with use_language(language):
            verdict, message = judge(exercise, mistake.answer)
            _, hint = message.split(tr("hint"))
        assert (verdict, " ".join(hint.split())) == (WRONG, expected)


@pytest.mark.parametrize("number", EXERCISES)
def test_hints_and_remarks_are_in_both_languages(number):
    exercise = EXERCISES[number]
    hints = [mistake[1:] for mistake in exercise.mistakes]
    assert len(hints) >= 3
    assert exercise.hint not in hints
    for english, chinese in [exercise.hint, *hints, *filter(any, [exercise.remark])]:
        assert english
        assert not is_chinese(english)
        assert is_chinese(chinese)


def judged(number, body, show_expected=False):
    """Return the text on a function of that body, which is wrong."""
    exercise, functions = EXERCISES[number], {}
    source = f"import torch\ndef {exercise.signature}:\n    {body}\n"
    exec(compile(source, "learner.py", "exec"), functions)
    verdict, text = judge(exercise, functions[exercise.name], show_expected)
    assert verdict == WRONG
    return text


def test_other_answers_get_the_general_hint_and_the_expected_value_only_on_request():
    lines = judged("6.1", "return X * 3", show_expected=True).splitlines()
    assert judged("6.1", "return X * 3").splitlines() == lines[:4] + lines[6:]
    assert lines == [
        "called with  X = tensor([[1., 2., 3.],",
        "                         [4., 5., 6.]])",
        "returned     tensor([[ 3.,  6.,  9.],",
        "                     [12., 15., 18.]])",
        "expected     tensor([[0.1667, 0.3333, 0.5000],",
        "                     [0.2667, 0.3333, 0.4000]])",
        "hint         " + EXERCISES["6.1"].hint[0],
    ]


@pytest.mark.parametrize(
    ("number", "body", "line"),
    [
        ("2.1", "torch.exp(logits)", "hint         The function ends without a `return`."),
        ("7.1", "return -torch.log(y_hat[[0], y[0]])", "shape        (1,), expected ()"),
        ("2.1", "return 1 / 0", "raised       ZeroDivisionError: division by zero"),
        ("2.1", "raise SystemExit(1)", "raised       SystemExit: 1"),
        ("5.3", "return 7", "raised       TypeError: 'int' object is not iterable"),
        ("7.2", "return 0", "\n" + " " * 25 + "tensor([0, 2])),\n"),
    ],
)
def test_what_a_learner_reads(number, body, line):
    assert line in judged(number, body)


def test_an_answer_may_change_its_arguments():
    def sgd_step(W, b, X, y, lr):
        error = torch.softmax(X @ W + b, dim=1)
        error[range(len(y)), y] -= 1
        W -= lr * X.T @ error / len(y)
        b -= lr * error.mean(dim=0)
        return W, b

    for _ in range(2):
        assert judge(EXERCISES["7.3"], sgd_step)[0] == CORRECT


# Texts and skeletons


@pytest.mark.parametrize("section", SECTIONS)
def test_texts_are_in_both_languages(section):
    english, chinese = (texts_of(section, language) for language in LANGUAGES)
    for exercise, en, zh in zip(exercises_of(section).values(), english, chinese, strict=True):
        code = f"```python\n{exercise.code()}\n```"
        assert '"""' not in code  # the task, which is above it
        for text, remark in zip((en, zh), exercise.remark, strict=True):
            assert code in text
            assert remark in text
        assert not is_chinese(en.replace(code, ""))
        assert is_chinese(zh)
        assert "中文" not in zh
    assert [text.count("★") for text in english] == [1, 2, 3]


@pytest.mark.parametrize("section", SECTIONS)
def test_skeletons_are_not_written_yet(section):
    functions = {}
    exec(compile(skeleton_of(section), "skeleton", "exec"), functions)
    for exercise in exercises_of(section).values():
        assert functions[exercise.name].__doc__ == exercise.solution.__doc__
        assert judge(exercise, functions[exercise.name]) == (NOT_WRITTEN, "")


# make exercises, make check


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the folder of a learner's files, which isn't there yet."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "exercises"


def solved(section):
    """Return a learner's file in which every function is right."""
    head, *_ = skeleton_of(section).partition("\ndef ")
    return head + "\n\n\n".join(exercise.code() for exercise in exercises_of(section).values())


def test_what_a_learner_wrote_is_kept(folder, capsys):
    assert main([]) == 0
    assert "wrote exercises: section_1.py, section_2.py" in capsys.readouterr().out
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [f"section_{section}.py" for section in SECTIONS]
    files[1].write_text("mine", encoding="utf-8")
    files[2].unlink()
    before = {file: file.read_bytes() for file in files if file.exists()}
    assert main([]) == 0
    output = capsys.readouterr().out
    assert "wrote exercises: section_3.py\n" in output
    assert "kept what you have in exercises: section_1.py, section_2.py, section_4.py" in output
    assert {file: file.read_bytes() for file in before} == before
    assert files[2].read_text(encoding="utf-8") == skeleton_of(3)


def test_a_file_in_the_way_is_an_error_of_one_line(folder, capsys):
    folder.touch()
    assert main(["check"]) == 1
    assert capsys.readouterr().err.startswith("can't write to exercises")


def test_check_says_which_are_right_and_goes_on_after_ctrl_c(folder, capsys):
    folder.mkdir()
    interrupted = "def class_scores(*args):\n    raise KeyboardInterrupt\n\n\n"  # by Ctrl-C
    others = solved(1).replace("def class_scores(", "def solved(")
    (folder / "section_1.py").write_text(interrupted + others, encoding="utf-8")
    (folder / "section_2.py").write_text("def softmax(logits)\n", encoding="utf-8")
    wrong = "import torch\ndef rows_as_shares(X):\n    print(X.shape)\n    return X / X.sum(1)\n"
    (folder / "section_6.py").write_text(wrong, encoding="utf-8")
    assert main(["check"]) == 1
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "1.1 class_scores wrong" in lines
    assert "line 2: raise KeyboardInterrupt" in lines
    assert "7,850 for Fashion-MNIST: 784 · 10 + 10." in lines
    assert lines.count("SyntaxError: expected ':'") == 1
    assert "line 4: return X / X.sum(1)" in lines
    assert "printed torch.Size([2, 3])" in lines
    assert "section_6.py has no function stable_softmax." in lines
    assert "9.3 adam not written yet" in lines
    assert lines[-2] == "2 correct, 7 wrong, 18 not written yet"
    assert "--expected" in lines[-1]
    assert not any(line.startswith("expected") for line in lines)
    (folder / "section_6.py").write_text("def rows_as_shares(X):\n    return X", encoding="utf-8")
    main(["check", "-k", "6.1", "--expected"])
    assert "expected " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "status", "last"),
    [
        (["-k", "section_1"], 0, "3 correct"),
        (["-k", "3.1"], 1, "1 not written yet"),
        (["-k", "class_scores", "--lang", "zh"], 0, "1 对"),
        (["-k", "section_10"], 1, "no exercise matches; -k takes section_3"),
    ],
)
def test_check_of_some(folder, capsys, options, status, last):
    folder.mkdir()
    (folder / "section_1.py").write_text(solved(1), encoding="utf-8")
    assert main(["check", *options]) == status
    assert capsys.readouterr().out.splitlines()[-1].startswith(last)
