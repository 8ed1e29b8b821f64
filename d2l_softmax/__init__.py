"""Fashion-MNIST's loader, metrics, model files and the book's functions, shared by both twins.

The twins are the two implementations, `scratch` and `concise`. `import d2l_softmax as d2l` replaces
the book's package, in its Chinese and English editions. The import is fast: torchvision and
matplotlib (`plt`) are imported on first use.
"""

from typing import Any

from d2l_softmax.book.aliases import ALIASES
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
from d2l_softmax.book.english import (
    SGD,
    Classifier,
    DataModule,
    FashionMNIST,
    LinearRegression,
    LinearRegressionScratch,
    Module,
    SoftmaxRegression,
    SyntheticRegressionData,
    Trainer,
    add_to_class,
    cpu,
    gpu,
    init_cnn,
    nn_Module,
    num_gpus,
)
from d2l_softmax.book.progress_board import HyperParameters, ProgressBoard
from d2l_softmax.data import get_fashion_mnist_labels, load_data, load_data_fashion_mnist
from d2l_softmax.models import load_model, save_model
from d2l_softmax.training.metrics import Accumulator, Timer, accuracy, evaluate_accuracy

__all__ = [
    "SGD",
    "Accumulator",
    "Animator",
    "Classifier",
    "DataModule",
    "FashionMNIST",
    "HyperParameters",
    "LinearRegression",
    "LinearRegressionScratch",
    "Module",
    "ProgressBoard",
    "SoftmaxRegression",
    "SyntheticRegressionData",
    "Timer",
    "Trainer",
    "accuracy",
    "add_to_class",
    "corr2d",
    "cpu",
    "evaluate_accuracy",
    "evaluate_accuracy_gpu",
    "evaluate_loss",
    "float32",
    "get_dataloader_workers",
    "get_fashion_mnist_labels",
    "gpu",
    "init_cnn",
    "linreg",
    "load_array",
    "load_data",
    "load_data_fashion_mnist",
    "load_model",
    "nn_Module",
    "num_gpus",
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

__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    if name == "plt":
        return pyplot()
    if name in ALIASES:  # not in __all__: they would replace abs() after `import *`
        return ALIASES[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
