"""Section 7: from scratch: loss, accuracy, training · 从零开始实现：损失、精度与训练."""

import torch

from .exercise import Exercise, Mistake


def cross_entropy(y_hat, y):
    """Return the mean cross-entropy of n predictions `y_hat` (n, q) for the classes `y` (n,).

    Pick each true class's probability by index. What is the difference between `y_hat[:, y]` and
    `y_hat[range(n), y]`? Print both.

    中文：返回 n 个预测 `y_hat` (n, q) 对类别 `y` (n,) 的交叉熵的均值。

    用下标取出真实类别的概率。`y_hat[:, y]` 和 `y_hat[range(n), y]` 有什么不同？把两者都打印出来
    看看。
    """
    return -torch.log(y_hat[range(len(y)), y]).mean()


def accuracy_of(batches):
    """Return the accuracy on batches (y_hat, y) of different sizes: correct / all examples.

    Accumulate two numbers over the batches and divide once, in the end. Why isn't the mean of the
    batches' accuracies the same?

    中文：返回在若干个小批量 (y_hat, y) 上的精度：预测正确的个数 / 样本总数。小批量的大小各不相同。

    把两个数在各批上累加，最后只除一次。为什么各批精度的均值与它不同？
    """
    num_correct = num_examples = 0
    for y_hat, y in batches:
        num_correct += (y_hat.argmax(dim=1) == y).sum().item()
        num_examples += len(y)
    return num_correct / num_examples


def sgd_step(W, b, X, y, lr):
    """Return the new (W, b) after one step of gradient descent on a batch, without autograd.

    The loss is the mean cross-entropy of `softmax(X @ W + b)`: its gradient with respect to the
    logits is `(y_hat - one_hot) / n`. X is (n, d), W is (d, q), b is (q,), y (n,) are classes.

    中文：在一个小批量上做一步梯度下降，返回新的 (W, b)，不用自动微分。

    损失是 `softmax(X @ W + b)` 的交叉熵的均值，它对 logits 的梯度是 `(y_hat - one_hot) / n`。
    X 是 (n, d)，W 是 (d, q)，b 是 (q,)，y (n,) 是类别。
    """
    y_hat = torch.softmax(X @ W + b, dim=1)
    one_hot = torch.nn.functional.one_hot(y, W.shape[1])
    error = (y_hat - one_hot) / len(y)  # (n, q)
    return W - lr * X.T @ error, b - lr * error.sum(dim=0)


def wrong_step(W, b, X, y, lr, target=1.0, by=None):
    """Take a step like `sgd_step`, with `target` instead of 1 in labels and `by` instead of n."""
    error = torch.softmax(X @ W + b, dim=1)
    error[range(len(y)), y] -= target
    error = error / (by or len(y))
    return W - lr * X.T @ error, b - lr * error.sum(dim=0)


Y_HAT = torch.tensor([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5]])
OTHER = torch.tensor([[0.2, 0.1, 0.7]])

