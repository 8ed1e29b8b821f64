"""The paired comparison of recipes in the benchmark of accuracy."""

from types import SimpleNamespace

import pytest
import torch

from benchmarks import accuracy


@pytest.mark.parametrize(
    ("ours", "theirs", "p"),
    [
        (0, 0, 1),
        (5, 5, 1),
        (0, 5, 2 / 32),
        (9, 1, 2 * (1 + 10) / 2**10),
        (6, 16, 2 * (1 + 22 + 231 + 1540 + 7315 + 26334 + 74613) / 2**22),
    ],
)
def test_p_of_discordant_counts(ours, theirs, p):
    assert accuracy.mcnemar(ours, theirs) == accuracy.mcnemar(theirs, ours) == p


def test_p_of_large_counts_is_that_of_the_normal_distribution():
    """With continuity correction: chi² = (|600 − 500| − 1)² / 1100 = 8.91, p = 0.00284."""
    assert accuracy.mcnemar(600, 500) == pytest.approx(0.00284, rel=0.01)


PREDICTED = {"book": [0, 1, 0, 0], "best": [0, 0, 2, 3], "photos": [3, 2, 1, 0]}  # of 0, 1, 2, 3


def test_recipes_are_compared_on_the_same_images(monkeypatch):
    def make_training(twin, recipe, seed):
        scores = torch.eye(4)[PREDICTED[recipe.removeprefix("--recipe=")]]
        last = SimpleNamespace(train_loss=0.5, train_acc=0.75, test_acc=0.5)
        batches = [(torch.tensor([k, k + 1]), torch.tensor([k, k + 1])) for k in (0, 2)]
        return SimpleNamespace(
            model=lambda X: scores[X], test_iter=batches, fit=lambda: iter([None, last])
        )

    monkeypatch.setattr(accuracy, "make_training", make_training)
    results = accuracy.measure(rounds=1)
    paired = {(each["twin"], each["recipe"]): each.get("paired") for each in results}
    for twin in ("scratch", "concise"):
        assert paired[twin, "book"] is None
        assert paired[twin, "best"] == [(2, 1)] * 2  # 2 and 3 only by best, 1 only by book
        assert paired[twin, "photos"] == [(0, 2)] * 2
    _, *rows = accuracy.table(results)
    assert [row[4:] for row in rows[::2]] == [
        ("", ""),
        ("2 / 1", "1 (1 to 1)"),
        ("0 / 2", "0.5 (0.5 to 0.5)"),
    ]
