"""Section 2: linear outputs, softmax, argmax · 线性输出、softmax 与 argmax."""

import math

import torch

from .exercise import Exercise, Mistake


def softmax(logits):
    """Return the softmax of one row of logits (q,): `exp(o_j) / sum_k exp(o_k)`.

    First by hand: what is the softmax of the logits 0 and log 3?

    中文：返回一行未规范化的预测（logits）的 softmax，形状 (q,)：`exp(o_j) / sum_k exp(o_k)`。

    先动手算一算：logits 为 0 和 log 3 时，结果是什么？
    """
    exponentials = torch.exp(logits)
    return exponentials / exponentials.sum()


def softmax_at(logits, temperature):
    """Return the softmax of one row of logits after each was divided by the temperature.

    What do the probabilities become near temperature 0, and at a very high one? Does the order of
    the classes ever change?

    中文：先把一行 logits 都除以温度，再做 softmax，返回结果。

    温度接近 0 时概率变成什么样？温度很高时呢？类别的大小次序会改变吗？
    """
    return torch.softmax(logits / temperature, dim=0)


def sigmoid_input(logits):
    """Return the z whose sigmoid is the second of the two entries of `softmax(logits)`.

    With two classes softmax is the sigmoid, `1 / (1 + exp(-z))`, of a single number. Divide
    numerator and denominator of softmax by `exp(o_1)`, and read off z. How many logits does a model
    of two classes really need?

    中文：只有两个类别时，返回一个数 z，使 `sigmoid(z)` 等于 `softmax(logits)` 的第二个分量。

    两个类别的 softmax 就是某一个数的 sigmoid：`1 / (1 + exp(-z))`。把 softmax 的分子和分母同除以
    `exp(o_1)`，就能看出 z 是什么。两个类别的模型其实需要几个 logit？
    """
    return logits[1] - logits[0]


EXERCISES = [
    Exercise(
        softmax,
        calls=[(torch.tensor([0.0, math.log(3)]),), (torch.tensor([1.0, -1.0, 3.0, 0.5]),)],
        hint=(
            "All entries are positive and their sum is 1: exp first, then divide by the sum.",
            "每个分量都为正，总和为 1：先取 exp，再除以总和。",
        ),
        remark=("¼ and ¾: the exponentials are 1 and 3.", "¼ 和 ¾：两个 exp 是 1 和 3。"),
        mistakes=[
            Mistake(
                lambda o: o / o.sum(),
                "Take exp first: logits may be negative, and then a share of the sum is no "
                "probability.",
                "要先取 exp：logits 可能是负数，直接除以总和得不到概率。",
            ),
            Mistake(
                torch.exp,
                "These are positive, but their sum isn't 1: divide by the sum of all of them.",
                "结果都是正数，但总和不是 1：还要除以它们的总和。",
            ),
            Mistake(
                lambda o: torch.exp(o) / o.sum(),
                "Divide by the sum of the exponentials, not of the logits.",
                "应除以各个 exp 的总和，而不是 logits 的总和。",
            ),
            Mistake(
                lambda o: torch.exp(o) / torch.exp(o).max(),
                "Divide by the sum of the exponentials, not by the largest.",
                "应除以各个 exp 的总和，而不是最大的那一个。",
            ),
        ],
    ),
    Exercise(
        softmax_at,
        calls=[
            (torch.tensor([1.0, 2.0, 4.0]), 2.0),
            (torch.tensor([1.0, 2.0, 4.0]), 0.1),
            (torch.tensor([1.0, 2.0, 4.0]), 100.0),
        ],
        hint=(
            "Divide the logits, then take the softmax; torch.softmax(…, dim=0) may be used.",
            "先除 logits，再做 softmax；可以用 torch.softmax(…, dim=0)。",
        ),
        remark=(
            "Near 0 the largest gets probability 1, at a high temperature all get 1/q; the order "
            "of the classes never changes.",
            "接近 0 时，最大的概率趋于 1；温度很高时都趋于 1/q；类别的次序始终不变。",
        ),
        mistakes=[
            Mistake(
                lambda o, t: torch.softmax(o * t, dim=0),
                "Divide by the temperature: a higher one brings the probabilities together.",
                "应除以温度：温度越高，各个概率越接近。",
            ),
            Mistake(
                lambda o, t: torch.softmax(o, dim=0) / t,
                "The logits are divided, before softmax; afterwards the sum is no longer 1.",
                "要在 softmax 之前除 logits；在它之后再除，总和就不是 1 了。",
            ),
            Mistake(
                lambda o, t: torch.softmax(o, dim=0),
                "The temperature isn't used: divide the logits by it.",
                "没有用到温度：要用它去除 logits。",
            ),
            Mistake(
                lambda o, t: torch.exp(o / t),
                "The exponentials still have to be divided by their sum.",
                "各个 exp 还要除以它们的总和。",
            ),
        ],
    ),
    Exercise(
        sigmoid_input,
        calls=[(torch.tensor([1.0, 3.0]),), (torch.tensor([101.0, 103.0]),)],
        hint=(
            "exp(o_2) / (exp(o_1) + exp(o_2)) = 1 / (1 + exp(-z)): which z makes both the same?",
            "exp(o_2) / (exp(o_1) + exp(o_2)) = 1 / (1 + exp(-z))：z 取什么值时两边相等？",
        ),
        remark=(
            "A single logit is enough: only the difference of the two matters.",
            "一个就够了：起作用的只有两者之差。",
        ),
        mistakes=[
            Mistake(
                lambda o: o[0] - o[1],
                "The sign is wrong: this belongs to the first class, not to the second.",
                "符号反了：这是第一个类别的 z，不是第二个的。",
            ),
            Mistake(
                lambda o: o[1],
                "Only differences between logits matter: with 100 on both z must stay the same.",
                "只有 logits 之间的差才起作用：两个都加上 100，z 应该不变。",
            ),
            Mistake(
                lambda o: torch.sigmoid(o[1] - o[0]),
                "This is the probability itself; return the z in sigmoid(z).",
                "这已经是概率了；要求的是 sigmoid(z) 里的 z。",
            ),
            Mistake(
                lambda o: torch.softmax(o, dim=0)[1],
                "This is the probability itself; return the z in sigmoid(z).",
                "这已经是概率了；要求的是 sigmoid(z) 里的 z。",
            ),
        ],
    ),
]
