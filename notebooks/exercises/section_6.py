"""Section 6: from scratch: softmax · 从零开始实现：softmax."""

import torch

from .exercise import Exercise, Mistake


def rows_as_shares(X):
    """Divide each row of X (n, q) by its sum, so that each row sums to 1.

    This is the last step of softmax. Try it without `keepdim=True` on a 2×3 and on a 3×3 matrix.
    The former raises an error; the latter is silently wrong. Why?

    中文：把 X (n, q) 的每一行除以这一行的和，使每行之和为 1。

    softmax 的最后一步就是这样。不写 `keepdim=True`，分别用 2×3 和 3×3 的矩阵试一试：一个会报错，
    另一个不声不响地算错。为什么？
    """
    return X / X.sum(dim=1, keepdim=True)  # (n, q) / (n, 1) -> (n, q)


def stable_softmax(logits):
    """Return the softmax of each row of logits (n, q), for logits of any size.

    `exp` overflows beyond 88 in float32. Only differences within a row matter, so you may first
    subtract a number from each row. Which number ensures that nothing overflows, and that in each
    row at least one exponential is not 0?

    中文：返回 logits (n, q) 每一行的 softmax，无论 logits 多大都要算得对。

    float32 里 `exp` 超过 88 就会上溢。只有同一行里的差才起作用，所以可以先从每行减去一个数。
    减去哪个数，才能保证不会上溢，而且每行至少有一个 exp 不为 0？
    """
    exponentials = torch.exp(logits - logits.amax(dim=1, keepdim=True))
    return exponentials / exponentials.sum(dim=1, keepdim=True)


def log_sum_exp(logits):
    """Return `log(sum_j exp(o_j))` of each row of logits (n, q), as (n,), without overflow.

    The cross-entropy is `log_sum_exp(o) - o_y`, so this is what `nn.CrossEntropyLoss` computes. If
    m was subtracted from a row first, how does it enter the result?

    中文：返回 logits (n, q) 每一行的 `log(sum_j exp(o_j))`，形状 (n,)，不能上溢。

    交叉熵就是 `log_sum_exp(o) - o_y`，`nn.CrossEntropyLoss` 算的正是它。如果先从一行减去了 m，
    最后该怎样处理它？
    """
    largest = logits.amax(dim=1, keepdim=True)  # (n, 1)
    return (largest + torch.log(torch.exp(logits - largest).sum(dim=1, keepdim=True))).squeeze(1)


SMALL = torch.tensor([[0.0, 1.0, 2.0], [3.0, 1.0, -1.0]])
LARGE = torch.tensor([[1000.0, 1001.0, 999.0], [-1000.0, -1002.0, -1001.0]])

