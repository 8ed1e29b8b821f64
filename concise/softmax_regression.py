"""Softmax regression with the library: torch.nn, torch.optim and autograd.

The twin of scratch/softmax_regression.py: same names, same order, same numbers.
Shapes: n images in a batch, d = 784 pixels each, q = 10 classes. The loss is in nats.
"""

import torch
from torch import nn

from d2l_softmax.training.checks import check_inputs, check_targets
from d2l_softmax.training.metrics import Accumulator, count_correct

# To read off probabilities; for training, nn.CrossEntropyLoss has it built in and takes logits.
softmax = nn.Softmax(dim=1)


# matmul() is inside nn.Linear


class SoftmaxRegression(nn.Module):
    """The model logits = X W + b: W starts as normal(0, 0.01), b as zero."""

    def __init__(self, num_inputs=784, num_outputs=10, dtype=None, device=None, generator=None):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(num_inputs, num_outputs, dtype=dtype))
        nn.init.normal_(self.net[1].weight, std=0.01, generator=generator)
        nn.init.zeros_(self.net[1].bias)
        self.to(device)

    # parameters() is nn.Module's; by the names that both twins share:
    W = property(lambda self: self.net[1].weight.T)  # (d, q)
    b = property(lambda self: self.net[1].bias)  # (q,)

    def forward(self, X):
        """Return the logits (n, q) of the images X (n, ...)."""
        check_inputs(X, self.W)
        return self.net(X)  # (n, 1, 28, 28) -> (n, d) -> (n, q)

    def probabilities(self, X):
        """Return the probabilities y_hat (n, q) of the images X (n, ...)."""
        return softmax(self(X))

    # backward() is loss.backward(): autograd derives it from the forward pass


# one_hot() is not needed: nn.CrossEntropyLoss takes classes and rows as they are


def cross_entropy(logits, y, reduction="mean"):
    """Return minus the sum of y log(y_hat) over the classes: its "mean", its "sum" or "none", (n,).

    y holds target probabilities (n, q) or classes (n,).
    """
    check_targets(logits, y, reduction)
    return nn.CrossEntropyLoss(reduction=reduction)(logits, y)


SGD = torch.optim.SGD


Adam = torch.optim.Adam


def LinearDecay(optimizer, epochs):
    """Lower an optimizer's learning rate by the same amount after each epoch, from lr to zero."""
    return torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=epochs)


def train_epoch(model, train_iter, optimizer):
    """Train on every batch once; return the mean loss and the accuracy before each step."""
    metric = Accumulator(3)  # sum of losses, correct predictions, examples
    for X, y in train_iter:
        logits = model(X)
        loss = cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        metric.add(loss * len(y), count_correct(logits, y), len(y))
    return metric[0] / metric[2], metric[1] / metric[2]
