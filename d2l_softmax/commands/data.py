"""The command `data`: Fashion-MNIST's files are put in place."""

import argparse

from d2l_softmax.commands.cli import Command, Twins
from d2l_softmax.commands.console import print_out
from d2l_softmax.commands.options import add_data_dir
from d2l_softmax.data.sources import SHA256, ensure_fashion_mnist


def prepare_data(options: argparse.Namespace, twins: Twins) -> None:
    """Find or fetch Fashion-MNIST, verify it by SHA-256, and print where it is."""
    data_dir = ensure_fashion_mnist(options.data_dir)
    print_out(f"Fashion-MNIST, {len(SHA256)} files with the right SHA-256: {data_dir}")


COMMAND = Command(
    "data", "find or fetch Fashion-MNIST, verify it, say where", add_data_dir, prepare_data
)
