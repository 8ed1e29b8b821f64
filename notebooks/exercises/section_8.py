"""Section 8: concise · 简洁实现."""

import torch
from torch import nn

from .exercise import Exercise, Mistake


def linear_layer(W, b):
    """Return an `nn.Linear` that computes `X @ W + b`, for W (d, q) and b (q,).

    What is the shape of the weight of an `nn.Linear`? Print it. Change parameters with `copy_`,
    under `torch.no_grad()`.

    中文：返回一个计算 `X @ W + b` 的 `nn.Linear`，W 是 (d, q)，b 是 (q,)。

    `nn.Linear` 的 weight 是什么形状？打印出来看看。在 `torch.no_grad()` 下用 `copy_` 修改参数。
    """
    layer = nn.Linear(*W.shape)
    with torch.no_grad():
        layer.weight.copy_(W.T)  # (q, d)
        layer.bias.copy_(b)
    return layer


def least_loss_of_softmax_twice(num_classes):
    """Return the smallest loss of `nn.CrossEntropyLoss` if its inputs are probabilities.

    It takes logits, and includes softmax. A model that also ends with softmax can be trained, but
    its loss stays high. What is the loss of a perfect prediction, 1 for the true class and 0 for
    all others? What is it with ten classes?

    中文：如果交给 `nn.CrossEntropyLoss` 的是概率，损失最小能是多少？返回这个数。

    它要的是 logits，softmax 已经在里面了。如果模型自己最后又做了一次 softmax，也能训练，但损失
    一直很高：即使预测完美，真实类别为 1、其余为 0，损失还有多少？十个类别时是多少？
    """
    perfect = torch.eye(num_classes)  # row k is the best prediction for class k
    return nn.CrossEntropyLoss()(perfect, torch.arange(num_classes)).item()


def decayed_step(w, gradient, lr, weight_decay):
    """Return the new w after a step of `torch.optim.SGD` with weight decay, by hand.

    Weight decay is the penalty `weight_decay / 2 * sum(w**2)` added to the loss. What does that add
    to the gradient?

    中文：手写带权重衰减的 `torch.optim.SGD` 的一步，返回新的 w。

    权重衰减就是在损失上加惩罚项 `weight_decay / 2 * sum(w**2)`。它给梯度加上了什么？
    """
    return w - lr * (gradient + weight_decay * w)


def layer_with(weight, bias):
    """Return an nn.Linear with these parameters; the bias None means zero."""
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(torch.zeros(weight.shape[0]) if bias is None else bias)
    return layer


def outputs_of(layer):
    """Return the outputs of a layer with two inputs, for three examples."""
    return layer(torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]]))


EXERCISES = [
    Exercise(
        linear_layer,
        calls=[(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([0.5, -0.5]))],
        seen=outputs_of,
        hint=(
            "nn.Linear(d, q) has a weight (q, d), the transpose of W, and a bias (q,).",
            "nn.Linear(d, q) 的 weight 形状是 (q, d)，即 W 的转置；bias 是 (q,)。",
        ),
        mistakes=[
            Mistake(
                lambda W, b: layer_with(W, b),
                "nn.Linear keeps its weight as (q, d) and computes X @ weight.T + bias: copy W.T.",
                "nn.Linear 的 weight 是 (q, d)，计算的是 X @ weight.T + bias：要复制 W.T。",
            ),
            Mistake(
                lambda W, b: layer_with(W.T, None),
                "The weight is right; copy b to the layer's bias too.",
                "weight 是对的；还要把 b 复制到 bias。",
            ),
            Mistake(
                lambda W, b: nn.Linear(2, 2).weight.copy_(W.T),
                "Autograd records changes of parameters: change them under torch.no_grad().",
                "自动微分在跟踪参数：要在 torch.no_grad() 下修改。",
            ),
        ],
    ),
    Exercise(
        least_loss_of_softmax_twice,
        calls=[(10,), (2,)],
        hint=(
            "Softmax of (1, 0, …, 0) gives the true class e / (e + q - 1): the loss is -log of it.",
            "对 (1, 0, …, 0) 做 softmax，真实类别得到 e / (e + q - 1)：损失是它的 -log。",
        ),
        remark=(
            "1.46 with ten classes, where logits would give 0: logits are not bounded.",
            "十个类别时是 1.46，而正确的做法是 0：logits 必须能自由增大。",
        ),
        mistakes=[
            Mistake(
                lambda q: 0.0,
                "0 is -log of the probability 1, but the loss function first takes the softmax of "
                "(1, 0, …, 0).",
                "对概率 1 取 -log 才是 0；但损失函数会先对 (1, 0, …, 0) 做一次 softmax。",
            ),
            Mistake(
                lambda q: torch.log(torch.tensor(float(q))),
                "This is the loss of random guessing; a perfect prediction is a little better.",
                "这是随机猜测的损失；完美的预测会稍好一些。",
            ),
            Mistake(
                lambda q: (torch.e / (torch.e + torch.tensor(q) - 1)).item(),
                "This is the probability of the true class; the loss is -log of it.",
                "这是真实类别的概率；损失是它的 -log。",
            ),
        ],
    ),
    Exercise(
        decayed_step,
        calls=[(torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.3, 0.1, 0.0]), 0.1, 0.5)],
        hint=(
            "The derivative of weight_decay / 2 * w² is weight_decay * w: add it to the gradient.",
            "weight_decay / 2 * w² 的导数是 weight_decay * w：把它加到梯度上。",
        ),
        remark=(
            "It is `(1 - lr * weight_decay) * w - lr * gradient`: each step shrinks w first.",
            "也就是 `(1 - lr * weight_decay) * w - lr * gradient`：每一步都先把权重缩小一点。",
        ),
        mistakes=[
            Mistake(
                lambda w, g, lr, wd: w - lr * g,
                "The weight decay isn't used: the penalty adds weight_decay * w to the gradient.",
                "没有用到权重衰减：惩罚项给梯度加上 weight_decay * w。",
            ),
            Mistake(
                lambda w, g, lr, wd: w - lr * (g - wd * w),
                "The sign is wrong: the weights would grow.",
                "符号不对：这样权重会增大。",
            ),
            Mistake(
                lambda w, g, lr, wd: w - lr * g - wd * w,
                "The penalty's gradient is multiplied by the learning rate as well.",
                "惩罚项的梯度同样要乘以学习率。",
            ),
            Mistake(
                lambda w, g, lr, wd: w - lr * (g + 2 * wd * w),
                "The penalty has a ½, so its derivative has no 2.",
                "惩罚项带有 ½，导数里就没有 2 了。",
            ),
            Mistake(
                lambda w, g, lr, wd: w + lr * (g + wd * w),
                "This step goes uphill: subtract the gradient.",
                "这是沿梯度上升：要减去梯度。",
            ),
        ],
    ),
]
