"""The command `python -m scratch`."""

import sys

from d2l_softmax.cli import main
from scratch import softmax_regression

if __name__ == "__main__":
    sys.exit(main(softmax_regression, "scratch"))
