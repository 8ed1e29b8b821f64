"""The book's code, as a peer (see peers.py) and as a script.

Worker processes convert one image at a time, and each step converts loss and accuracy to numbers.
The script, `python -m benchmarks.book FOLDER`, is what a reader of the book would write. It trains
for ten epochs, and writes a figure of the curves and one of predictions.
"""

import sys
from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import FashionMNIST
from torchvision.transforms import ToTensor

from d2l_softmax.data.sources import ensure_fashion_mnist


def load(batch_size: int, num_workers: int) -> tuple[DataLoader, DataLoader]:
    """Return (train_iter, test_iter) over torchvision's data set with the transform ToTensor."""
    root = ensure_fashion_mnist()
    train, test = (FashionMNIST(root, split, transform=ToTensor()) for split in (True, False))
    train_iter = DataLoader(train, batch_size, shuffle=True, num_workers=num_workers)
    return train_iter, DataLoader(test, batch_size, num_workers=num_workers)


def train(num_workers: int) -> Iterator[tuple]:
    """Yield (net, test_iter), then after each epoch train loss, train accuracy, test accuracy."""
    train_iter, test_iter = load(256, num_workers)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    nn.init.normal_(net[1].weight, std=0.01)
    loss = nn.CrossEntropyLoss(reduction="none")
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    yield net, test_iter
    while True:
        total_loss = correct = 0.0
        for X, y in train_iter:
            logits = net(X)
            losses = loss(logits, y)
            optimizer.zero_grad()
            losses.mean().backward()
            optimizer.step()
            total_loss += float(losses.detach().sum())
            correct += float((logits.argmax(1) == y).sum())
        n = len(train_iter.dataset)
        with torch.no_grad():
            test_correct = sum(float((net(X).argmax(1) == y).sum()) for X, y in test_iter)
        yield total_loss / n, correct / n, test_correct / len(test_iter.dataset)


if __name__ == "__main__":
    from matplotlib import pyplot as plt

    plt.switch_backend("agg")
    training = train(num_workers=4)
    net, test_iter = next(training)
    history = []
    for epoch in range(1, 11):
        history.append(next(training))
        print(epoch, *history[-1], flush=True)
    plt.plot(range(1, 11), history, label=["train loss", "train acc", "test acc"])
    plt.legend()
    plt.savefig(f"{sys.argv[1]}/curves.png")
    X, y = next(iter(test_iter))
    figure, all_axes = plt.subplots(1, 6, figsize=(9, 1.8))
    for axes, image, true, guess in zip(all_axes, X, y, net(X).argmax(1), strict=False):
        axes.imshow(image[0], cmap="gray")
        axes.set_title(f"{int(true)}\n{int(guess)}")
        axes.axis("off")
    figure.savefig(f"{sys.argv[1]}/predictions.png")
