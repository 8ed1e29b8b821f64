"""Optimizers from scratch: SGD, Adam, and a learning rate that decreases to zero.

The twin of concise/optimizers.py: same names, same order, same numbers.
"""

import torch

from d2l_softmax.training.checks import check_numbers


class SGD:
    """Stochastic gradient descent with momentum (Polyak, 1964) and weight decay."""

    def __init__(self, parameters, lr, momentum=0.0, weight_decay=0.0):
        numbers = check_numbers(lr=lr, momentum=momentum, weight_decay=weight_decay)
        self.parameters = list(parameters)
        self.velocities = [torch.zeros_like(p) for p in self.parameters]
        self.lr, self.momentum, self.weight_decay = numbers

    def step(self, gradients):
        """Update each parameter by its gradient."""
        for p, v, g in zip(self.parameters, self.velocities, gradients, strict=True):
            if self.weight_decay:
                g = g.add(p, alpha=self.weight_decay)
            if self.momentum:
                g = v.mul_(self.momentum).add_(g)  # v = momentum * v + g
            p.sub_(g, alpha=self.lr)  # p -= lr * g, rounded once, as torch.optim rounds it

    def state_dict(self):
        """Return the settings and the velocities, for a checkpoint."""
        settings = {"lr": self.lr, "momentum": self.momentum, "weight_decay": self.weight_decay}
        return {**settings, "velocities": self.velocities}

    def load_state_dict(self, state_dict):
        """Continue from the state_dict of another SGD; its tensors are copied."""
        self.lr, self.momentum = state_dict["lr"], state_dict["momentum"]
        self.weight_decay = state_dict["weight_decay"]
        for v, saved in zip(self.velocities, state_dict["velocities"], strict=True):
            v.copy_(saved)


class Adam:
    """Adam (Kingma and Ba, 2015, algorithm 1); weight decay is added to the gradient."""

    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        self.lr, self.eps, self.weight_decay = check_numbers(
            lr=lr, eps=eps, weight_decay=weight_decay
        )
        self.betas = tuple(check_numbers(below=1, beta1=betas[0], beta2=betas[1]))
        self.parameters = list(parameters)
        self.means = [torch.zeros_like(p) for p in self.parameters]
        self.squares = [torch.zeros_like(p) for p in self.parameters]
        self.t = 0

    def step(self, gradients):
        """Update each parameter; the moments' bias towards zero, their start, is divided out."""
        self.t += 1
        beta1, beta2 = self.betas
        for p, m, s, g in zip(self.parameters, self.means, self.squares, gradients, strict=True):
            g = g + self.weight_decay * p
            m.mul_(beta1).add_((1 - beta1) * g)
            s.mul_(beta2).add_((1 - beta2) * g * g)
            m_hat, s_hat = m / (1 - beta1**self.t), s / (1 - beta2**self.t)
            p -= self.lr * m_hat / (s_hat.sqrt() + self.eps)

    def state_dict(self):
        """Return the settings, the moments and the number of steps, for a checkpoint."""
        settings = {"lr": self.lr, "betas": self.betas, "eps": self.eps}
        settings["weight_decay"] = self.weight_decay
        return {**settings, "means": self.means, "squares": self.squares, "t": self.t}

    def load_state_dict(self, state_dict):
        """Continue from the state_dict of another Adam; its tensors are copied."""
        self.lr, self.betas, self.eps = (state_dict[name] for name in ("lr", "betas", "eps"))
        self.weight_decay, self.t = state_dict["weight_decay"], state_dict["t"]
        for moments, saved in ((self.means, "means"), (self.squares, "squares")):
            for moment, value in zip(moments, state_dict[saved], strict=True):
                moment.copy_(value)


class LinearDecay:
    """Decrease an optimizer's learning rate after each epoch, linearly from lr to zero."""

    def __init__(self, optimizer, epochs):
        self.optimizer, self.decrement = optimizer, optimizer.lr / epochs

    def step(self):
        """Decrease the learning rate, after an epoch; once zero, it stays zero."""
        self.optimizer.lr = max(0.0, self.optimizer.lr - self.decrement)

    def state_dict(self):
        """Return the decrement, for a checkpoint; the optimizer's state_dict has the rate."""
        return {"decrement": self.decrement}

    def load_state_dict(self, state_dict):
        """Continue from the state_dict of another LinearDecay."""
        self.decrement = state_dict["decrement"]
