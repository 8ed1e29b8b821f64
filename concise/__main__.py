"""The command `python -m concise`."""

from concise import softmax_regression
from d2l_softmax.cli import main, run_as_program

if __name__ == "__main__":
    run_as_program(lambda: main(softmax_regression, "concise"))
