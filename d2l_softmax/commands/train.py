"""Train a twin: `python -m scratch` and `python -m concise`, from options to files."""

import argparse
import contextlib
import platform
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from d2l_softmax import __version__
from d2l_softmax.commands.console import Console, counted
from d2l_softmax.commands.language import add_language, drawn_in
from d2l_softmax.commands.options import (
    RESULT_OPTIONS,
    add_output_dir,
    add_training_options,
    as_json,
    complete_training_options,
    whole,
)
from d2l_softmax.commands.program import HelpFormatter, Parser, cpu_threads, exit_status
from d2l_softmax.commands.signals import Interrupted, StopRequest, handled_by
from d2l_softmax.data.batches import ArrayLoader
from d2l_softmax.data.custom import load_data
from d2l_softmax.data.fashion_mnist import (
    FASHION_MNIST,
    TEST_BATCH_SIZE,
    load_data_fashion_mnist,
)
from d2l_softmax.errors import UserError
from d2l_softmax.figures.alt_text import describe_curves
from d2l_softmax.figures.curves import draw_curves
from d2l_softmax.figures.evaluation import FIGURES, TABLE, write_evaluation
from d2l_softmax.figures.style import CaptionedFigure, save_figure
from d2l_softmax.figures.templates import (
    BY_EPOCH,
    MOST_BY_EPOCH,
    templates_frames,
    write_templates_by_epoch,
)
from d2l_softmax.i18n import tr
from d2l_softmax.io import exclusive_lock, prepare_directory, remove, write_json
from d2l_softmax.pages.report import Animation, write_run_report
from d2l_softmax.storage.description import (
    AS_FASHION_MNIST,
    RESIZED,
    Description,
    path_beside,
    save_description,
)
from d2l_softmax.storage.results import save_history, save_parameters
from d2l_softmax.training import checkpoint as checkpoints
from d2l_softmax.training import distributed
from d2l_softmax.training.checkpoint import CheckpointError
from d2l_softmax.training.evaluation import Model
from d2l_softmax.training.fit import EpochRecord, Training, is_finite, new_divergence_reason

CONFIG, HISTORY, MODEL = "config.json", "history.csv", "model.pt"
CURVES, REPORT = "curves.png", "report.html"
CAPTION = (
    "Loss and accuracies by epoch. Training values are running means: each batch is measured "
    "before its step, while the weights still change. Test values are measured after the epoch, so "
    "the first test accuracy may be higher than the first training accuracy."
)
NO_TEMPLATES = f"the examples are features, which make no images: {BY_EPOCH} is left out"
# Shown beside the curve in which it is seen.
JITTER = (
    " The test accuracy fluctuates because the learning rate is constant: borderline images flip "
    "between similar classes (pullover, coat, shirt). A learning rate that decays to zero avoids "
    "that: --lr-decay linear, or all of --recipe best."
)


class UnfinishedTrainingError(UserError):
    """The output directory has a training that is not finished, and was not to be replaced."""


def main(twin: ModuleType, name: str, argv: list[str] | None = None) -> int:
    """Train the twin as the arguments say and return the exit status (2, wrong usage, exits)."""
    argv = sys.argv[1:] if argv is None else argv
    options = parse(name, argv)
    again = [each for each in argv if each not in ("--resume", "--overwrite")]
    resume = "resume with: " + shlex.join(["python", "-m", name, *again, "--resume"])
    if distributed.get_launch().world_size > 1:  # torchrun's own options are not known here
        resume = "resume with the same command and --resume"
    return exit_status(f"python -m {name}", lambda: train(twin, name, options, resume))


