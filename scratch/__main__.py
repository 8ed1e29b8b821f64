"""The command `python -m scratch`."""

from d2l_softmax.cli import leave, main
from scratch import softmax_regression

if __name__ == "__main__":
    leave(main(softmax_regression, "scratch"))
