"""The command `python -m scratch`."""

from d2l_softmax.commands.options import main, run_as_program
from scratch import softmax_regression

if __name__ == "__main__":
    run_as_program(lambda: main(softmax_regression, "scratch"))
