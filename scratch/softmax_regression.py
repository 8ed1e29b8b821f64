"""Softmax regression by hand: tensor arithmetic, and not one line of torch's neural networks.

The twin of concise/softmax_regression.py: same names, same order, same numbers.
Shapes: n images in a batch, d = 784 pixels each, q = 10 classes. The loss is in nats.
"""

import torch

from d2l_softmax.training.checks import check_inputs, check_targets
from d2l_softmax.training.metrics import Accumulator, count_correct


def softmax(logits):
    """Turn each row of logits (n, q) into probabilities (n, q): positive, with sum 1.

    exp(o_j) / sum_k exp(o_k) (Bridle, 1990). Only differences within a row matter, so its maximum
    is taken away first: nothing changes, and exp can't overflow.
    """
    exponentials = torch.exp(logits - logits.amax(dim=1, keepdim=True))  # (n, q) - (n, 1)
    return exponentials / exponentials.sum(dim=1, keepdim=True)  # (n, q) / (n, 1) -> (n, q)


def matmul(A, B):
    """Return A @ B, (m, k) @ (k, q) -> (m, q), by its transpose: 3 times faster for a small q."""
    return (B.T @ A.T).T


class SoftmaxRegression:
    """The model y_hat = softmax(X W + b): W starts as normal(0, 0.01), b as zero."""

    def __init__(self, num_inputs=784, num_outputs=10, dtype=None, device=None, generator=None):
        shape = (num_outputs, num_inputs)  # drawn transposed, as nn.Linear draws its weight
        self.W = torch.normal(0.0, 0.01, shape, dtype=dtype, generator=generator).T.to(device)
        self.b = torch.zeros(num_outputs, dtype=dtype, device=device)

    def parameters(self):
        """Return [W, b]."""
        return [self.W, self.b]

    def __call__(self, X):
        """Return the probabilities y_hat (n, q) of the images X (n, ...)."""
        check_inputs(X, self.W)
        return softmax(matmul(X.flatten(1), self.W) + self.b)  # (n, d) @ (d, q) + (q,)

    probabilities = __call__

    def backward(self, X, y_hat, y):
        """Return the gradient of the mean cross-entropy: [dW (d, q), db (q,)].

        Its derivative by the logits is y_hat - onehot(y) (Bishop, 2006, the factor before the
        inputs in eq. 4.109). y is taken as cross_entropy, which checks it, takes it.
        """
        delta = (y_hat - one_hot(y, y_hat)) / len(y)  # (n, q)
        dW = matmul(X.flatten(1).T, delta)  # (d, n) @ (n, q) -> (d, q)
        return [dW, delta.sum(dim=0)]


def one_hot(y, like):
    """Write each class of y (n,) as a row with one 1 among zeros: (n, q), q and dtype as `like`."""
    if y.dim() == 2:  # rows already
        return y
    return torch.zeros_like(like).scatter_(1, y.unsqueeze(1), 1.0)  # in row i at column y[i]


def cross_entropy(y_hat, y, reduction="mean"):
    """Return minus the sum of y log(y_hat) over the classes: its "mean", its "sum" or "none", (n,).

    y holds target probabilities (n, q), or classes (n,): the sum then has one term that isn't
    zero, picked by index. A probability that underflowed counts as the dtype's smallest normal
    number, so the loss stays finite: 87.3 at most in float32, where the library's grows on.
    """
    check_targets(y_hat, y, reduction)
    tiny = torch.finfo(y_hat.dtype).tiny
    if y.dim() == 2:
        losses = -(y * torch.log(y_hat.clamp(min=tiny))).sum(dim=1)  # (n, q) -> (n,)
    else:
        rows = torch.arange(len(y), device=y.device)  # a Python range is copied number by number
        losses = -torch.log(y_hat[rows, y].clamp(min=tiny))  # y_hat[range(n), y]: (n, q) -> (n,)
    return losses if reduction == "none" else getattr(losses, reduction)()


class SGD:
    """Stochastic gradient descent with momentum (Polyak, 1964) and weight decay."""

    def __init__(self, parameters, lr, momentum=0.0, weight_decay=0.0):
        self.parameters = list(parameters)
        self.velocities = [torch.zeros_like(p) for p in self.parameters]
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay

    def step(self, gradients):
        """Take one step against the gradients."""
        for p, v, g in zip(self.parameters, self.velocities, gradients, strict=True):
            v.mul_(self.momentum).add_(g.add(p, alpha=self.weight_decay))
            p.sub_(v, alpha=self.lr)


class Adam:
    """Adam (Kingma and Ba, 2015, algorithm 1); weight decay is added to the gradient."""

    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        self.parameters = list(parameters)
        self.means = [torch.zeros_like(p) for p in self.parameters]
        self.squares = [torch.zeros_like(p) for p in self.parameters]
        self.lr, self.betas, self.eps, self.weight_decay, self.t = lr, betas, eps, weight_decay, 0

    def step(self, gradients):
        """Take one step; the moments' bias towards their start at zero is divided out."""
        self.t += 1
        decay1, decay2 = self.betas
        for p, m, s, g in zip(self.parameters, self.means, self.squares, gradients, strict=True):
            g = g + self.weight_decay * p
            m.mul_(decay1).add_((1 - decay1) * g)
            s.mul_(decay2).add_((1 - decay2) * g * g)
            m_hat, s_hat = m / (1 - decay1**self.t), s / (1 - decay2**self.t)
            p -= self.lr * m_hat / (s_hat.sqrt() + self.eps)


class LinearDecay:
    """Lower an optimizer's learning rate by the same amount after each epoch, from lr to zero."""

    def __init__(self, optimizer, epochs):
        self.optimizer, self.fall = optimizer, optimizer.lr / epochs

    def step(self):
        """End an epoch."""
        self.optimizer.lr -= self.fall


@torch.inference_mode()  # autograd has nothing to do here
def train_epoch(model, train_iter, optimizer):
    """Train on every batch once; return the mean loss and the accuracy before each step."""
    metric = Accumulator(3)  # sum of losses, correct predictions, examples
    for X, y in train_iter:
        y_hat = model(X)
        loss = cross_entropy(y_hat, y)
        optimizer.step(model.backward(X, y_hat, y))
        metric.add(loss * len(y), count_correct(y_hat, y), len(y))
    return metric[0] / metric[2], metric[1] / metric[2]
