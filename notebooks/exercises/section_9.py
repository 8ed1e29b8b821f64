"""Section 9: one-hot labels, Adam, accuracy as a mean · 独热标签、Adam、用均值求精度."""

import torch

from .exercise import Exercise, Mistake


def cross_entropy_with_logits(logits, one_hot):
    """Return the mean cross-entropy of logits (n, q) for labels in one-hot form (n, q).

    Like TensorFlow's `reduce_mean(softmax_cross_entropy_with_logits(…))`, take the sum over the
    classes, then the mean over the examples. `torch.log_softmax` is numerically stable.

    中文：返回 logits (n, q) 对独热标签 (n, q) 的交叉熵的均值。

    与 TensorFlow 的 `reduce_mean(softmax_cross_entropy_with_logits(…))` 相同：先对类别求和，
    再对样本取均值。`torch.log_softmax` 是数值稳定的。
    """
    return -(one_hot * torch.log_softmax(logits, dim=1)).sum(dim=1).mean()


def accuracy(logits, one_hot):
    """Return the accuracy as the notes compute it: `equal` of the classes, as float, averaged.

    The labels are one-hot (n, q), the logits (n, q). Why isn't softmax needed here?

    中文：像笔记那样求精度：比较两个类别是否相等（`equal`），转成浮点数，再取均值。

    标签是独热的 (n, q)，logits 是 (n, q)。这里为什么不需要 softmax？
    """
    return (logits.argmax(dim=1) == one_hot.argmax(dim=1)).float().mean()


def adam(w, gradients, lr):
    """Return w after one step of Adam per gradient, with betas 0.9 and 0.999 and eps 1e-8.

    See Kingma and Ba (2015), algorithm 1; start with m = v = 0. How large is the first step for a
    gradient of 0.001, and for a gradient of 1000?

    中文：对每个梯度做一步 Adam，返回最后的 w；beta 取 0.9 和 0.999，eps 取 1e-8。

    见 Kingma 和 Ba（2015）的算法 1，从 m = v = 0 开始。梯度是 0.001 时第一步有多大？是 1000 时呢？
    """
    m = v = torch.zeros_like(w)
    for t, gradient in enumerate(gradients, start=1):
        m = 0.9 * m + 0.1 * gradient
        v = 0.999 * v + 0.001 * gradient**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        w = w - lr * m_hat / (v_hat.sqrt() + 1e-8)
    return w


def wrong_adam(w, gradients, lr, corrected=True, root=0.5, sign=1):
    """Take steps like `adam`, with mistakes: no bias correction, another root of v, or a sign."""
    m = v = torch.zeros_like(w)
    for t, gradient in enumerate(gradients, start=1):
        m = 0.9 * m + 0.1 * gradient
        v = 0.999 * v + 0.001 * gradient**2
        c1, c2 = (1 - 0.9**t, 1 - 0.999**t) if corrected else (1, 1)
        w = w - sign * lr * (m / c1) / ((v / c2) ** root + 1e-8)
    return w


LOGITS = torch.tensor([[2.0, 1.0, -1.0], [0.5, 0.0, 1.5], [-1.0, 3.0, 2.0], [0.0, 1.0, 0.5]])
LABELS = torch.eye(3)[[0, 1, 1, 1]]

