"""What both twins share: Fashion-MNIST, the loop around training, metrics, figures, commands.

Cheap to import: torchvision and matplotlib are loaded where they are used.
"""

from d2l_softmax.data import get_fashion_mnist_labels, load_data_fashion_mnist
from d2l_softmax.metrics import Accumulator, Timer, accuracy, evaluate_accuracy

__all__ = [
    "Accumulator",
    "Timer",
    "accuracy",
    "evaluate_accuracy",
    "get_fashion_mnist_labels",
    "load_data_fashion_mnist",
]

__version__ = "0.1.0"
