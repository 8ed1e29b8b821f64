"""Softmax regression with the library: torch.nn, torch.optim and autograd.

The twin of scratch/softmax_regression.py: same names, same order, same numbers.
Shapes: n images in a batch, d = 784 pixels each, q = 10 classes. The loss is in nats.
"""

from torch import nn

from d2l_softmax.training.checks import check_inputs, check_targets
from d2l_softmax.training.metrics import Accumulator, count_correct

from .optimizers import SGD, Adam, LinearDecay


def softmax(logits):
    """Turn each row of logits (n, q) into probabilities (n, q): positive, with sum 1.

    Only for probabilities: in training, nn.CrossEntropyLoss includes it.
    """
    return nn.functional.softmax(logits, dim=1)


# one_hot() is inside nn.CrossEntropyLoss, which takes classes and soft labels as they are
LOSSES = {r: nn.CrossEntropyLoss(reduction=r) for r in ("mean", "sum", "none")}


class SoftmaxRegression(nn.Module):
    """The model logits = X W + b: W starts as normal(0, 0.01), b as zero."""

    def __init__(self, num_inputs=784, num_outputs=10, dtype=None, device="cpu", generator=None):
        super().__init__()
        # nn.Linear() would also draw default weights, and so advance torch's global generator
        linear = nn.utils.skip_init(nn.Linear, num_inputs, num_outputs, dtype=dtype)
        nn.init.normal_(linear.weight, std=0.01, generator=generator)
        nn.init.zeros_(linear.bias)
        self.net = nn.Sequential(nn.Flatten(), linear).to(device)

    # parameters() is inherited from nn.Module; W and b are the names in both twins
    W = property(lambda self: self.net[1].weight.T)  # (d, q)
    b = property(lambda self: self.net[1].bias)  # (q,)

    def forward(self, X):
        """Return the logits (n, q) of the images X (n, ...)."""
        check_inputs(X, self.W)
        return self.net(X)  # (n, 1, 28, 28) -> (n, d) -> (n, q)

    def probabilities(self, X):
        """Return the probabilities y_hat (n, q) of the images X (n, ...)."""
        return softmax(self(X))

    # gradients() is loss.backward(): autograd derives it from the forward pass


def cross_entropy(logits, y, reduction="mean"):
    """Return -log y_hat[range(n), y], the cross-entropy: its "mean", its "sum", or "none", (n,).

    y has the classes (n,). With soft labels y (n, q), a loss is the sum of -y log(y_hat) over them.
    """
    check_targets(logits, y, reduction)
    return LOSSES[reduction](logits, y)


def train_epoch(model, train_iter, optimizer, metric=None):
    """Train on every batch once; return the mean loss and the accuracy before each step."""
    metric = metric or Accumulator(3)  # sum of losses, correct predictions, examples
    for X, y in train_iter:
        logits = model(X)
        loss = cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        metric.add(loss * len(y), count_correct(logits, y), len(y))
    return metric[0] / metric[2], metric[1] / metric[2]
