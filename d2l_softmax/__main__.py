"""The command `python -m d2l_softmax COMMAND`: what needs both twins, or neither."""

import argparse
import sys

from d2l_softmax.cli import add_data_dir, exit_status
from d2l_softmax.sources import SHA256, ensure_fashion_mnist


def main(argv: list[str] | None = None) -> int:
    """Run the command that the arguments name and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m d2l_softmax", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    data_parser = commands.add_parser(
        "data",
        help="find or fetch Fashion-MNIST, verify it, and say where it is",
        description="Find or fetch Fashion-MNIST, verify it by SHA-256, and print its directory.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    add_data_dir(data_parser)
    data_parser.set_defaults(work=data)
    options = parser.parse_args(argv)
    command = f"python -m d2l_softmax {options.command}"
    return exit_status(command, lambda: options.work(options))


def data(options: argparse.Namespace) -> None:
    """Make sure that the data are there and print where."""
    data_dir = ensure_fashion_mnist(options.data_dir)
    print(f"Fashion-MNIST, {len(SHA256)} files with the right SHA-256: {data_dir}")


if __name__ == "__main__":
    sys.exit(main())
