"""The command `python -m concise`."""

import concise
from d2l_softmax.commands import train
from d2l_softmax.commands.cli import run_as_program

if __name__ == "__main__":
    run_as_program(train.main, concise, "concise")
