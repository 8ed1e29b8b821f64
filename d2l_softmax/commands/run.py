"""The directory of a run: its checkpoint, what is made from it, and what an earlier run left."""

import contextlib
import json
import secrets
from pathlib import Path
from types import FrameType

from d2l_softmax.commands.resume import BEGUN
from d2l_softmax.commands.signals import Postponed, interrupt
from d2l_softmax.commands.training import Training
from d2l_softmax.figures.evaluation import FIGURES, TABLE
from d2l_softmax.figures.templates import BY_EPOCH
from d2l_softmax.io import remove, write_json
from d2l_softmax.storage.description import path_beside, save_description
from d2l_softmax.storage.results import save_history, save_model
from d2l_softmax.training import checkpoint as checkpoints
from d2l_softmax.training.checkpoint import Checkpoint, CheckpointError
from d2l_softmax.training.distributed import restarts_are_left
from d2l_softmax.training.fit import is_finite

CONFIG, HISTORY, MODEL = "config.json", "history.csv", "model.pt"
CURVES, REPORT = "curves.png", "report.html"
EARLIER = "earlier-checkpoint.pt"
HOW = "the same command with --resume goes on"
BY_ITSELF = "torchrun goes on from there"
NONE = "there is no checkpoint yet"


class Run:
    """A training and the directory of its files, which is at all times that of one run.

    The checkpoint is written first. Then, after the first epoch, what an earlier run left is taken
    away before anything of this one is written; its name, `run`, is in config.json.

    Of several processes all have a Run, and call the same methods; the first alone has files.
    """

    def __init__(
        self, output_dir: Path, training: Training, config: dict, checkpoint: Checkpoint | None
    ):
        """Stand where the checkpoint says, if there is one; CheckpointError if that can't be."""
        self.output_dir, self.training, self.group = output_dir, training, training.group
        self.path = output_dir / checkpoints.NAME
        self.signal = Postponed()
        self.saved = checkpoint
        self.has_directory = False
        if self.group.size > 1:
            self.group.where = lambda: self.where(BY_ITSELF if restarts_are_left() else HOW)
        self.earlier = None
        if self.group.is_first and not checkpoint:
            self.earlier = unfinished(self.path)
        name = checkpoint.config["run"] if checkpoint else secrets.token_hex(8)
        self.config = {"run": name, **config}
        if checkpoint:
            take_up(training, checkpoint, self.path)
            if training.history and not training.epoch.batch:
                self.write_epoch()  # the files may be behind

    def write_epoch(self) -> None:
        """Write the checkpoint after an epoch, and the files that are made from it."""
        self.write_checkpoint()
        if self.group.is_first:
            self.write_files()

    def write_files(self) -> None:
        """Write what is made from a checkpoint: history, model, config."""
        if not self.has_directory:
            self.clear()
            write_json(self.output_dir / CONFIG, self.config)
            save_description(self.output_dir / MODEL, self.training.description)
            self.has_directory = True
        save_history(self.output_dir / HISTORY, self.training.history)
        save_model(self.output_dir / MODEL, self.training.model)

    def write_checkpoint(self) -> None:
        """Write the checkpoint; that of an unfinished training that was there is kept."""
        checkpoint = self.training.checkpoint(self.config)
        if self.group.is_first:
            self.replace_checkpoint(checkpoint)
        self.group.wait()  # so that the others know that it is written
        self.saved = checkpoint

    def replace_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Put a checkpoint in the place of the one before."""
        if self.earlier:
            self.path.replace(self.output_dir / EARLIER)
            self.earlier = None
        checkpoints.save_checkpoint(self.path, checkpoint)
        remove(self.output_dir / BEGUN)

    def clear(self) -> None:
        """Remove the figures, which will be drawn anew, and all that is of another run."""
        stale = [CURVES, *FIGURES, BY_EPOCH, TABLE, REPORT]
        if name_of_run(self.output_dir / CONFIG) != self.config["run"]:
            stale += [CONFIG, HISTORY, MODEL, path_beside(Path(MODEL)).name]
        for file in stale:
            remove(self.output_dir / file)

    def end_batch(self) -> None:
        """Write a checkpoint if it is time to, and leave the training if a signal asks for it."""
        every, batch = self.training.options.checkpoint_every, self.training.epoch.batch
        # After the last batch, which not every process may have, that of the epoch comes at once.
        due = every and batch % every == 0 and batch < len(self.training.train_iter)
        # otherwise the next loss will be NaN, and the checkpoint before is the last good one
        if (due or self.signal.signum is not None) and is_finite(self.training.model):
            self.write_checkpoint()
            self.leave_if_asked()

    def take_signal(self, signum: int, frame: FrameType | None) -> None:
        """Handle a signal: end the training after the batch, but one of several processes at once.

        They are at different places when the signal comes, and a checkpoint needs all.
        """
        if self.group.size > 1:
            interrupt(signum, frame, f"in epoch {len(self.training.history) + 1}; {self.where()}")
        self.signal(signum, frame)

    def where(self, how: str = HOW) -> str:
        """Return where the last checkpoint stands, in words, and how to go on from it."""
        return f"the last checkpoint stands {self.saved.place()}; {how}" if self.saved else NONE

    def leave_if_asked(self) -> None:
        """Raise Interrupted if a signal has come; it says where the checkpoint stands."""
        if self.saved:
            self.signal.raise_if_any(f"{self.saved.place()}; {HOW}")


def take_up(training: Training, checkpoint: Checkpoint, path: Path) -> None:
    """Let a training stand where a checkpoint says; CheckpointError if it is of another kind."""
    try:
        training.restore(checkpoint)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} is damaged or of another training: {error};",
            "leave {resume} out to start afresh",
        ) from error


def unfinished(path: Path) -> Checkpoint | None:
    """Return the checkpoint of a training that had an epoch, but not all of them."""
    with contextlib.suppress(CheckpointError):
        checkpoint = checkpoints.load_checkpoint(path)
        if checkpoint and checkpoint.history and not checkpoint.is_finished:
            return checkpoint
    return None


def name_of_run(config: Path) -> str | None:
    """Return the name that a config.json gives its run, None if it can't be read."""
    try:
        return json.loads(config.read_text(encoding="utf-8"))["run"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