EXERCISES = [
    Exercise(
        rows_as_shares,
        calls=[
            (torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),),
            (torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]),),
        ],
        hint=(
            "Each row should sum to 1: divide by the sum along dimension 1, kept as a column.",
            "每行之和应为 1：除以沿第 1 维的和，并把它保留为一列。",
        ),
        remark=(
            "`(3, 3) / (3,)` divides column j by the sum of row j: a (3,) is broadcast as a row.",
            "`(3, 3) / (3,)` 把第 j 列除以了第 j 行的和：形状 (3,) 是当作一行来广播的。",
        ),
        mistakes=[
            Mistake(
                lambda X: X / X.sum(dim=0, keepdim=True),
                "The columns sum to 1, not the rows: sum along dimension 1.",
                "这样是每列之和为 1，而不是每行：要沿第 1 维求和。",
            ),
            Mistake(
                lambda X: X / X.sum(dim=1),
                "keepdim=True is missing: the sums must stay a column (n, 1) to be broadcast.",
                "少了 keepdim=True：和要保留为一列 (n, 1) 才能正确广播。",
            ),
            Mistake(
                lambda X: X / X.sum(),
                "All entries together sum to 1; each row should: sum along dimension 1.",
                "这样是所有元素之和为 1，应当每行之和为 1：要沿第 1 维求和。",
            ),
            Mistake(
                lambda X: X.sum(dim=1, keepdim=True),
                "These are the sums; divide X by them.",
                "这是各行的和；还要用它去除 X。",
            ),
        ],
    ),
    Exercise(
        stable_softmax,
        calls=[(SMALL,), (LARGE,)],
        hint=(
            "Subtract the row's own maximum, exp, divide by the row's sum; keepdim=True in both.",
            "减去该行自己的最大值，取 exp，再除以该行的和；两处都要 keepdim=True。",
        ),
        mistakes=[
            Mistake(
                lambda o: torch.exp(o) / torch.exp(o).sum(dim=1, keepdim=True),
                "inf / inf and 0 / 0 are nan: subtract each row's maximum first.",
                "inf / inf 和 0 / 0 都是 nan：先减去每行的最大值。",
            ),
            Mistake(
                lambda o: torch.exp(o - o.max()) / torch.exp(o - o.max()).sum(dim=1, keepdim=True),
                "With the largest of all subtracted, a row far below it becomes 0 / 0: subtract "
                "each row's own maximum, logits.amax(dim=1, keepdim=True).",
                "减去全体的最大值，远低于它的那一行就成了 0 / 0：要减去每行自己的最大值，"
                "logits.amax(dim=1, keepdim=True)。",
            ),
            Mistake(
                lambda o: torch.softmax(o, dim=0),
                "The columns sum to 1, not the rows: work along dimension 1.",
                "这样是每列之和为 1，而不是每行：要沿第 1 维计算。",
            ),
            Mistake(
                lambda o: torch.exp(o - o.amax(dim=1, keepdim=True)),
                "Nothing overflows; now divide by each row's sum.",
                "已经不会上溢了；还要除以每行的和。",
            ),
            Mistake(
                lambda o: o - o.max(dim=1, keepdim=True),
                "max(dim=1) returns values and indices: take .values, or use amax.",
                "max(dim=1) 返回的是值和下标：要取 .values，或改用 amax。",
            ),
        ],
    ),
    Exercise(
        log_sum_exp,
        calls=[(SMALL,), (LARGE,)],
        hint=(
            "log(sum_j exp(o_j)) = m + log(sum_j exp(o_j - m)), with m the row's maximum.",
            "log(sum_j exp(o_j)) = m + log(sum_j exp(o_j - m))，m 是该行的最大值。",
        ),
        mistakes=[
            Mistake(
                lambda o: torch.log(torch.exp(o).sum(dim=1)),
                "exp overflows to inf, or underflows to 0: subtract each row's maximum first.",
                "exp 上溢成了 inf，或下溢成了 0：先减去每行的最大值。",
            ),
            Mistake(
                lambda o: torch.log(torch.exp(o - o.amax(dim=1, keepdim=True)).sum(dim=1)),
                "The maximum that was subtracted has to be added again at the end.",
                "先前减去的最大值，最后还要加回来。",
            ),
            Mistake(
                lambda o: torch.logsumexp(o, dim=0),
                "Each row has a result, not each column: work along dimension 1.",
                "每行有一个结果，而不是每列：要沿第 1 维计算。",
            ),
            Mistake(
                lambda o: torch.logsumexp(o, dim=1, keepdim=True),
                "The right numbers as a column (n, 1): make them (n,), as with squeeze(1).",
                "数值正确，但成了一列 (n, 1)：应为 (n,)，例如用 squeeze(1)。",
            ),
            Mistake(
                lambda o: (
                    o.amax(dim=1)
                    + torch.log(torch.exp(o - o.amax(dim=1, keepdim=True)).sum(dim=1, keepdim=True))
                ),
                "(n,) + (n, 1) is broadcast to a matrix: both must have the same shape.",
                "(n,) + (n, 1) 会广播成矩阵：两者的形状必须相同。",
            ),
        ],
    ),
]
