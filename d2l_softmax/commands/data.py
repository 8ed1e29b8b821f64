"""The command `data`: find or download Fashion-MNIST."""

import argparse

from d2l_softmax.commands.cli import Command, Twins
from d2l_softmax.commands.console import print_out
from d2l_softmax.commands.options import add_settings
from d2l_softmax.data.sources import SHA256, ensure_fashion_mnist


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_settings(parser, "data_dir")


def prepare_data(options: argparse.Namespace, twins: Twins) -> None:
    """Find or download Fashion-MNIST, verify it by SHA-256, and print its directory."""
    data_dir = ensure_fashion_mnist(options.data_dir)
    print_out(f"Fashion-MNIST, {len(SHA256)} files with verified SHA-256: {data_dir}")


COMMAND = Command("data", "find or download Fashion-MNIST", add_options, prepare_data)
