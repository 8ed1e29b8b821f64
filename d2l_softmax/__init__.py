"""Shared by both twins: the Fashion-MNIST loader, metrics, trained models, the book's functions.

`import d2l_softmax as d2l` replaces the book's package. The import is cheap: torchvision and
matplotlib (`plt`) are imported on first use.
"""

from types import ModuleType

from d2l_softmax.book.animation import (
    Animator,
    plot,
    pyplot,
    set_axes,
    set_figsize,
    show_images,
    use_svg_display,
)
from d2l_softmax.book.chapters import (
    evaluate_loss,
    float32,
    get_dataloader_workers,
    linreg,
    load_array,
    predict_ch3,
    sgd,
    squared_loss,
    synthetic_data,
    train_ch3,
    train_epoch_ch3,
    try_all_gpus,
    try_gpu,
)
from d2l_softmax.book.convolutional import corr2d, evaluate_accuracy_gpu, train_ch6
from d2l_softmax.data import get_fashion_mnist_labels, load_data, load_data_fashion_mnist
from d2l_softmax.models import load_model, save_model
from d2l_softmax.training.metrics import Accumulator, Timer, accuracy, evaluate_accuracy

__all__ = [
    "Accumulator",
    "Animator",
    "Timer",
    "accuracy",
    "corr2d",
    "evaluate_accuracy",
    "evaluate_accuracy_gpu",
    "evaluate_loss",
    "float32",
    "get_dataloader_workers",
    "get_fashion_mnist_labels",
    "linreg",
    "load_array",
    "load_data",
    "load_data_fashion_mnist",
    "load_model",
    "plot",
    "plt",
    "predict_ch3",
    "save_model",
    "set_axes",
    "set_figsize",
    "sgd",
    "show_images",
    "squared_loss",
    "synthetic_data",
    "train_ch3",
    "train_ch6",
    "train_epoch_ch3",
    "try_all_gpus",
    "try_gpu",
    "use_svg_display",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    if name == "plt":
        return pyplot()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
