"""The command `python -m scratch`."""

import scratch
from d2l_softmax.commands import train
from d2l_softmax.commands.cli import run_as_program

if __name__ == "__main__":
    run_as_program(train.main, scratch, "scratch")