def make_parser(name: str) -> Parser:
    """Return the parser of a twin's command."""
    parser = Parser(
        prog=f"python -m {name}",
        description="Train softmax regression on Fashion-MNIST and write the history (CSV), the "
        "model, figures (PNG) and a report (HTML). Equal options and seed give equal numbers in "
        "both twins, to rounding.",
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )
    add_training_options(parser)
    unfinished = parser.add_mutually_exclusive_group()
    unfinished.add_argument(
        "--resume",
        action="store_true",
        help="continue the training in the output directory from its checkpoint; --epochs may be "
        "more",
    )
    unfinished.add_argument(
        "--overwrite",
        action="store_true",
        help="replace an unfinished training in the output directory",
    )
    parser.add_argument(
        "--checkpoint-every",
        type=whole(1),
        metavar="N",
        help="write a checkpoint after every N batches, too, not only after an epoch",
    )
    parser.add_argument(
        "--templates",
        action="store_true",
        help="draw how the weights of each class form, epoch by epoch",
    )
    add_language(parser)
    add_output_dir(parser, Path("runs", name))
    return parser


def parse(name: str, argv: list[str] | None = None) -> argparse.Namespace:
    """Return the options of a twin's command, complete; exit with 2 if they are wrong."""
    parser = make_parser(name)
    options = parser.parse_args(argv)
    complete_training_options(parser, options)
    _, world_size, _, local_world_size = distributed.get_launch()
    if world_size > options.batch_size:
        parser.error(
            f"argument --batch-size: {options.batch_size} for {world_size} processes, expected an "
            "image for each"
        )
    if world_size > 1 and options.device == "mps":
        parser.error("argument --device: mps trains in one process; use --device cpu")
    if options.device == "cuda" and local_world_size > torch.cuda.device_count():
        parser.error(
            f"argument --device: {counted(torch.cuda.device_count(), 'GPU')} for "
            f"{local_world_size} processes, expected one for each; start fewer processes, or use "
            "--device cpu"
        )
    return options


def train(twin: ModuleType, name: str, options: argparse.Namespace, resume: str = "") -> None:
    """Train the twin and write its files; whenever that ends, --resume can continue.

    Under torchrun all ranks are here, and rank 0 alone prints and writes. `resume` says how to
    continue. Raises OutputError if something can't be written, DataUnavailableError without data,
    CheckpointError if the checkpoint can't be used, UnfinishedTrainingError if one is in the way,
    DivergedError when a loss or weight is no longer finite, Interrupted after a signal.
    """
    is_main = distributed.is_main()
    with contextlib.ExitStack() as stack:
        stack.enter_context(cpu_threads(options.threads))
        stack.enter_context(distributed.process_group(options.device))
        check_equal_options(options)
        if is_main:
            stack.enter_context(exclusive_lock(prepare_directory(options.output_dir)))
        checkpoint = find_checkpoint(options) if is_main else None
        checkpoint = distributed.broadcast_from_rank0(checkpoint)
        refuse_other_training(name, options, checkpoint)

        training = prepare(twin, options)
        check_equal_data(training)
        config = describe(name, options, training)
        path = options.output_dir / checkpoints.NAME
        if checkpoint:
            checkpoints.resume_from(checkpoint, training, config["checksums"], path)

        total = options.epochs * len(training.train_iter)
        console = stack.enter_context(Console(total, options.quiet, is_main))
        console.say(f"{name}: {summary(options, training)}")
        if checkpoint:
            console.say(f"resuming from {path}, {checkpoints.position(checkpoint)}")
        elif options.resume:
            console.say(f"nothing to resume in {options.output_dir}: starting at epoch 1")

        run = Run(training, options, config, console, resume)
        with handled_by(run.stop):
            for record in training.fit(run.after_batch):
                run.after_epoch(record)

        if is_main:
            write_results(options, training, config)
            console.say(speed(training))
            console.say(f"wrote {HISTORY}, {MODEL}, {REPORT} and its figures to {run.output_dir}")


