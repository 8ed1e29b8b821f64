"""Timer, Accumulator, accuracy."""

import math

import pytest
import torch
from torch import nn

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


def test_accumulator_sums_numbers_and_tensors():
    metric = Accumulator(3)
    metric.add(1, 0.5, torch.tensor(2.0))
    metric.add(torch.tensor(2), 0.25, torch.tensor([3]))
    assert [metric[i] for i in range(3)] == [3, 0.75, 5]
    metric.add(1, 1, 1)
    assert metric[0] == 4
    metric.reset()
    assert metric[0] == 0


def test_a_reset_forgets_what_nobody_has_read():
    metric = Accumulator(1)
    metric.add(torch.tensor(5.0))
    metric.reset()
    metric.add(1)
    assert metric[0] == 1


def test_steps_are_counted_from_the_last_reset():
    metric = Accumulator(1)
    metric.add(1)
    metric.add(1)
    assert metric[0] == 2
    metric.reset()
    metric.add(1)
    metric.add(math.nan)
    with pytest.raises(NonFiniteError, match="nan in step 2"):
        metric[0]


def test_what_is_read_together_is_rounded_once():
    metric = Accumulator(1)
    for value in (1e100, 1e50, 1.0, -1e50, -1e100):
        metric.add(value)
    assert metric[0] == 1.0


def test_accumulator_is_exact_where_float32_would_round():
    metric = Accumulator(1)
    metric.add(torch.tensor(2.0**24))
    for _ in range(1000):
        metric.add(torch.tensor(1.0))
    assert metric[0] == 2**24 + 1000


def test_accumulator_reads_tensors_only_now_and_then():
    metric = Accumulator(1)
    for _ in range(Accumulator.LONGEST_WAIT - 1):
        metric.add(torch.tensor(1.0))
    assert len(metric.waiting) == Accumulator.LONGEST_WAIT - 1
    metric.add(torch.tensor(1.0))
    assert metric.waiting == []
    assert metric[0] == Accumulator.LONGEST_WAIT


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_accumulator_keeps_no_graph(device):
    metric = Accumulator(1)
    metric.add(torch.ones((), requires_grad=True, device=device) * 2)
    [[kept]] = metric.waiting
    assert kept == 2.0 if device == "cpu" else kept.grad_fn is None


def test_a_tensor_of_the_cpu_may_be_changed_once_it_is_added():
    metric, value = Accumulator(1), torch.tensor(3.0)
    metric.add(value)
    value.zero_()
    assert metric[0] == 3.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_accumulator_names_the_first_value_that_is_not_finite(bad):
    metric = Accumulator(2)
    for step in range(1, 2000):
        metric.add(torch.tensor(bad if step in (1500, 1700) else 1.0), 1)
    for _ in range(2):  # a sum that left the finite numbers does not come back
        with pytest.raises(NonFiniteError, match="step 1500") as caught:
            metric[1]
        assert caught.value.step == 1500


def test_accumulator_wants_a_value_a_sum():
    with pytest.raises(ValueError, match="1 values, expected 2"):
        Accumulator(2).add(1)


def test_accuracy_counts():
    y = torch.tensor([0, 1, 1])
    assert accuracy(torch.tensor([[2.0, 1.0], [0.0, 1.0], [3.0, 2.0]]), y) == 2.0
    assert accuracy(torch.tensor([0, 1, 0]), y) == 2.0
    assert accuracy(torch.tensor([[0.0], [1.0], [1.0]]).reshape(-1), y) == 3.0


@pytest.mark.parametrize(
    ("shape", "y_shape"),
    [
        ((5, 10), (1,)),
        ((3, 4), (2,)),
        ((3,), (2,)),
        ((2, 1), (3,)),
        ((2, 1, 3), (2,)),  # as long as y, but of three times as many numbers
        ((1, 1, 6), (6,)),  # of as many numbers, but for one example
    ],
)
def test_accuracy_wants_a_prediction_for_each_label(shape, y_shape):
    with pytest.raises(ValueError, match="predictions of shape"):
        accuracy(torch.zeros(shape), torch.zeros(y_shape, dtype=torch.int64))


def test_accuracy_of_columns():
    y = torch.tensor([[0.0], [1.0], [0.0], [1.0]])
    assert accuracy(torch.eye(4)[:, :2], y) == 3.0
    assert accuracy(y, y.reshape(-1)) == 4.0


def test_a_column_of_classes_is_no_row_of_scores():
    y = torch.tensor([[2.0], [0.0], [1.0]])
    assert accuracy(torch.eye(3)[[2, 0, 1]], y) == 3.0


def test_targets_of_a_single_example_are_a_row_of_scores():
    y = torch.tensor([[0.1, 0.2, 0.7]])
    assert accuracy(torch.tensor([[0.0, 0.0, 1.0]]), y) == 1.0
    assert accuracy(torch.tensor([[0.0, 1.0, 0.0]]), y) == 0.0


def test_accumulator_is_exact_for_mixed_tensors():
    metric = Accumulator(1)
    metric.add(torch.tensor(2**24 + 1))
    metric.add(torch.tensor(0.5))
    assert metric[0] == 2**24 + 1.5


def test_evaluate_accuracy_weights_by_batch_size():
    batches = [
        (torch.eye(3), torch.tensor([0, 1, 2])),
        (torch.eye(3)[:1], torch.tensor([2])),
    ]
    assert evaluate_accuracy(lambda X: X, batches) == 0.75


def test_evaluate_accuracy_needs_no_gradients():
    def net(X):
        assert not torch.is_grad_enabled()
        return X

    assert evaluate_accuracy(net, [(torch.eye(3), torch.tensor([0, 1, 2]))]) == 1.0


def test_evaluate_accuracy_switches_dropout_off():
    net = nn.Sequential(nn.Flatten(), nn.Dropout(0.999))
    X = torch.eye(10).repeat(20, 1)
    assert evaluate_accuracy(net, [(X, X.argmax(1))]) == 1.0
