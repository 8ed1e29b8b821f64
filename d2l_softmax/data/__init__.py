"""Images and labels as batches: where the files come from, how they are verified and read."""

from d2l_softmax.data.custom import load_data
from d2l_softmax.data.fashion_mnist import (
    CLASSES,
    get_fashion_mnist_labels,
    load_data_fashion_mnist,
)

__all__ = ["CLASSES", "get_fashion_mnist_labels", "load_data", "load_data_fashion_mnist"]