EXERCISES = [
    Exercise(
        cross_entropy_with_logits,
        calls=[(LOGITS, LABELS), (1000 * LOGITS, LABELS)],
        hint=(
            "-(one_hot * log_softmax(logits)), summed over dimension 1, then averaged.",
            "-(one_hot * log_softmax(logits))，沿第 1 维求和，再取均值。",
        ),
        mistakes=[
            Mistake(
                lambda o, y: -(y * torch.log_softmax(o, dim=1)).mean(),
                "The mean of all entries divides by n · q: sum over the classes first.",
                "对所有元素取均值是除以 n · q：先对类别求和。",
            ),
            Mistake(
                lambda o, y: -(y * torch.log_softmax(o, dim=1)).sum(),
                "This is the sum over the examples; take the mean.",
                "这是对样本求和；应取均值。",
            ),
            Mistake(
                lambda o, y: -(y * torch.log_softmax(o, dim=1)).sum(dim=1),
                "These are the losses of the examples; return their mean.",
                "这是每个样本的损失；要返回它们的均值。",
            ),
            Mistake(
                lambda o, y: -(y * torch.log_softmax(o, dim=0)).sum(dim=1).mean(),
                "Softmax goes along the classes, dimension 1.",
                "softmax 要沿着类别，即第 1 维。",
            ),
            Mistake(
                lambda o, y: -(y * torch.log(torch.softmax(o, dim=1))).sum(dim=1).mean(),
                "Right for small logits; for large ones a probability becomes 0 and its log -inf. "
                "torch.log_softmax never does.",
                "logits 小的时候是对的；大的时候概率变成 0，log 就成了 -inf。"
                "torch.log_softmax 不会。",
            ),
            Mistake(
                lambda o, y: torch.nn.functional.cross_entropy(torch.softmax(o, dim=1), y),
                "Softmax was applied twice: torch's cross_entropy takes logits.",
                "softmax 做了两次：torch 的 cross_entropy 接收 logits。",
            ),
            Mistake(
                lambda o, y: (y * torch.log_softmax(o, dim=1)).sum(dim=1).mean(),
                "The sign is wrong: log of a probability is negative; the loss is -log.",
                "符号不对：概率的 log 是负数，损失要再取负。",
            ),
        ],
    ),
    Exercise(
        accuracy,
        calls=[(LOGITS, LABELS)],
        hint=(
            "argmax(dim=1) of both gives two lists of n classes: ==, .float(), .mean().",
            "两者的 argmax(dim=1) 各给出 n 个类别：==，.float()，.mean()。",
        ),
        remark=(
            "Softmax keeps the order of a row, so the largest logit has the largest probability.",
            "softmax 不改变一行中的大小次序，最大的 logit 就有最大的概率。",
        ),
        mistakes=[
            Mistake(
                lambda o, y: (o.argmax(dim=1) == y.argmax(dim=1)).sum(),
                "This is the number of correct predictions; accuracy is the mean: .float().mean().",
                "这是预测正确的个数；精度是所占的比例：.float().mean()。",
            ),
            Mistake(
                lambda o, y: (o.argmax(dim=1) == y.argmax(dim=1)).mean(),
                "Booleans have no mean in torch: .float() first.",
                "torch 不能对布尔值求均值：先 .float()。",
            ),
            Mistake(
                lambda o, y: (o.argmax(dim=0) == y.argmax(dim=0)).float().mean(),
                "This compares examples; the classes are along dimension 1.",
                "这样是在样本之间比较；类别在第 1 维上。",
            ),
            Mistake(
                lambda o, y: (o == y).float().mean(),
                "Logits are never equal to a one-hot label: compare the classes, argmax(dim=1).",
                "logits 不会等于独热标签：要比较类别 argmax(dim=1)。",
            ),
            Mistake(
                lambda o, y: (o.argmax(dim=1) == y).float().mean(),
                "The labels are rows (n, q), not classes (n,): take argmax(dim=1) of them too.",
                "标签是 (n, q) 的行，不是类别 (n,)：对它也要取 argmax(dim=1)。",
            ),
        ],
    ),
    Exercise(
        adam,
        calls=[
            (torch.tensor([1.0, 1.0, 1.0]), [torch.tensor([0.001, -1.0, 1000.0])], 0.1),
            (
                torch.tensor([1.0, -2.0]),
                [torch.tensor([0.5, 1.0]), torch.tensor([-0.2, 3.0]), torch.tensor([0.1, 0.1])],
                0.01,
            ),
        ],
        hint=(
            "m = 0.9 m + 0.1 g and v = 0.999 v + 0.001 g²; divide them by 1 - 0.9**t and "
            "1 - 0.999**t, t = 1, 2, …; then w - lr * m_hat / (sqrt(v_hat) + eps).",
            "m = 0.9 m + 0.1 g，v = 0.999 v + 0.001 g²；分别除以 1 - 0.9**t 和 1 - 0.999**t，"
            "t = 1, 2, …；然后 w - lr * m_hat / (sqrt(v_hat) + eps)。",
        ),
        remark=(
            "Both are lr: the first step has the gradient's sign, whatever its size.",
            "两者都是 lr：第一步只取梯度的符号，与梯度的大小无关。",
        ),
        mistakes=[
            Mistake(
                lambda w, g, lr: wrong_adam(w, g, lr, corrected=False),
                "The correction of the bias is missing: m / (1 - 0.9**t), v / (1 - 0.999**t).",
                "少了偏差修正：m / (1 - 0.9**t)，v / (1 - 0.999**t)。",
            ),
            Mistake(
                lambda w, g, lr: wrong_adam(w, g, lr, root=1),
                "Divide by the square root of v_hat.",
                "应除以 v_hat 的平方根。",
            ),
            Mistake(
                lambda w, g, lr: wrong_adam(w, g, lr, sign=-1),
                "This step goes uphill: subtract it.",
                "这是沿梯度上升：要减去这一步。",
            ),
            Mistake(
                lambda w, g, lr: w - lr * sum(g),
                "This is plain gradient descent; Adam divides by the root of the mean square.",
                "这是普通的梯度下降；Adam 还要除以均方的平方根。",
            ),
            Mistake(
                lambda w, g, lr: wrong_adam(w, g[:1], lr),
                "Only the first gradient was used: take a step for each of them.",
                "只用了第一个梯度：每个梯度都要更新一步。",
            ),
        ],
    ),
]
