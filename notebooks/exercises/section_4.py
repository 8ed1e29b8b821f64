"""Section 4: three regression losses · 回归的三种损失."""

import torch

from .exercise import Exercise, Mistake


def huber(error, delta):
    """Return Huber's loss of each error: squared up to delta, beyond it a straight line.

    `error**2 / 2` where `|error| <= delta`, and `delta * (|error| - delta / 2)` elsewhere. Why is
    delta / 2 subtracted there? Compare the losses and their slopes at `|error| = delta`.

    中文：返回每个误差的 Huber 损失：不超过 delta 时是平方损失，超过后是一条直线。

    `|error| <= delta` 时为 `error**2 / 2`，否则为 `delta * (|error| - delta / 2)`。为什么那里要减去
    delta / 2？看看 `|error| = delta` 处的损失和斜率。
    """
    size = error.abs()
    return torch.where(size <= delta, error**2 / 2, delta * (size - delta / 2))


def laplace_density(error):
    """Return the probability density of errors that belongs to L1's likelihood, `exp(-|error|)`.

    A density has area 1. What is the area under `exp(-|e|)`? Integrate it by hand, or measure it:
    the sum over a fine grid, times the grid's step.

    中文：L1 损失的似然是 `exp(-|error|)`，返回与它对应的误差的概率密度。

    概率密度的面积是 1。`exp(-|e|)` 下方的面积是多少？可以手算积分，也可以实际量一量：
    在很密的网格上求和，再乘以网格的间距。
    """
    return torch.exp(-error.abs()) / 2


def best_constant(values, loss):
    """Return the number c with the smallest mean loss of `values - c`; loss is "squared" or "l1".

    Where is the derivative 0? For the squared loss it is proportional to the sum of the errors. For
    L1 it counts how many values lie above c and how many below. `values` has odd length. Which of
    the two answers changes if one value becomes a million?

    中文：返回使 `values - c` 的平均损失最小的数 c；loss 是 "squared" 或 "l1"。

    导数在哪里为 0？平方损失的导数与误差之和成正比；L1 的导数则数出有多少个值在 c 之上、
    多少个在 c 之下。`values` 有奇数个数。如果其中一个变成一百万，两个答案中哪一个会跟着变？
    """
    return values.mean() if loss == "squared" else values.median()


