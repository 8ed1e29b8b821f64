"""What --resume goes on from: a checkpoint of the same training, or nothing."""

import argparse
import contextlib
import json
from pathlib import Path
from typing import Any

from d2l_softmax.commands.options import as_json
from d2l_softmax.commands.program import Parser
from d2l_softmax.io import write_json
from d2l_softmax.training import checkpoint as checkpoints
from d2l_softmax.training.checkpoint import Checkpoint
from d2l_softmax.training.distributed import times_restarted

# What may be another when a training goes on: it changes no number, or but by rounding. Of a recipe
# it is the settings that count. So may the number of processes.
FREE = {"resume", "checkpoint_every", "recipe", "quiet", "device", "threads"}
FREE |= {"data_dir", "dataset", "output_dir"}  # the data themselves are compared
FREE |= {"lang", "templates"}
BEGUN = "begun.json"


def goes_on(options: argparse.Namespace) -> bool:
    """Tell whether to look for a checkpoint: --resume says so, or torchrun, after a process died.

    Without --resume, a training that had no checkpoint yet starts afresh; see `announce`.
    """
    restarted = times_restarted() > 0 and not (options.output_dir / BEGUN).exists()
    return options.resume or restarted


def checkpoint_to_go_on_from(parser: Parser, options: argparse.Namespace) -> Checkpoint | None:
    """Return the checkpoint in the output directory; None if this training has none there.

    Exits with status 2 if that is of another training. Raises CheckpointError if it can't be used.
    """
    checkpoint = checkpoints.load_checkpoint(options.output_dir / checkpoints.NAME)
    if not checkpoint:
        return None
    changed = changes(options, checkpoint.config["options"])
    if not changed:
        return checkpoint
    if changes(options, begun_in(options.output_dir)):
        parser.error(
            f"the training in {options.output_dir} was begun with {' '.join(changed)}; go on with "
            "that, or leave --resume out to start afresh"
        )
    return None  # this training ended before its first checkpoint; that is of an earlier one


def changes(now: argparse.Namespace, kept: dict[str, Any]) -> list[str]:
    """Return the options that a training was begun with where they are others now.

    More epochs are no change unless a learning rate is to reach zero with the last.
    """
    changed = []
    for name, value in as_json(now).items():
        before = kept.get(name)
        if name in FREE or value == before:
            continue
        more = name == "epochs" and isinstance(before, int) and value > before
        if not more or now.lr_decay != "none":
            option = f"--{name.replace('_', '-')}"
            changed.append(f"no {option}" if before is None else f"{option}={before}")
    return changed


def announce(options: argparse.Namespace) -> None:
    """Let the output directory tell of a training that has no checkpoint yet."""
    write_json(options.output_dir / BEGUN, as_json(options))


def begun_in(output_dir: Path) -> dict[str, Any]:
    """Return the options of a training that ended without a checkpoint, empty if none did."""
    with contextlib.suppress(OSError, ValueError):
        begun = json.loads((output_dir / BEGUN).read_text(encoding="utf-8"))
        if isinstance(begun, dict):
            return begun
    return {}
