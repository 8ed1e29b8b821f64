"""The loop around train_epoch, and what happens when training leaves the finite numbers."""

import math

import pytest
import torch

from d2l_softmax import evaluate_accuracy, load_data_fashion_mnist
from d2l_softmax.training.fit import DivergedError, EpochRecord, train, trouble_in
from d2l_softmax.training.metrics import Accumulator


@pytest.fixture
def batches(made_up):
    """Return (train_iter, test_iter) of made-up images; the last training batch has 12."""
    generator = torch.Generator().manual_seed(0)
    return load_data_fashion_mnist(16, data_dir=made_up, generator=generator)


def test_records_of_the_epochs(twin, batches, generator):
    train_iter, test_iter = batches
    model = twin.SoftmaxRegression(generator=generator)
    optimizer = twin.SGD(model.parameters(), lr=0.01)
    records = list(train(twin.train_epoch, model, optimizer, train_iter, test_iter, epochs=3))
    assert [record.epoch for record in records] == [1, 2, 3]
    assert records[0].train_loss > records[2].train_loss
    assert records[2].test_acc == evaluate_accuracy(model, test_iter)
    assert all(0 < record.seconds < 60 for record in records)
    assert "epoch   1   train loss 2." in str(records[0])


def test_seconds_are_those_of_training_and_test_together(clock):
    def train_epoch(model, train_iter, optimizer):
        clock.now += 3
        return 0.5, 0.5

    class Model:
        def parameters(self):
            return []

        def __call__(self, X):
            clock.now += 2
            return X

    batches = [(torch.eye(3), torch.tensor([0, 1, 2]))]
    records = train(train_epoch, Model(), None, batches, batches, 2)
    seconds = []
    for record in records:
        seconds.append(record.seconds)
        clock.now += 100  # what is done between two epochs is none of theirs
    assert seconds == [5, 5]


def test_a_huge_loss_is_printed_in_powers_of_ten():
    record = EpochRecord(1, 9999.5, 0.25, 0.5, 1.0)
    assert "train loss 9999.5000   train acc 0.2500   test acc 0.5000   1.00 s" in str(record)
    assert "train loss 1.235e+04 " in str(record._replace(train_loss=12345.678))


def test_held_out_images_are_evaluated(twin, batches, generator):
    train_iter, test_iter = batches
    model = twin.SoftmaxRegression(generator=generator)
    optimizer = twin.SGD(model.parameters(), lr=0.01)
    arguments = (twin.train_epoch, model, optimizer, train_iter, test_iter, 2)
    for record in train(*arguments, valid_iter=[next(iter(train_iter))]):
        assert 0 <= record.valid_acc <= 1
        assert f"valid acc {record.valid_acc:.4f}" in str(record)
        assert record.measurements() == record._asdict()


def test_loss_is_weighted_by_batch_size(twin, batches, generator):
    train_iter, _ = batches
    model = twin.SoftmaxRegression(generator=generator)
    still = twin.SGD(model.parameters(), lr=1e-30)
    train_loss, train_acc = twin.train_epoch(model, train_iter, still)
    X, y = train_iter.dataset[torch.arange(60)]
    with torch.no_grad():
        loss = twin.cross_entropy(model(X), y)
    assert train_loss == pytest.approx(float(loss), rel=1e-6)
    assert train_acc == pytest.approx(float((model(X).argmax(1) == y).float().mean()))


def test_learning_rate_decays_after_every_epoch(twin, batches, generator):
    train_iter, test_iter = batches
    model = twin.SoftmaxRegression(generator=generator)
    optimizer = twin.SGD(model.parameters(), lr=0.1)
    scheduler = twin.LinearDecay(optimizer, epochs=2)
    rates = []

    def train_epoch(*arguments):
        rates.append(optimizer.lr if hasattr(optimizer, "lr") else optimizer.param_groups[0]["lr"])
        return twin.train_epoch(*arguments)

    list(train(train_epoch, model, optimizer, train_iter, test_iter, 2, scheduler))
    assert rates == pytest.approx([0.1, 0.05])


def test_an_epoch_adds_to_the_metric_that_it_is_given(twin, batches, generator):
    model = twin.SoftmaxRegression(generator=generator)
    optimizer = twin.SGD(model.parameters(), lr=0.1)
    metric = Accumulator(3)  # empty, and yet not replaced
    loss, accuracy = twin.train_epoch(model, batches[0], optimizer, metric)
    examples = len(batches[0].dataset)
    assert metric[2] == examples
    assert (metric[0] / examples, metric[1] / examples) == (loss, accuracy)


def test_loss_that_is_not_finite_names_epoch_and_batch(twin, batches, generator):
    train_iter, test_iter = batches
    model = twin.SoftmaxRegression(generator=generator)
    optimizer = twin.SGD(model.parameters(), lr=0.1)

    def spoil_third_batch():
        for number, (X, y) in enumerate(train_iter, start=1):
            yield (X * math.nan if number == 3 else X), y

    records = train(twin.train_epoch, model, optimizer, spoil_third_batch(), test_iter, 5)
    with pytest.raises(DivergedError, match="became nan in epoch 1, batch 3: try a smaller lr"):
        list(records)


def test_weight_that_is_not_finite_is_noticed_in_its_epoch(twin, batches, generator):
    train_iter, test_iter = batches
    model = twin.SoftmaxRegression(generator=generator)

    def train_epoch(model, train_iter, optimizer):
        with torch.no_grad():
            model.b[3] = math.inf
        return 0.5, 0.5

    with pytest.raises(DivergedError, match="weight is no longer finite after epoch 1"):
        list(train(train_epoch, model, None, train_iter, test_iter, 1))


@pytest.mark.parametrize(
    ("losses", "trouble"),
    [
        ([16.5], ""),
        ([16.5, 16.4], "the loss stays above 2.30 nats, that of guessing"),
        ([0.8, 2.6, 2.7], "the loss stays above 2.30 nats, that of guessing"),
        ([2.31, 2.31], ""),
        ([0.8, 2.4, 2.2], "the loss has risen above the 0.8000 nats of epoch 1"),
        ([0.8, 0.9, 0.7], ""),
        ([0.8, 0.6, 0.81, 0.9], "the loss has risen above the 0.8000 nats of epoch 1"),
        ([0.8, 0.9, 0.9, 0.6, 0.7], ""),
    ],
)
def test_trouble_is_named(losses, trouble):
    history = [EpochRecord(n, loss, 0.5, 0.5, 0.1) for n, loss in enumerate(losses, 1)]
    assert trouble_in(history, 10) == trouble
