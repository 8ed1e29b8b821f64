"""Softmax regression from scratch: tensor arithmetic, without torch.nn, torch.optim or autograd.

The twin of concise/softmax_regression.py: same names, same order, same numbers.
Shapes: n images in a batch, d = 784 pixels each, q = 10 classes. The loss is in nats.
"""

import torch

from d2l_softmax.training.checks import check_inputs, check_targets
from d2l_softmax.training.metrics import Accumulator, count_correct

from .optimizers import SGD, Adam, LinearDecay


def softmax(logits):
    """Turn each row of logits (n, q) into probabilities (n, q): positive, with sum 1.

    exp(o_j) / sum_k exp(o_k) (Bridle, 1990). Only differences within a row matter, so its maximum
    is subtracted first: nothing changes, and exp can't overflow.
    """
    exponentials = torch.exp(logits - logits.amax(dim=1, keepdim=True))  # (n, q) - (n, 1)
    return exponentials / exponentials.sum(dim=1, keepdim=True)  # (n, q) / (n, 1) -> (n, q)


def one_hot(y, like):
    """Return rows (n, q) with a 1 at the class y[i] and 0 elsewhere, of the dtype of `like`."""
    if y.dim() == 2:  # soft labels have this shape already
        return y
    return torch.zeros_like(like).scatter_(1, y.unsqueeze(1), 1.0)  # in row i at column y[i]


class SoftmaxRegression:
    """The model y_hat = softmax(X W + b): W starts as normal(0, 0.01), b as zero."""

    def __init__(self, num_inputs=784, num_outputs=10, dtype=None, device="cpu", generator=None):
        # drawn as (q, d), like nn.Linear's, and on the CPU: equal seeds give equal weights
        W = torch.normal(
            0.0, 0.01, (num_outputs, num_inputs), dtype=dtype, device="cpu", generator=generator
        )
        self.W = W.T.to(device)  # (d, q)
        self.b = torch.zeros(num_outputs, dtype=dtype, device=device)  # (q,)

    def parameters(self):
        """Return [W, b], the tensors that training changes."""
        return [self.W, self.b]

    def __call__(self, X):
        """Return the probabilities y_hat (n, q) of the images X (n, ...)."""
        check_inputs(X, self.W)
        XW = (self.W.T @ X.flatten(1).T).T  # (n, d) @ (d, q); the transpose is 3 times faster
        return softmax(XW + self.b)  # (n, q) + (q,) -> (n, q)

    def probabilities(self, X):
        """Return the probabilities y_hat (n, q) of the images X (n, ...)."""
        return self(X)

    def gradients(self, X, y_hat, y):
        """Return the gradients of the mean cross-entropy: [dW (d, q), db (q,)]."""
        # loss:       of an example x of class c, -log y_hat_c = log(sum_k exp(o_k)) - o_c
        # chain rule: d loss / d o_j = y_hat_j - onehot(c)_j, and d o_j / d W_ij = x_i
        # result:     dW = X^T (y_hat - onehot(y)) / n (Bishop, 2006, eq. 4.109)
        error = (y_hat - one_hot(y, y_hat)) / len(y)  # (n, q)
        dW = (error.T @ X.flatten(1)).T  # X^T error, (d, n) @ (n, q) -> (d, q)
        return [dW, error.sum(dim=0)]


def cross_entropy(y_hat, y, reduction="mean"):
    """Return -log y_hat[range(n), y], the cross-entropy: its "mean", its "sum", or "none", (n,).

    y has the classes (n,). With soft labels y (n, q), a loss is the sum of -y log(y_hat) over them.
    A probability that underflowed is clamped to the dtype's smallest normal number, so the loss
    stays finite: at most 87.3 in float32. The loss of nn.CrossEntropyLoss has no such limit.
    """
    check_targets(y_hat, y, reduction)
    tiny = torch.finfo(y_hat.dtype).tiny
    if y.dim() == 1:
        rows = torch.arange(len(y), device=y.device)  # range(n)
        losses = -torch.log(y_hat[rows, y].clamp(min=tiny))  # (n, q) -> (n,)
    else:
        losses = -(y * torch.log(y_hat.clamp(min=tiny))).sum(dim=1)  # (n, q) -> (n,)
    if reduction == "none":
        return losses
    return losses.mean() if reduction == "mean" else losses.sum()


def train_epoch(model, train_iter, optimizer, metric=None):
    """Train on every batch once; return the mean loss and the accuracy before each step."""
    metric = metric or Accumulator(3)  # sum of losses, correct predictions, examples
    for X, y in train_iter:
        y_hat = model(X)
        loss = cross_entropy(y_hat, y)
        # no zero_grad(): these gradients are new; autograd would add to those of the last step
        gradients = model.gradients(X, y_hat, y)
        optimizer.step(gradients)
        metric.add(loss * len(y), count_correct(y_hat, y), len(y))
    return metric[0] / metric[2], metric[1] / metric[2]
