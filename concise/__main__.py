"""The command `python -m concise`."""

from concise import softmax_regression
from d2l_softmax.cli import leave, main

if __name__ == "__main__":
    leave(main(softmax_regression, "concise"))
