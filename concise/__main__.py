"""The command `python -m concise`."""

import sys

from concise import softmax_regression
from d2l_softmax.cli import main

if __name__ == "__main__":
    sys.exit(main(softmax_regression, "concise"))
