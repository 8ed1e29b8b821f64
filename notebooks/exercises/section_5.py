"""Section 5: Fashion-MNIST · 图像数据集."""

import torch

from .exercise import Exercise, Mistake


def batches_of(num_examples, batch_size):
    """Return the number of batches in an epoch, and the number of examples in the last batch.

    First by hand: 60,000 training images in batches of 256.

    中文：返回遍历一遍数据要多少个小批量，以及最后一个小批量里有多少个样本。

    先动手算一算：60,000 张训练图片，每批 256 张。
    """
    num_batches = -(-num_examples // batch_size)  # division, rounded up
    return num_batches, num_examples - (num_batches - 1) * batch_size


def mean_images(X, y, num_classes):
    """Return the mean image of each class, (num_classes, h, w), of the images X (n, h, w).

    y (n,) holds the classes; each of them occurs. Compute the ten mean images of Fashion-MNIST's
    training data, and show them with `d2l.show_images`. Which garments are clear, which blurred?

    中文：返回每个类别的平均图像，形状 (num_classes, h, w)；图像 X 的形状是 (n, h, w)。

    y (n,) 是类别，每个类别都出现过。用 Fashion-MNIST 的训练数据算出十张平均图像，
    用 `d2l.show_images` 显示出来：哪些还认得出来，哪些已经模糊了？
    """
    return torch.stack([X[y == c].mean(dim=0) for c in range(num_classes)])


def shuffled_batches(X, y, batch_size):
    """Return a list of batches (X, y) that together hold every example once, in a new order.

    Each image keeps its label. The last batch may be smaller. You may also write a generator.
    `torch.randperm(n)` returns the numbers 0 … n - 1 in random order.

    中文：返回小批量 (X, y) 的列表，合起来每个样本恰好出现一次，次序随机。

    每张图像要和自己的标签在一起。最后一个小批量可以小一些；用生成器代替列表也可以。
    `torch.randperm(n)` 按随机次序给出 0 … n - 1。
    """
    order = torch.randperm(len(X))
    return [(X[rows], y[rows]) for rows in order.split(batch_size)]


def about_batches(batches):
    """Summarize batches: sizes, order, and whether each label equals its image's only pixel."""
    batches = list(batches)
    pixels, labels = (torch.cat(part).flatten().tolist() for part in zip(*batches, strict=True))
    return {
        "sizes": [len(y) for _, y in batches],
        "every example once": sorted(pixels) == list(range(len(pixels))),
        "label with its image": pixels == labels,
        "in a new order": pixels != sorted(pixels),
    }


def in_batches(X, y, order, batch_size):
    """Split the examples, taken in the given order, into batches (X, y)."""
    return [(X[rows], y[rows]) for rows in order.split(batch_size)]


EXERCISES = [
    Exercise(
        batches_of,
        calls=[(60_000, 256), (60_000, 100), (10, 256)],
        hint=(
            "Round num_examples / batch_size up; the last batch has the remaining examples.",
            "num_examples / batch_size 向上取整；前面的整批装不下的，都在最后一批里。",
        ),
        remark=(
            "235, and 96 in the last: a loss averaged over batches gives these too much weight.",
            "235 个小批量，最后一个有 96 张：如果按小批量平均损失，这 96 张的权重就偏大了。",
        ),
        mistakes=[
            Mistake(
                lambda n, size: (n // size, n % size),
                "The last, smaller batch is a batch too: round up.",
                "最后那个小一些的也是一个小批量：要向上取整。",
            ),
            Mistake(
                lambda n, size: (n // size + 1, n % size),
                "If batch_size divides num_examples, no empty batch follows.",
                "正好整除时，后面不会再有一个空的小批量。",
            ),
            Mistake(
                lambda n, size: (-(-n // size), n % size),
                "If batch_size divides num_examples, the last batch is full, not empty.",
                "正好整除时，最后一个小批量是满的，不是空的。",
            ),
            Mistake(
                lambda n, size: (-(-n // size), size),
                "The last batch has only the remaining examples.",
                "最后一个小批量里只有剩下的样本。",
            ),
        ],
    ),
    Exercise(
        mean_images,
        calls=[
            (
                torch.arange(20.0).reshape(5, 2, 2) ** 2 / 100,
                torch.tensor([1, 0, 1, 2, 1]),
                3,
            )
        ],
        hint=(
            "X[y == c] are the images of class c; average them, and torch.stack the averages.",
            "X[y == c] 是类别 c 的图像；对它们取平均，再用 torch.stack 叠在一起。",
        ),
        remark=(
            "Trousers and sneakers stay clear, sandals and bags blur; pullover, coat and shirt "
            "become nearly the same picture.",
            "裤子和运动鞋很清楚，凉鞋和包模糊了；套衫、外套和衬衫几乎成了同一张图。",
        ),
        mistakes=[
            Mistake(
                lambda X, y, q: torch.stack([X[y == c].mean() for c in range(q)]),
                "A single number per class is not an image: average over the images only, dim=0.",
                "每类只剩一个数，图像没有了：只对图像这一维取平均，dim=0。",
            ),
            Mistake(
                lambda X, y, q: torch.stack([X[y == c].sum(dim=0) for c in range(q)]),
                "These are sums: divide by the number of images in the class.",
                "这是总和：还要除以该类图像的张数。",
            ),
            Mistake(
                lambda X, y, q: torch.stack([X[y == c].sum(dim=0) / len(X) for c in range(q)]),
                "Divide by the number of images of that class, not of all.",
                "应除以该类图像的张数，而不是全部图像的张数。",
            ),
            Mistake(
                lambda X, y, q: torch.stack([X[c] for c in range(q)]),
                "X[c] is image number c; those of class c are X[y == c].",
                "X[c] 是第 c 张图像；类别 c 的图像是 X[y == c]。",
            ),
            Mistake(
                lambda X, y, q: [X[y == c].mean(dim=0) for c in range(q)],
                "Right images; now join the list into one tensor with torch.stack.",
                "图像都对；再用 torch.stack 把列表合成一个张量。",
            ),
        ],
    ),
    Exercise(
        shuffled_batches,
        calls=[(torch.arange(20.0), torch.arange(20), 8)],  # images of one pixel
        seen=about_batches,
        hint=(
            "Draw one order, torch.randperm(len(X)), and index X and y with the same part of it.",
            "只抽取一个次序 torch.randperm(len(X))，用它的同一段去取 X 和 y。",
        ),
        mistakes=[
            Mistake(
                lambda X, y, size: in_batches(X, y, torch.arange(len(X)), size),
                "Nothing is shuffled yet: use the order torch.randperm(len(X)), not 0, 1, 2, ….",
                "还没有打乱：应按 torch.randperm(len(X)) 的次序，而不是 0, 1, 2, …。",
            ),
            Mistake(
                lambda X, y, size: in_batches(X[torch.randperm(20)], y, torch.arange(20), size),
                "Images and labels no longer belong together: one order for both.",
                "图像和标签对不上了：两者要用同一个次序。",
            ),
            Mistake(
                lambda X, y, size: in_batches(
                    X[torch.randperm(20)], y[torch.randperm(20)], torch.arange(20), size
                ),
                "Images and labels no longer belong together: one order for both.",
                "图像和标签对不上了：两者要用同一个次序。",
            ),
            Mistake(
                lambda X, y, size: in_batches(X, y, torch.randperm(20), size)[:-1],
                "The examples of the last, smaller batch are missing.",
                "最后那个小一些的小批量丢掉了。",
            ),
            Mistake(
                lambda X, y, size: in_batches(X, y, torch.arange(20) * 3 % 19, size),
                "Some examples occur twice, others never: draw each once, without replacement.",
                "有的样本出现两次，有的没有出现：应当不放回地抽取，每个恰好一次。",
            ),
            Mistake(
                lambda X, y, size: in_batches(X, y, torch.randperm(20), 1),
                "Take batch_size examples at a time.",
                "每次要取 batch_size 个样本。",
            ),
        ],
    ),
]
