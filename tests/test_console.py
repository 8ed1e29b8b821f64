"""What a person at the terminal sees of a training: its lines, and the bar below them."""

import sys

import pytest
from conftest import TWINS

from d2l_softmax import __main__ as d2l_main
from d2l_softmax.commands import console, train
from d2l_softmax.commands.console import Console


@pytest.fixture
def terminal(capsys, monkeypatch):
    """Let what is captured pass as a terminal; return it."""
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda stream: True)
    return capsys


@pytest.fixture(params=["scratch", "concise", "compare"])
def command(request, made_up, tmp_path, monkeypatch):
    """Return a function that runs each command that trains, for two epochs of four batches."""
    monkeypatch.setattr(train, "write_results", lambda *arguments: None)
    settings = ["--epochs=2", "--batch-size=16", "--lr=0.01", "--device=cpu"]
    paths = [f"--data-dir={made_up}", f"--output-dir={tmp_path / 'out'}"]

    def command(*arguments):
        argv = [*settings, *paths, *arguments]
        if request.param in TWINS:
            return train.main(TWINS[request.param], request.param, argv)
        return d2l_main.main(["compare", *argv])

    command.batches = 8 if request.param in TWINS else 16
    return command


def test_no_bar_where_standard_error_is_no_terminal(capsys):
    with Console(total=1, quiet=False) as shown:
        shown.say("a line")
    assert capsys.readouterr() == ("a line\n", "")


def test_neither_lines_nor_a_bar_if_it_is_to_be_quiet(terminal):
    with Console(total=1, quiet=True) as shown:
        shown.say("a line")
    assert terminal.readouterr() == ("", "")


def test_the_bar_of_a_command_is_as_long_as_its_training(command, terminal):
    assert command() == 0
    lines, bar = terminal.readouterr()
    assert "Fashion-MNIST, 60 + 20 images" in lines
    assert f"0/{command.batches} " in bar


def test_the_bar_moves_with_the_batches(command, terminal, monkeypatch):
    moves = []
    monkeypatch.setattr(console.tqdm, "update", lambda bar, n=1: moves.append(n))
    assert command() == 0
    assert sum(moves) == command.batches
    assert set(moves) <= {0, 1}


def test_a_quiet_command_shows_nothing_on_a_terminal(command, terminal):
    assert command("--quiet") == 0
    assert terminal.readouterr() == ("", "")
