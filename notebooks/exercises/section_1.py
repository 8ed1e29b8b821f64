"""Section 1: regression and classification · 回归与分类."""

import torch

from .exercise import Exercise, Mistake


def class_scores(X, W, b):
    """Return the scores of q classes for n examples: `X` is (n, d), `W` is (d, q), `b` is (q,).

    Regression has one output for an example; here each class has its own output. Write it as one
    matrix product, without a loop.

    中文：返回 n 个样本在 q 个类别上的分数：`X` 是 (n, d)，`W` 是 (d, q)，`b` 是 (q,)。

    回归对每个样本只有一个输出，这里每个类别各有一个。用一次矩阵乘法写出来，不用循环。
    """
    return X @ W + b  # (n, d) @ (d, q) + (q,) -> (n, q)


def count_parameters(num_inputs, num_outputs):
    """Return the number of parameters of a linear model, weights and biases together.

    First work out by hand: how many are there for images of 28×28 pixels and ten classes?

    中文：返回一个线性模型要学习多少个数，权重和偏置一起算。

    先动手算一算：28×28 像素的图片、十个类别，一共有多少个？
    """
    return num_inputs * num_outputs + num_outputs


def class_by_regression(probabilities):
    """Return the class, an integer, that regression on the class numbers would predict.

    Why not treat the class as a number, and estimate that number? Suppose that class k has the
    probability `probabilities[k]`. The number with the smallest expected squared error is then the
    mean of the class numbers; round it. What does it predict for an image that is a T-shirt (0) or
    a bag (8), each with probability ½?

    中文：如果把类别的编号当作数值来做回归，会预测出哪个类别？返回一个整数。

    为什么不能把类别当成一个数来估计？设类别 k 的概率是 `probabilities[k]`，期望平方误差最小的那个数
    就是编号的均值，把它四舍五入。如果一张图片是 T恤（0）和包（8）的概率各为 ½，这样会预测成什么？
    """
    numbers = torch.arange(len(probabilities))
    return round((probabilities * numbers).sum().item())


EXERCISES = [
    Exercise(
        class_scores,
        calls=[
            (
                torch.tensor([[1.0, 2.0], [0.0, -1.0], [3.0, 0.5]]),
                torch.tensor([[1.0, 0.0], [2.0, -1.0]]),
                torch.tensor([0.5, 10.0]),
            )
        ],
        hint=(
            "Row i of the result belongs to example i, column j to class j: X @ W has that shape.",
            "结果的第 i 行属于样本 i，第 j 列属于类别 j：X @ W 正是这个形状。",
        ),
        mistakes=[
            Mistake(
                lambda X, W, b: X @ W,
                "The bias is missing: add b to every row.",
                "少了偏置：每一行都要加上 b。",
            ),
            Mistake(
                lambda X, W, b: X @ (W + b),
                "The bias belongs to the outputs, not to the weights: first X @ W, then + b.",
                "偏置加在输出上，不是加在权重上：先算 X @ W，再加 b。",
            ),
            Mistake(
                lambda X, W, b: X @ W.T + b,
                "W is (d, q) already, one column for each class: don't transpose it.",
                "W 已经是 (d, q)，每个类别一列：不要转置。",
            ),
            Mistake(
                lambda X, W, b: W @ X + b,
                "The shapes don't fit: the examples' rows come first, X @ W.",
                "形状对不上：样本的行在前面，应为 X @ W。",
            ),
        ],
    ),
    Exercise(
        count_parameters,
        calls=[(784, 10), (4, 3), (1, 1)],
        hint=(
            "Each output has a weight for every input, and one bias.",
            "每个输出对每个输入都有一个权重，另外还有一个偏置。",
        ),
        remark=(
            "7,850 for Fashion-MNIST: 784 · 10 + 10.",
            "Fashion-MNIST 有 7,850 个：784 · 10 + 10。",
        ),
        mistakes=[
            Mistake(
                lambda d, q: d * q,
                "These are the weights alone: each output has a bias too.",
                "这只是权重的个数：每个输出还有一个偏置。",
            ),
            Mistake(
                lambda d, q: d * q + 1,
                "Each output has its own bias: add num_outputs.",
                "每个输出都有自己的偏置，偏置的个数等于输出的个数。",
            ),
            Mistake(
                lambda d, q: (d + 1) * (q + 1),
                "The bias acts like one more input, not like one more output.",
                "偏置相当于多一个输入，而不是多一个输出。",
            ),
        ],
    ),
    Exercise(
        class_by_regression,
        calls=[
            (torch.tensor([0.5, 0, 0, 0, 0, 0, 0, 0, 0.5, 0]),),
            (torch.tensor([0.0, 0.2, 0.0, 0.8]),),  # mean 2.6
            (torch.tensor([0.6, 0.0, 0.0, 0.4]),),  # mean 1.2
        ],
        hint=(
            "The mean is the sum of each class's number times its probability; then round().",
            "均值等于每个类别的编号乘以它的概率，再求和；最后用 round() 取整。",
        ),
        remark=(
            "A coat (4), certainly wrong: numbers have an order and distances, classes have none.",
            "会预测成外套（4）：肯定是错的。编号带来了次序和距离，而类别之间并没有这些。",
        ),
        mistakes=[
            Mistake(
                lambda p: p.argmax().item(),
                "This is the most probable class, what classification says. Regression says the "
                "mean of the numbers, even where no class near it is probable.",
                "这是概率最大的类别，是分类的答案。回归的答案是编号的均值，哪怕均值附近的类别根本不可能。",
            ),
            Mistake(
                lambda p: (p * torch.arange(len(p))).sum(),
                "A class is an integer: round the mean, as in round(mean.item()).",
                "类别是整数：要对均值取整，例如 round(mean.item())。",
            ),
            Mistake(
                lambda p: int((p * torch.arange(len(p))).sum()),
                "int() truncates; round() returns the nearest integer.",
                "int() 只是截去小数部分；round() 才取最接近的整数。",
            ),
        ],
    ),
]
