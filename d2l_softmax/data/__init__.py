"""Load data sets as batches of examples and labels: Fashion-MNIST and custom data."""

from d2l_softmax.data.custom import load_data
from d2l_softmax.data.fashion_mnist import (
    CLASSES,
    get_fashion_mnist_labels,
    load_data_fashion_mnist,
)

__all__ = ["CLASSES", "get_fashion_mnist_labels", "load_data", "load_data_fashion_mnist"]