EXERCISES = [
    Exercise(
        cross_entropy,
        calls=[(Y_HAT, torch.tensor([0, 2])), (Y_HAT, torch.tensor([1, 1]))],
        hint=(
            "y_hat[range(n), y] has n entries, y_hat[0, y[0]], y_hat[1, y[1]], …: -log, then mean.",
            "y_hat[range(n), y] 有 n 个元素：y_hat[0, y[0]]、y_hat[1, y[1]]……：取 -log，再求均值。",
        ),
        remark=(
            "`y_hat[:, y]` takes whole columns: (n, n), of which only the diagonal is wanted.",
            "`y_hat[:, y]` 取出的是整列：(n, n)，其中只有对角线才是要的。",
        ),
        mistakes=[
            Mistake(
                lambda y_hat, y: -torch.log(y_hat[:, y]).mean(),
                "y_hat[:, y] takes whole columns; y_hat[range(len(y)), y] one entry of each row.",
                "y_hat[:, y] 取出整列；y_hat[range(len(y)), y] 才是每行取一个元素。",
            ),
            Mistake(
                lambda y_hat, y: -torch.log(y_hat[y]).mean(),
                "y_hat[y] takes whole rows; y_hat[range(len(y)), y] one entry of each row.",
                "y_hat[y] 取出整行；y_hat[range(len(y)), y] 才是每行取一个元素。",
            ),
            Mistake(
                lambda y_hat, y: -torch.log(y_hat[range(len(y)), y]).sum(),
                "This is the sum; the mean does not depend on the batch size.",
                "这是总和；均值才不会随小批量的大小而增大。",
            ),
            Mistake(
                lambda y_hat, y: -torch.log(y_hat[range(len(y)), y]),
                "These are the losses of the examples; return their mean.",
                "这是每个样本的损失；要返回它们的均值。",
            ),
            Mistake(
                lambda y_hat, y: torch.log(y_hat[range(len(y)), y]).mean(),
                "The sign is wrong: log of a probability is negative; the loss is -log.",
                "符号不对：概率的 log 是负数，损失要再取负。",
            ),
            Mistake(
                lambda y_hat, y: -torch.log(y_hat[range(len(y)), y].mean()),
                "Take -log of each probability first, then the mean; the order matters.",
                "先对每个概率取 -log，再求均值：两者不能交换。",
            ),
            Mistake(
                lambda y_hat, y: torch.nn.functional.cross_entropy(y_hat, y),
                "torch's cross_entropy takes logits; y_hat are probabilities, so softmax was "
                "applied twice.",
                "torch 的 cross_entropy 接收 logits；y_hat 已经是概率，这样 softmax 就做了两次。",
            ),
        ],
    ),
    Exercise(
        accuracy_of,
        calls=[([(Y_HAT, torch.tensor([0, 2])), (OTHER, torch.tensor([2]))],)],
        hint=(
            "Count (y_hat.argmax(dim=1) == y).sum() and len(y) over all batches, then divide.",
            "在所有小批量上累计 (y_hat.argmax(dim=1) == y).sum() 和 len(y)，然后相除。",
        ),
        remark=(
            "All batches would have equal weight, so examples of a small batch would count more.",
            "那样每个小批量的权重相同，小批量越小，其中每个样本的权重就越大。",
        ),
        mistakes=[
            Mistake(
                lambda batches: (
                    sum((p.argmax(dim=1) == y).float().mean() for p, y in batches) / len(batches)
                ),
                "This averages the batches' accuracies: the smaller batch gets too much weight.",
                "这是各批精度的均值；小的那一批权重过大。",
            ),
            Mistake(
                lambda batches: sum((p.argmax(dim=1) == y).sum() for p, y in batches),
                "This is the number of correct predictions; divide by the number of examples.",
                "这是预测正确的个数；还要除以样本总数。",
            ),
            Mistake(
                lambda batches: (
                    sum((p.argmax(dim=1) == y).sum() for p, y in batches) / len(batches)
                ),
                "Divide by the number of examples, not of batches.",
                "应除以样本数，而不是小批量的个数。",
            ),
            Mistake(
                lambda batches: sum((p.argmax(dim=0) == y).sum() for p, y in batches) / 3,
                "argmax along dimension 0 compares examples; the classes are along dimension 1.",
                "沿第 0 维取 argmax 是在样本之间比较；类别在第 1 维上。",
            ),
        ],
    ),
    Exercise(
        sgd_step,
        calls=[
            (
                torch.tensor([[0.1, -0.2, 0.0], [0.3, 0.0, -0.1]]),
                torch.tensor([0.0, 0.1, -0.1]),
                torch.tensor([[1.0, 2.0], [0.5, -1.0], [0.0, 3.0], [2.0, 1.0]]),
                torch.tensor([0, 2, 1, 0]),
                0.5,
            )
        ],
        hint=(
            "Downhill: W - lr * dW, b - lr * db; by the chain rule dW = X.T @ error, and db is the "
            "sum of the errors over the examples.",
            "沿梯度的反方向：W - lr * dW，b - lr * db；由链式法则，dW = X.T @ error，"
            "db 是误差对样本求和。",
        ),
        mistakes=[
            Mistake(
                lambda W, b, X, y, lr: wrong_step(W, b, X, y, -lr),
                "This step goes uphill: subtract the gradient.",
                "这是沿梯度上升：要减去梯度。",
            ),
            Mistake(
                lambda W, b, X, y, lr: wrong_step(W, b, X, y, lr, by=1),
                "This is the gradient of the sum of losses; of the mean it is 1/n of that.",
                "这是损失总和的梯度；均值的梯度是它的 1/n。",
            ),
            Mistake(
                lambda W, b, X, y, lr: wrong_step(W, b, X, y, lr, target=0.0),
                "The one-hot label isn't subtracted: the error is y_hat - one_hot.",
                "没有减去独热标签：误差是 y_hat - one_hot。",
            ),
            Mistake(
                lambda W, b, X, y, lr: (wrong_step(W, b, X, y, lr)[0], b),
                "W is right; b has a gradient too, the sum of the errors over the examples.",
                "W 是对的；b 也有梯度，即误差对样本求和。",
            ),
            Mistake(
                lambda W, b, X, y, lr: (
                    wrong_step(W, b, X, y, lr)[0],
                    wrong_step(W, b, X, y, lr, by=len(y) ** 2)[1],
                ),
                "W is right; for b sum the errors: the 1/n is in them already.",
                "W 是对的；b 要对误差求和：误差里已经有 1/n 了。",
            ),
            Mistake(
                lambda W, b, X, y, lr: (W - wrong_step(W, b, X, y, 1)[0], b),
                "Return the new parameters, not the gradient.",
                "要返回新的参数，而不是梯度。",
            ),
        ],
    ),
]
