"""The loop around train_epoch, and what happens when training leaves the finite numbers."""

import itertools
import math
import types

import pytest
import torch

import scratch
from d2l_softmax import evaluate_accuracy, load_data_fashion_mnist
from d2l_softmax.training.fit import (
    DivergedError,
    EpochRecord,
    Training,
    divergence_reason,
    new_divergence_reason,
)
from d2l_softmax.training.metrics import Accumulator


@pytest.fixture
def batches(made_up):
    """Return (train_iter, test_iter) of made-up images; the last training batch has 12."""
    generator = torch.Generator().manual_seed(0)
    return load_data_fashion_mnist(16, data_dir=made_up, generator=generator)


def with_train_epoch(twin, train_epoch):
    """Return a twin that has another train_epoch."""
    return types.SimpleNamespace(**vars(twin) | {"train_epoch": train_epoch})


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

    twin = with_train_epoch(scratch, train_epoch)
    seconds = []
    for record in Training(twin, Model(), None, *batches, epochs=2).fit():
        seconds.append(record.seconds)
        clock.now += 100  # between two epochs
    assert seconds == [5, 5]


def test_a_huge_loss_is_printed_in_powers_of_ten():
    record = EpochRecord(1, 9999.5, 0.25, 0.5, 123456.0, 1.0)
    assert "acc 0.2500   test loss 1.235e+05   test acc 0.5000   1.00 s" in str(record)
    assert "train loss 1.235e+04 " in str(record._replace(train_loss=12345.678))


def test_learning_rate_decays_after_every_epoch(twin, batches, generator):
    model = twin.SoftmaxRegression(generator=generator)
    optimizer = twin.SGD(model.parameters(), lr=0.1)
    scheduler = twin.LinearDecay(optimizer, epochs=2)
    rates = []

    def train_epoch(*arguments):
        rates.append(optimizer.lr if hasattr(optimizer, "lr") else optimizer.param_groups[0]["lr"])
        return twin.train_epoch(*arguments)

    other = with_train_epoch(twin, train_epoch)
    list(Training(other, model, optimizer, *batches, epochs=2, scheduler=scheduler).fit())
    assert rates == pytest.approx([0.1, 0.05])


def test_an_epoch_adds_to_the_metric_that_it_is_given(twin, batches, generator):
    model = twin.SoftmaxRegression(generator=generator)
    optimizer = twin.SGD(model.parameters(), lr=0.1)
    metric = Accumulator(3)  # empty, and yet not replaced
    loss, accuracy = twin.train_epoch(model, batches[0], optimizer, metric)
    examples = len(batches[0].dataset)
    assert metric[2] == examples
    assert (metric[0] / examples, metric[1] / examples) == (loss, accuracy)


def test_loss_that_is_not_finite_names_epoch_and_batch(twin, batches, generator, monkeypatch):
    model = twin.SoftmaxRegression(generator=generator)
    optimizer = twin.SGD(model.parameters(), lr=0.1)
    whole = batches[0].batches

    def spoil_third_batch(first):
        for number, (X, y) in enumerate(whole(first), start=1):
            yield (X * math.nan if number == 3 else X), y

    monkeypatch.setattr(batches[0], "batches", spoil_third_batch)
    training = Training(twin, model, optimizer, *batches, epochs=5)
    with pytest.raises(DivergedError, match="became nan in epoch 1, batch 3: try a smaller lr"):
        list(training.fit())


def test_weight_that_is_not_finite_is_noticed_in_its_epoch(twin, batches, generator):
    model = twin.SoftmaxRegression(generator=generator)

    def train_epoch(model, *others):
        with torch.no_grad():
            model.b[3] = math.inf
        return 0.5, 0.5

    training = Training(with_train_epoch(twin, train_epoch), model, None, *batches, epochs=1)
    with pytest.raises(DivergedError, match="weight is no longer finite after epoch 1"):
        list(training.fit())


def test_a_batch_is_counted_when_its_step_is_done(twin, batches, generator):
    model = twin.SoftmaxRegression(generator=generator)
    optimizer = twin.SGD(model.parameters(), lr=0.01)
    training = Training(twin, model, optimizer, *batches, epochs=1)
    seen, weights = [], []

    def after_batch():
        seen.append((training.batch, training.metric[2]))
        weights.append(model.W.detach().clone())

    list(training.fit(after_batch))
    assert training.batch == 0  # of the next epoch
    assert [batch for batch, _ in seen] == [1, 2, 3, 4]
    assert all(not torch.equal(one, two) for one, two in itertools.pairwise(weights))


@pytest.mark.parametrize(
    ("losses", "trouble"),
    [
        ([16.5], ""),
        ([16.5, 16.4], "the loss stays above ln 10 = 2.30 nats, that of uniform guessing"),
        ([16.5, 16.4, 16.3], "the loss stays above ln 10 = 2.30 nats, that of uniform guessing"),
        ([0.8, 2.6, 2.7], "the loss stays above ln 10 = 2.30 nats, that of uniform guessing"),
        ([2.31, 2.31], "the loss stays at ln 10 = 2.30 nats"),
        ([2.31, 2.1], ""),
        ([0.8, 2.4, 2.2], "the loss has risen above the 0.8000 nats of epoch 1"),
        ([0.8, 0.9, 0.7], ""),
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


def test_the_weight_history_is_part_of_the_state(twin, batches, generator):
    def new_training(most_classes):
        model = twin.SoftmaxRegression(generator=generator)
        optimizer = twin.SGD(model.parameters(), lr=0.01)
        return Training(twin, model, optimizer, *batches, epochs=1, most_classes=most_classes)

    training, other, without = new_training(10), new_training(10), new_training(0)
    list(training.fit())
    state = training.state_dict()
    other.load_state_dict(state)
    assert list(other.weight_history) == [0, 1]
    assert torch.equal(other.weight_history[1], training.model.W.detach())
    list(without.fit())
    assert "weight_history" not in without.state_dict()
    other.load_state_dict(without.state_dict())  # from here on
    assert list(other.weight_history) == [1]
    other.load_state_dict(without.state_dict() | {"batch": 2})  # not those before this epoch
    assert other.weight_history == {}
