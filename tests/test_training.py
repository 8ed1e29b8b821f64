"""The loop around train_epoch, and what happens when training leaves the finite numbers."""

import types

import pytest
import torch

import scratch
from d2l_softmax import evaluate_accuracy, load_data_fashion_mnist
from d2l_softmax.training.fit import (
    EpochRecord,
    Training,
    divergence_reason,
    new_divergence_reason,
)


@pytest.fixture
def batches(made_up):
    """Return (train_iter, test_iter) of made-up images; the last training batch has 12."""
    generator = torch.Generator().manual_seed(0)
    return load_data_fashion_mnist(16, data_dir=made_up, generator=generator)


def test_records_of_the_epochs(twin, batches, generator):
    model = twin.SoftmaxRegression(generator=generator)
    optimizer = twin.SGD(model.parameters(), lr=0.01)
    records = list(Training(twin, model, optimizer, *batches, epochs=3).fit())
    assert [record.epoch for record in records] == [1, 2, 3]
    assert records[0].train_loss > records[2].train_loss
    assert records[2].test_acc == evaluate_accuracy(model, batches[1])
    X, y = (torch.cat(tensors) for tensors in zip(*batches[1], strict=True))  # of 16 and 4 images
    with torch.no_grad():
        test_loss = torch.nn.functional.nll_loss(model.probabilities(X).log(), y)
    assert records[2].test_loss == pytest.approx(float(test_loss), rel=1e-6)
    assert all(0 < record.seconds < 60 for record in records)
    assert "epoch   1   train loss 2." in str(records[0])


def test_seconds_are_those_of_training_and_test_together(batches, clock):
    def train_epoch(model, train_iter, optimizer, metric):
        clock.now += 3
        return 0.5, 0.5

    class Model(scratch.SoftmaxRegression):
        def __call__(self, X):
            clock.now += 1  # for each of the two batches
            return super().__call__(X)

    twin = types.SimpleNamespace(**vars(scratch) | {"train_epoch": train_epoch})
    seconds = []
    for record in Training(twin, Model(), None, *batches, epochs=2).fit():
        seconds.append(record.seconds)
        clock.now += 100  # between two epochs
    assert seconds == [5, 5]


def test_a_huge_loss_is_printed_in_powers_of_ten():
    record = EpochRecord(1, 9999.5, 0.25, 0.5, 123456.0, 1.0)
    assert "acc 0.2500   test loss 1.235e+05   test acc 0.5000   1.00 s" in str(record)
    assert "train loss 1.235e+04 " in str(record._replace(train_loss=12345.678))


@pytest.mark.parametrize(
    ("losses", "trouble"),
    [
        ([16.5], ""),
        ([16.5, 16.4], "the loss stays above ln 10 = 2.30 nats, that of uniform guessing"),
        ([0.8, 2.6, 2.7], "the loss stays above ln 10 = 2.30 nats, that of uniform guessing"),
        ([2.31, 2.31], "the loss stays at ln 10 = 2.30 nats"),
        ([2.31, 2.1], ""),
        ([0.8, 2.4, 2.2], "the loss has risen above the 0.8000 nats of epoch 1"),
        ([0.8, 0.6, 0.81, 0.9], "the loss has risen above the 0.8000 nats of epoch 1"),
        ([0.8, 0.9, 0.9, 0.6, 0.7], ""),
    ],
)
def test_divergence_is_named_once(losses, trouble):
    history = [EpochRecord(n, loss, 0.5, 0.5, 0.7, 0.1) for n, loss in enumerate(losses, 1)]
    reason = divergence_reason(history, 10)
    assert reason.startswith(trouble) if trouble else not reason
    assert ("try a larger" if "stays at" in trouble else "try a smaller") in reason or not trouble
    named = [new_divergence_reason(history[:n], 10) for n in range(1, len(history) + 1)]
    assert bool(trouble) <= sum(map(bool, named)) <= 1


def test_each_kind_of_divergence_is_named_once_in_a_training():
    losses = [0.8, 0.7, 0.9, 0.9, 0.6, 0.9, 0.9, 2.6, 2.7, 0.6, 2.6, 2.7]
    history = [EpochRecord(n, loss, 0.5, 0.5, 0.7, 0.1) for n, loss in enumerate(losses, 1)]
    named = [new_divergence_reason(history[:n], 10) for n in range(1, len(history) + 1)]
    assert [n for n, reason in enumerate(named, 1) if reason] == [4, 9]
