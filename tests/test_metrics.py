"""Timer, Accumulator, accuracy; properties for any input are in test_properties.py."""

import json
import math

import pytest
import torch

from d2l_softmax import Accumulator, Timer, accuracy, evaluate_accuracy
from d2l_softmax.training.metrics import NonFiniteError


def test_timer_keeps_laps(clock):
    timer = Timer()
    clock.now += 3
    assert timer.stop() == 3
    clock.now += 100  # between two laps
    timer.start()
    clock.now += 5
    assert timer.stop() == 5
    assert timer.times == [3, 5]
    assert timer.sum() == 8
    assert timer.avg() == 4
    assert timer.cumsum() == [3, 8]


@pytest.mark.parametrize(
    ("values", "step"),
    [([1.0, math.nan, 2.0], 2), ([1.5e308, 1.0, 1e308], 3), ([torch.tensor(-math.inf)], 1)],
)
def test_the_step_of_a_sum_that_is_not_finite_is_counted_from_the_last_reset(values, step):
    metric = Accumulator(2)
    metric.add(1, 1)
    metric.reset()
    with pytest.raises(NonFiniteError, match=f"(nan|inf) in step {step}") as caught:
        list(map(metric.add, [1] * len(values), values))
    assert caught.value.step == step
    for read in (lambda: metric[1], metric.state_dict):
        with pytest.raises(NonFiniteError, match=f"in step {step}"):
            read()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_accumulator_keeps_no_graph(device):
    metric = Accumulator(1)
    metric.add(torch.ones((), requires_grad=True, device=device) * 2)
    [kept] = metric.sums
    assert kept == 2.0 if device == "cpu" else kept.grad_fn is None


def test_an_accumulator_continues_from_a_state_dict():
    values = torch.rand(3000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    whole = Accumulator(2)
    for value in values:
        whole.add(value, 1)
    for stop in (1, 2999):
        one, two = Accumulator(2), Accumulator(2)
        for value in values[:stop]:
            one.add(value, 1)
        two.load_state_dict(json.loads(json.dumps(one.state_dict())))
        for value in values[stop:]:
            two.add(value, 1)
        assert (two[0], two[1]) == (whole[0], whole[1])


def test_accumulator_takes_a_value_for_each_sum():
    with pytest.raises(ValueError, match="1 values, expected 2"):
        Accumulator(2).add(1)


@pytest.mark.parametrize(
    ("shape", "y_shape"),
    [
        ((5, 10), (1,)),
        ((3,), (2,)),
        ((2, 1, 3), (2,)),  # as long as y, but three times its numbers
        ((1, 1, 6), (6,)),  # the same number of values, but for one example
    ],
)
def test_accuracy_takes_a_prediction_for_each_label(shape, y_shape):
    with pytest.raises(ValueError, match="predictions have shape"):
        accuracy(torch.zeros(shape), torch.zeros(y_shape, dtype=torch.int64))


def test_labels_must_be_whole_numbers():
    for label in (1.9, 0.1, math.nan):
        with pytest.raises(ValueError, match="labels that are not whole numbers"):
            accuracy(torch.eye(2), torch.tensor([0.0, label]))
    assert accuracy(torch.eye(2), torch.tensor([0.0, 1.0])) == 2


@pytest.mark.parametrize("batches", [[], [(torch.zeros(0, 3), torch.zeros(0).long())]])
def test_without_examples_there_is_no_accuracy(batches):
    with pytest.raises(ValueError, match="data_iter has no batches"):
        evaluate_accuracy(lambda X: X, batches)
