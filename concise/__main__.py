"""The command `python -m concise`."""

from concise import softmax_regression
from d2l_softmax.commands.options import main, run_as_program

if __name__ == "__main__":
    run_as_program(lambda: main(softmax_regression, "concise"))
