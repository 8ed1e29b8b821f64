"""The book's way, as a peer to measure against: images are decoded one at a time, by workers.

As a command, `python -m benchmarks.book FOLDER`, it is the script that a reader of the book would
write: ten epochs, a figure of the curves and one of predictions.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import FashionMNIST
from torchvision.transforms import ToTensor

from d2l_softmax.data.sources import ensure_fashion_mnist


def load(batch_size: int, num_workers: int) -> tuple[DataLoader, DataLoader]:
    """Return (train_iter, test_iter) over torchvision's data set, each image made by ToTensor."""
    train, test = (
        FashionMNIST(ensure_fashion_mnist(), train=split, transform=ToTensor())
        for split in (True, False)
    )
    return (
        DataLoader(train, batch_size, shuffle=True, num_workers=num_workers),
        DataLoader(test, batch_size, num_workers=num_workers),
    )


class Trainer:
    """An epoch as the book writes it: loss and accuracy are fetched in every step."""

    def __init__(self, num_workers: int):
        self.train_iter, self.test_iter = load(256, num_workers)
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
        nn.init.normal_(self.net[1].weight, std=0.01)
        self.loss = nn.CrossEntropyLoss(reduction="none")
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1)

    def epoch(self) -> tuple[float, float, float]:
        """Train once over the data and evaluate: train loss, train accuracy, test accuracy."""
        total_loss = correct = 0.0
        for X, y in self.train_iter:
            logits = self.net(X)
            losses = self.loss(logits, y)
            self.optimizer.zero_grad()
            losses.mean().backward()
            self.optimizer.step()
            total_loss += float(losses.detach().sum())
            correct += float((logits.argmax(1) == y).sum())
        n = len(self.train_iter.dataset)
        with torch.no_grad():
            test_correct = sum(float((self.net(X).argmax(1) == y).sum()) for X, y in self.test_iter)
        return total_loss / n, correct / n, test_correct / len(self.test_iter.dataset)


def main(folder: Path, epochs: int = 10, num_workers: int = 4) -> None:
    """Train, print each epoch, and draw the curves and the first test images."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    trainer = Trainer(num_workers)
    history = []
    for epoch in range(1, epochs + 1):
        history.append(trainer.epoch())
        print(epoch, *history[-1], flush=True)
    plt.plot(range(1, epochs + 1), history, label=["train loss", "train acc", "test acc"])
    plt.legend()
    plt.savefig(folder / "curves.png")
    X, y = next(iter(trainer.test_iter))
    predicted = trainer.net(X).argmax(1)
    figure, axes = plt.subplots(1, 6, figsize=(9, 1.8))
    for each, image, true, guess in zip(axes, X, y, predicted, strict=False):
        each.imshow(image[0], cmap="gray")
        each.set_title(f"{int(true)}\n{int(guess)}")
        each.axis("off")
    figure.savefig(folder / "predictions.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