class Run:
    """What happens around the batches and epochs of a training: files, lines, signals.

    The checkpoint is written first. Before the first of the other files, those of an earlier run
    are removed, so that the files of two runs are never beside each other.
    """

    def __init__(
        self,
        training: Training,
        options: argparse.Namespace,
        config: dict[str, Any],
        console: Console,
        resume: str,
    ):
        """Write the files of a training that was resumed after an epoch: they may be older."""
        self.training, self.options, self.config = training, options, config
        self.output_dir, self.console, self.resume = options.output_dir, console, resume
        self.program = f"python -m {config['twin']}"
        self.stop = StopRequest()
        self.has_written = False
        self.description = describe_data(options, training.train_iter)
        console.bar.update(len(training.history) * len(training.train_iter) + training.batch)
        if options.templates and not self.description.has_images:
            console.warn(f"{self.program}: {NO_TEMPLATES}")
        if training.history and not training.batch:
            self.write_files()

    def after_batch(self) -> None:
        """Write a checkpoint if it is time to, and end the training if a signal asked for it."""
        self.console.bar.update()
        training, every = self.training, self.options.checkpoint_every
        due = bool(every) and training.batch % every == 0
        if training.launch.world_size == 1:  # several ranks stop at a checkpoint of all
            due = due or self.stop.signum is not None
        # The last batch is followed by the checkpoint of the epoch. If a weight is not finite, the
        # next loss will not be either, and the checkpoint before is the last good one.
        if due and training.batch < len(training.train_iter) and is_finite(training.model):
            self.end_if_asked(self.save_checkpoint())

    def after_epoch(self, record: EpochRecord) -> None:
        """Write the checkpoint and the other files, and print the epoch."""
        checkpoint = self.save_checkpoint()
        self.write_files()
        self.console.say(record)
        if reason := new_divergence_reason(self.training.history, len(self.training.model.b)):
            self.console.warn(f"{self.program}: {reason}")
        self.end_if_asked(checkpoint)

    def save_checkpoint(self) -> dict[str, Any]:
        """Write checkpoint.pt; return what is in it."""
        checkpoint = self.training.state_dict() | {"config": self.config}
        if distributed.is_main():
            checkpoints.save_checkpoint(self.output_dir / checkpoints.NAME, checkpoint)
        return checkpoint

    def end_if_asked(self, checkpoint: dict[str, Any]) -> None:
        """Raise Interrupted after a signal to any rank; all ranks have written the checkpoint."""
        if any(distributed.all_reduce_sums(self.stop.signum or 0)):
            raise Interrupted(
                self.stop.signum or signal.SIGTERM,
                f"{checkpoints.position(checkpoint)}; {self.resume}",
            )

    def write_files(self) -> None:
        """Write what is made from a checkpoint: config, model, history."""
        if not distributed.is_main():
            return
        model = self.output_dir / MODEL
        if not self.has_written:
            drawn = (CURVES, *(figure.file for figure in FIGURES), BY_EPOCH, TABLE, REPORT)
            for file in (*drawn, CONFIG, HISTORY, MODEL, path_beside(Path(MODEL)).name):
                remove(self.output_dir / file)
            write_json(self.output_dir / CONFIG, self.config)
            save_description(model, self.description)
            self.has_written = True
        save_history(self.output_dir / HISTORY, self.training.history)
        save_parameters(model, self.training.model)


# What a training starts from


def find_checkpoint(options: argparse.Namespace) -> dict[str, Any] | None:
    """Return the checkpoint to resume from, None to start at epoch 1.

    With --resume, and when torchrun starts the ranks again, an unfinished training is continued;
    otherwise it is refused, unless --overwrite removes it.
    """
    path, restarted = options.output_dir / checkpoints.NAME, distributed.count_restarts() > 0
    if options.overwrite and not restarted:
        remove(path)
    try:
        checkpoint = checkpoints.load_checkpoint(path)
    except CheckpointError:
        if options.resume:
            raise
        return None
    if not checkpoint or options.resume:
        return checkpoint
    if checkpoints.is_finished(checkpoint):
        return None
    if restarted:
        return checkpoint
    raise UnfinishedTrainingError(
        f"{options.output_dir} has an unfinished training, {checkpoints.position(checkpoint)};",
        "continue it with {resume}, or replace it with {overwrite}",
    )


