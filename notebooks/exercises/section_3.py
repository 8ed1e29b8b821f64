"""Section 3: cross-entropy · 交叉熵."""

import math

import torch

from .exercise import Exercise, Mistake


def loss_of_guessing(num_classes):
    """Return the cross-entropy, in nats, of a model that gives every class the same probability.

    An untrained model does nearly that. Which initial loss do you expect with ten classes?

    中文：一个模型给每个类别相同的概率，返回它的交叉熵（单位 nat）。

    没有训练过的模型差不多就是这样。有十个类别时，最初的损失应该是多少？
    """
    return math.log(num_classes)  # = -log(1 / num_classes)


def cross_entropy(y_hat, one_hot):
    """Return the cross-entropy of each of n examples, (n,): `-sum_j y_j log(y_hat_j)`.

    The labels `one_hot` (n, q) are rows with a single 1 and otherwise 0. `y_hat` (n, q) are
    probabilities.

    中文：返回 n 个样本各自的交叉熵，形状 (n,)：`-sum_j y_j log(y_hat_j)`。

    标签 `one_hot` (n, q) 的每一行有一个 1，其余为 0；`y_hat` (n, q) 是概率。
    """
    return -(one_hot * torch.log(y_hat)).sum(dim=1)


def kl_divergence(p, q):
    """Return `sum_j p_j log(p_j / q_j)`: the excess of q's cross-entropy over the minimum.

    Of all predictions q for labels that are distributed as p (q,), p itself has the smallest
    cross-entropy, `-sum_j p_j log(p_j)`. The excess is the Kullback-Leibler divergence.
    Entries of p may be 0; what should `p_j log(p_j)` be then, and what does torch compute?

    中文：返回 `sum_j p_j log(p_j / q_j)`：用 q 作预测时，交叉熵比最小值高出多少。

    标签服从分布 p 时，所有预测 q 中交叉熵最小的是 p 自己，最小值为 `-sum_j p_j log(p_j)`。高出的
    部分就是 KL 散度。p 的某些分量可以是 0：这时 `p_j log(p_j)` 应该是多少？torch 又会算出什么？
    """
    return (torch.xlogy(p, p) - p * torch.log(q)).sum()  # xlogy(0, 0) is 0


EXERCISES = [
    Exercise(
        loss_of_guessing,
        calls=[(10,), (2,), (1,)],
        hint=(
            "Each class has probability 1/q, the true one too: its loss is -log(1/q).",
            "每个类别的概率都是 1/q，真实类别也一样：损失是 -log(1/q)。",
        ),
        remark=("2.30 with ten classes.", "十个类别时是 2.30。"),
        mistakes=[
            Mistake(
                lambda q: 1 / q,
                "This is the probability of the true class; the loss is -log of it.",
                "这是真实类别的概率；损失是它的 -log。",
            ),
            Mistake(
                lambda q: math.log(1 / q),
                "The sign is wrong: log of a probability is negative; the loss is -log.",
                "符号不对：概率的 log 是负数，损失要再取负。",
            ),
            Mistake(
                math.log2,
                "This is in bits; nats take the natural logarithm, math.log.",
                "这是以比特为单位的；nat 要用自然对数 math.log。",
            ),
            Mistake(
                math.log10,
                "Take the natural logarithm: math.log.",
                "要用自然对数：math.log。",
            ),
        ],
    ),
    Exercise(
        cross_entropy,
        calls=[
            (
                torch.tensor([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5]]),
                torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
            )
        ],
        hint=(
            "The loss of a row is -log of the probability where its label is 1.",
            "每一行最后剩下的，是标签为 1 的位置上概率的 -log。",
        ),
        mistakes=[
            Mistake(
                lambda y_hat, y: (y * torch.log(y_hat)).sum(dim=1),
                "The sign is wrong: log of a probability is negative; the loss is -log.",
                "符号不对：概率的 log 是负数，损失要再取负。",
            ),
            Mistake(
                lambda y_hat, y: -(y * torch.log(y_hat)).sum(dim=0),
                "Each example is a row: sum along dimension 1, not 0.",
                "每个样本是一行：沿第 1 维求和，而不是第 0 维。",
            ),
            Mistake(
                lambda y_hat, y: -(y * torch.log(y_hat)).sum(),
                "This is one number for all examples; each has a loss: sum along dimension 1.",
                "这是所有样本的总和；每个样本要有自己的一个数：沿第 1 维求和。",
            ),
            Mistake(
                lambda y_hat, y: -(y * torch.log(y_hat)).mean(dim=1),
                "Sum over the classes; their mean is smaller by the number of classes.",
                "对类别应求和；取均值会小 q 倍（q 是类别数）。",
            ),
            Mistake(
                lambda y_hat, y: -torch.log(y * y_hat).sum(dim=1),
                "log(0) is -inf: take the log of y_hat alone, and then multiply by the label.",
                "log(0) 是 -inf：只对 y_hat 取 log，然后再乘标签。",
            ),
        ],
    ),
    Exercise(
        kl_divergence,
        calls=[
            (torch.tensor([0.5, 0.25, 0.25]), torch.tensor([0.2, 0.3, 0.5])),
            (torch.tensor([0.5, 0.25, 0.25]), torch.tensor([0.5, 0.25, 0.25])),
            (torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.2, 0.3, 0.5])),
        ],
        hint=(
            "It is 0 for q = p and positive otherwise; with a one-hot p it is the cross-entropy.",
            "q = p 时为 0，否则为正；p 为独热时，它就是交叉熵。",
        ),
        mistakes=[
            Mistake(
                lambda p, q: (p * torch.log(p / q)).sum(),
                "Right except for p_j = 0, where 0 · log(0) should be 0 and is nan in torch: "
                "use torch.xlogy(p, p), or leave these entries out.",
                "除了 p_j = 0 都对：0 · log(0) 应该是 0，torch 却给出 nan；"
                "用 torch.xlogy(p, p)，或去掉这些分量。",
            ),
            Mistake(
                lambda p, q: (p * (torch.log(p) - torch.log(q))).sum(),
                "Right except for p_j = 0, where 0 · log(0) should be 0 and is nan in torch: "
                "use torch.xlogy(p, p), or leave these entries out.",
                "除了 p_j = 0 都对：0 · log(0) 应该是 0，torch 却给出 nan；"
                "用 torch.xlogy(p, p)，或去掉这些分量。",
            ),
            Mistake(
                lambda p, q: -(p * torch.log(q)).sum(),
                "This is the cross-entropy; subtract its minimum, the entropy of p.",
                "这是交叉熵；还要减去它的最小值，也就是 p 的熵。",
            ),
            Mistake(
                lambda p, q: (torch.xlogy(q, q) - q * torch.log(p)).sum(),
                "p and q are swapped, and the divergence isn't symmetric.",
                "p 和 q 的位置反了，而 KL 散度是不对称的。",
            ),
            Mistake(
                lambda p, q: (p * torch.log(q) - torch.xlogy(p, p)).sum(),
                "The sign is wrong: the divergence is never negative.",
                "符号不对：KL 散度从不为负。",
            ),
        ],
    ),
]