EXERCISES = [
    Exercise(
        huber,
        calls=[
            (torch.tensor([-3.0, -1.0, -0.5, 0.0, 0.5, 2.0]), 1.0),
            (torch.tensor([-3.0, -1.0, -0.5, 0.0, 0.5, 2.0]), 0.5),
        ],
        hint=(
            "torch.where(condition, this, that) picks element by element.",
            "torch.where(条件, 取这个, 取那个) 逐个元素地选择。",
        ),
        remark=(
            "So that both parts meet at delta, in value (delta² / 2) and in slope (delta).",
            "这样两段在 delta 处才接得上：值都是 delta² / 2，斜率都是 delta。",
        ),
        mistakes=[
            Mistake(
                lambda e, d: torch.where(e <= d, e**2 / 2, d * (e - d / 2)),
                "Large negative errors count too: compare the size, error.abs().",
                "很大的负误差也要算：应比较绝对值 error.abs()。",
            ),
            Mistake(
                lambda e, d: torch.where(e.abs() <= d, e**2 / 2, d * (e - d / 2)),
                "The line needs |error| as well: this one is negative for negative errors.",
                "直线部分也要用 |error|：这样写，负误差的损失成了负数。",
            ),
            Mistake(
                lambda e, d: torch.where(e.abs() <= d, e**2 / 2, d * e.abs()),
                "The loss jumps at delta: subtract delta / 2 from the error of the straight part.",
                "损失在 delta 处有跳跃：直线部分的误差要减去 delta / 2。",
            ),
            Mistake(
                lambda e, d: torch.where(e.abs() <= d, e**2, d * (e.abs() - d / 2)),
                "The ½ of the squared part is missing.",
                "平方部分少了 ½。",
            ),
            Mistake(
                lambda e, d: torch.where(e.abs() <= d, e**2 / 2, e.abs() - d / 2),
                "Beyond delta the slope is delta, not 1.",
                "超过 delta 后斜率是 delta，不是 1。",
            ),
            Mistake(
                lambda e, d: e**2 / 2 if e.abs() <= d else d * (e.abs() - d / 2),
                "`if` decides once for the whole tensor; torch.where decides for each element.",
                "if 只能对整个张量判断一次；torch.where 才会逐个元素判断。",
            ),
        ],
    ),
    Exercise(
        laplace_density,
        calls=[(torch.tensor([-2.0, -0.5, 0.0, 1.0]),)],
        hint=(
            "Divide exp(-|error|) by the area under it: twice the integral from 0 to infinity.",
            "用 exp(-|error|) 除以它下方的面积，也就是从 0 到无穷的积分的两倍。",
        ),
        remark=(
            "The area is 2. Minimizing L1 is assuming noise of this density, Laplace's.",
            "面积是 2。最小化 L1 损失，就是假定噪声服从这个密度，即拉普拉斯分布。",
        ),
        mistakes=[
            Mistake(
                lambda e: torch.exp(-e.abs()),
                "The area under this is 2, one for each side: divide by it.",
                "它下方的面积是 2，左右两边各 1：要除以 2。",
            ),
            Mistake(
                lambda e: torch.exp(-e) / 2,
                "Without the absolute value this grows without bound on the left.",
                "少了绝对值：左边会无限增大。",
            ),
            Mistake(
                lambda e: torch.exp(-(e**2) / 2) / (2 * torch.pi) ** 0.5,
                "This is the normal density: it belongs to the squared loss.",
                "这是正态分布的密度，对应的是平方损失。",
            ),
            Mistake(
                lambda e: torch.exp(-e.abs()) / torch.exp(-e.abs()).sum(),
                "The sum over the given errors isn't the area, which is always 2.",
                "对给定误差求和并不是面积：面积总是 2，与传入的误差无关。",
            ),
        ],
    ),
    Exercise(
        best_constant,
        calls=[
            (torch.tensor([1.0, 2.0, 3.0, 4.0, 100.0]), "squared"),
            (torch.tensor([1.0, 2.0, 3.0, 4.0, 100.0]), "l1"),
            (torch.tensor([7.0, -1.0, 3.0]), "l1"),
        ],
        hint=(
            "The errors' sum is 0 at the mean; at the median half of the values lie below.",
            "在均值处误差之和为 0；在中位数处，上下两边的值一样多。",
        ),
        remark=(
            "One outlier pulls the mean away; the median stays: L1 is robust.",
            "一个离群值就能把均值拉走，中位数却不动：L1 是鲁棒的。",
        ),
        mistakes=[
            Mistake(
                lambda v, loss: v.mean(),
                'The mean is best for the squared loss only; for "l1" sort the values: where are '
                "equal numbers above and below?",
                '均值只对平方损失最好；对 "l1"，把值排好序：哪里上下两边一样多？',
            ),
            Mistake(
                lambda v, loss: v.median(),
                'The median is best for L1 only; for "squared" the sum of the errors must be 0.',
                '中位数只对 L1 最好；对 "squared"，误差之和要为 0。',
            ),
            Mistake(
                lambda v, loss: v.median() if loss == "squared" else v.mean(),
                "The two cases are swapped.",
                "两个答案的位置反了。",
            ),
            Mistake(
                lambda v, loss: v.mean() if loss == "squared" else v[len(v) // 2],
                "The median is the middle of the sorted values: sort them, or use values.median().",
                "应取排序之后中间的那个：先排序，或直接用 values.median()。",
            ),
        ],
    ),
]