def refuse_other_training(
    name: str, options: argparse.Namespace, checkpoint: dict[str, Any] | None
) -> None:
    """Exit with status 2 if the checkpoint is of the other twin or of other options.

    More epochs are no other option, unless a learning rate is to reach zero with the last.
    """
    if not checkpoint:
        return
    twin, saved = checkpoint["config"]["twin"], checkpoint["config"]["options"]
    if twin != name:
        make_parser(name).error(f"cannot resume: the checkpoint is of python -m {twin}")
    given = as_json(options)
    changed = [option for option in RESULT_OPTIONS if given[option] != saved.get(option)]
    if "epochs" in changed and given["lr_decay"] == "none" and given["epochs"] > saved["epochs"]:
        changed.remove("epochs")
    if changed:
        has, got = (as_typed(changed, values) for values in (saved, given))
        make_parser(name).error(f"cannot resume: the checkpoint has {has}, got {got}")


def as_typed(names: Sequence[str], values: dict[str, Any]) -> str:
    """Return options as they are typed, such as `--lr 0.1 --seed 0`."""
    return " ".join(f"--{name.replace('_', '-')} {values.get(name)}" for name in names)


def check_equal_options(options: argparse.Namespace) -> None:
    """Raise RankError if a rank has other options than rank 0."""
    names, given = (*RESULT_OPTIONS, "device", "checkpoint_every"), as_json(options)
    distributed.check_equal("options", {f"--{n.replace('_', '-')}": given[n] for n in names})


def check_equal_data(training: Training) -> None:
    """Raise RankError if a rank has other data than rank 0."""
    facts: dict[str, Any] = {}
    for what, loader in (("training", training.train_iter), ("test", training.test_iter)):
        facts |= {
            f"the number of the {what} data": len(loader.dataset),
            f"the classes of the {what} data": ", ".join(loader.dataset.classes),
            f"the checksum of the {what} data": loader.dataset.checksum(),
        }
    distributed.check_equal("data", facts)


def prepare(
    twin: ModuleType,
    options: argparse.Namespace,
    load: Callable[..., tuple[ArrayLoader, ...]] | None = None,
) -> Training:
    """Load the data and make model, optimizer and scheduler; DataUnavailableError without data.

    `load` is called in place of `make_loaders` where the data are read already.
    """
    generators = {
        name: torch.Generator().manual_seed(options.seed) for name in ("weights", "order")
    }
    loaders = (load or make_loaders)(options, generators["order"])
    description = describe_data(options, loaders[0])
    model = twin.SoftmaxRegression(
        description.num_inputs,
        len(description.classes),
        dtype=getattr(torch, options.dtype),
        device=options.device,
        generator=generators["weights"],
    )
    optimizer = make_optimizer(twin, model, options)
    decays = options.lr_decay == "linear"
    scheduler = twin.LinearDecay(optimizer, options.epochs) if decays else None
    draws = vars(options).get("templates", False) and distributed.is_main()
    return Training(
        twin,
        model,
        optimizer,
        *loaders,
        epochs=options.epochs,
        scheduler=scheduler,
        generators=generators,
        most_classes=MOST_BY_EPOCH if draws and description.has_images else 0,
    )


def make_loaders(options: argparse.Namespace, order: torch.Generator) -> tuple[ArrayLoader, ...]:
    """Return the loaders that the options ask for: train, test and, with --validation, valid."""
    arguments: dict[str, Any] = {
        "batch_size": options.batch_size,
        "resize": options.resize,
        "device": options.device,
        "dtype": getattr(torch, options.dtype),
        "generator": order,
        "test_batch_size": TEST_BATCH_SIZE,
        "validation": options.validation,
        "shuffle": options.shuffle,
    }
    if options.dataset:
        return load_data(options.dataset, **arguments)
    return load_data_fashion_mnist(**arguments, data_dir=options.data_dir)


def make_optimizer(twin: ModuleType, model: Model, options: argparse.Namespace) -> Any:
    """Return the twin's optimizer that the options ask for."""
    settings = {"lr": options.lr, "weight_decay": options.weight_decay}
    if options.optimizer == "adam":
        return twin.Adam(model.parameters(), **settings)
    return twin.SGD(model.parameters(), **settings, momentum=options.momentum)


# Descriptions of a training


def describe_data(options: argparse.Namespace, train_iter: ArrayLoader) -> Description:
    """Return what a model is given and what it tells apart, as it is written beside it."""
    dataset, own = train_iter.dataset, options.dataset
    name = own.resolve().name if own else FASHION_MNIST
    pictures = None if len(dataset.shape) == 1 else RESIZED if own else AS_FASHION_MNIST
    return Description(name, dataset.classes, dataset.shape, options.resize, pictures)


def describe(name: str, options: argparse.Namespace, training: Training) -> dict[str, Any]:
    """Return what config.json says of a run: enough to make it again."""
    loaders = training.train_iter, training.test_iter
    return {
        "twin": name,
        "data": describe_data(options, training.train_iter).data,
        "checksums": [loader.dataset.checksum() for loader in loaders],
        "options": as_json(options),
        "parameters": count_parameters(training.model),
        "processes": training.launch.world_size,
        "threads": torch.get_num_threads(),
        "machine": platform.platform(),
        "versions": {
            "python": platform.python_version(),
            "d2l_softmax": __version__,
            "torch": str(torch.__version__),  # a class of its own
            "torchvision": version("torchvision"),
        },
    }


def count_parameters(model: Model) -> int:
    """Return how many numbers are learned."""
    return sum(parameter.numel() for parameter in model.parameters())


def summary(options: argparse.Namespace, training: Training) -> str:
    """Return one line on data, parameters, device, threads and seed."""
    data = describe_data(options, training.train_iter)
    train_set, test_set = training.train_iter.dataset, training.test_iter.dataset
    what = "images" if data.has_images else "examples"
    if options.dataset:
        what += f", {data.in_words()},"
        if test_set.name == train_set.name:
            what += " (no test data: a tenth was held out for it)"
    held_out = f", {options.validation:,} held out," if options.validation else ""
    workers = counted(options.threads, "thread")
    if (world_size := training.launch.world_size) > 1:
        workers = f"{world_size} processes of {workers}"
    return (
        f"{data.data}, {len(train_set):,} + {len(test_set):,} {what}{held_out} from "
        f"{options.dataset or options.data_dir}; {count_parameters(training.model):,} parameters; "
        f"{options.device}, {workers}, {options.dtype}; seed {options.seed}"
    )


def speed(training: Training) -> str:
    """Return one line on the time that the epochs took."""
    seconds = sum(record.seconds for record in training.history)
    examples = len(training.history) * len(training.train_iter.dataset)
    epochs = counted(len(training.history), "epoch")
    return f"{epochs} in {seconds:.2f} s, {examples / seconds:,.0f} examples a second"


def write_results(options: argparse.Namespace, training: Training, config: dict[str, Any]) -> None:
    """Write the figures of the run and of what was learned, and the report that shows them."""
    history, folder = training.history, options.output_dir
    description = describe_data(options, training.train_iter)
    is_seen = options.lr_decay == "none" and description.pictures == AS_FASHION_MNIST
    with drawn_in(options.lang):
        caption = tr(CAPTION) + (tr(JITTER) if is_seen else "")
        title = tr("{twin}, seed {seed}", twin=config["twin"], seed=options.seed)
        curves = draw_curves(history, title)
        save_figure(folder / CURVES, curves)
        shown = {CURVES: CaptionedFigure(caption, describe_curves(history), curves)}
        figures, _, evaluation = write_evaluation(folder, training.model, training.test_iter)
        animation = None
        if training.weight_history:
            weights = training.weight_history, description.shape, description.classes
            figures[BY_EPOCH] = write_templates_by_epoch(folder, *weights)
            frames, labels = templates_frames(*weights)
            if len(frames) > 1:
                what = tr("The weights of each class by epoch.")
                animation = Animation(frames, labels, what)
        write_run_report(folder, shown | figures, history, config, evaluation, animation)
