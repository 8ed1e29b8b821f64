"""The command `train`: train an implementation and write its files.

`train --impl scratch` is the same as `python -m scratch`.
"""

import argparse
import contextlib
import copy
import platform
import shlex
import signal
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from d2l_softmax import __version__
from d2l_softmax.commands.cli import (
    Command,
    Interrupted,
    Parser,
    StopRequest,
    Twins,
    exit_status,
    signals_handled_by,
)
from d2l_softmax.commands.console import Console, counted
from d2l_softmax.commands.options import (
    BOOK,
    CHOSEN,
    IN_RECIPES,
    RECIPES,
    RESULT_OPTIONS,
    add_output_dir,
    add_training_command_options,
    as_option,
    complete_for_ranks,
    drawn_in,
    options_to_dict,
    parse,
)
from d2l_softmax.data.appearance import measure_appearance
from d2l_softmax.data.augmentation import AUGMENTATIONS
from d2l_softmax.data.batches import ArrayDataset, ArrayLoader
from d2l_softmax.data.custom import load_data
from d2l_softmax.data.fashion_mnist import (
    FASHION_MNIST,
    TEST_BATCH_SIZE,
    load_data_fashion_mnist,
)
from d2l_softmax.data.standardize import Standardization, choose_defaults, measure
from d2l_softmax.description import (
    AS_FASHION_MNIST,
    PHOTOGRAPHS,
    RESIZED,
    Description,
    Photographs,
    description_path,
    save_description,
)
from d2l_softmax.errors import DatasetError, UserError, program
from d2l_softmax.figures.curves import describe_curves, draw_curves, fluctuates
from d2l_softmax.figures.evaluation import FIGURES, TABLE, write_evaluation
from d2l_softmax.figures.style import CaptionedFigure, save_figure
from d2l_softmax.figures.templates import (
    BY_EPOCH,
    MOST_BY_EPOCH,
    templates_frames,
    write_templates_by_epoch,
)
from d2l_softmax.i18n import tr
from d2l_softmax.io import locked, prepare_directory, remove, write_json
from d2l_softmax.models import save_parameters
from d2l_softmax.pages.report import Animation, write_run_report
from d2l_softmax.training import checkpoint as checkpoints
from d2l_softmax.training import distributed
from d2l_softmax.training.checkpoint import CheckpointError
from d2l_softmax.training.evaluation import Model, format_uncertainty
from d2l_softmax.training.fit import (
    EpochRecord,
    Training,
    is_finite,
    new_divergence_reason,
    save_history,
)

CONFIG, HISTORY, MODEL = "config.json", "history.csv", "model.pt"
CURVES, REPORT = "curves.png", "report.html"
CAPTION = (
    "Loss and accuracies by epoch. Training values are running means: each batch is measured "
    "before its step, while the weights still change. Test values are measured after the epoch, so "
    "the first test accuracy may be higher than the first training accuracy."
)
# Added to the caption if the test accuracy fluctuates
JITTER = (
    " The test accuracy fluctuates because the learning rate is constant: borderline images flip "
    "between similar classes (pullover, coat, shirt). A learning rate that decays to zero avoids "
    "that: --lr-decay linear, or all of --recipe best."
)
# Added with --augment
AUGMENTED = (
    " Training images are varied at random. Training values are measured on these variants, which "
    "are harder than the test images."
)
MOST_ROUNDING = 0.001  # a larger change of the test accuracy by rounding is a warning
UNBALANCED = 1.5  # the largest class is printed if its share is above this multiple of 1 / q


class UnfinishedTrainingError(UserError):
    """The output directory has an unfinished training, and neither --resume nor --overwrite."""


def main(twin: ModuleType, name: str, argv: list[str] | None = None) -> int:
    """Run `python -m NAME` and return its exit status; wrong usage exits with status 2."""
    options = parse(name, argv)
    torch.set_num_threads(options.threads)
    return exit_status(options.prog, lambda: train(twin, name, options))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "--impl",
        choices=("scratch", "concise"),
        default="scratch",  # the other commands read its model by default
        help="implementation: from scratch, or with torch.nn",
    )
    add_training_command_options(parser)
    add_output_dir(parser, None)


def complete(parser: argparse.ArgumentParser, options: argparse.Namespace) -> argparse.Namespace:
    """Return the complete options; exit with status 2 if they contradict each other."""
    options.output_dir = options.output_dir or Path("runs", options.impl)
    return complete_for_ranks(parser, options)


def train_command(options: argparse.Namespace, twins: Twins) -> None:
    """Train softmax regression on Fashion-MNIST.

    Writes the history, the model, figures and a report. scratch and concise print equal numbers for
    equal options and seeds, to rounding error.
    """
    train(twins[options.impl], options.impl, options)


def train(twin: ModuleType, name: str, options: argparse.Namespace) -> None:
    """Train an implementation and write its files.

    Under torchrun every rank calls this function, and only rank 0 prints and writes.

    Raises
    - OutputError if a file can't be written;
    - DataUnavailableError or DatasetError if the data can't be loaded;
    - CheckpointError if the checkpoint can't be used;
    - UnfinishedTrainingError if the directory has an unfinished training;
    - DivergedError if a loss or a weight is not finite;
    - Interrupted after a signal.
    """
    is_main = distributed.is_main()
    with contextlib.ExitStack() as stack:
        stack.enter_context(distributed.process_group(options.device))
        check_equal_options(options)
        if is_main:
            folder = prepare_directory(options.output_dir, options.dataset)
            stack.enter_context(locked(folder, wait=False))
        checkpoint = find_checkpoint(options) if is_main else None
        checkpoint = distributed.broadcast_from_rank0(checkpoint)
        options, data = load_training_data(options)
        training = prepare(twin, options, data.loaders)
        check_equal_data(training)
        config = make_config(name, options, training)
        path = options.output_dir / checkpoints.NAME
        if checkpoint:
            check_same_training(options.prog, config, checkpoint["config"])
            checkpoints.resume_from(checkpoint, training, config["checksums"], path)

        total = options.epochs * len(training.train_iter)
        console = stack.enter_context(Console(total, options.quiet, is_main))
        console.print(f"{name}: {summary(options, training)}")
        if data.notes:
            console.print(f"{name}: {'; '.join(data.notes)}")
        if checkpoint:
            now = checkpoints.position(checkpoint | {"config": config})  # --epochs may be higher
            console.print(f"resuming from {path}, {now}")
        elif options.resume:
            console.print(f"nothing to resume in {options.output_dir}: starting at epoch 1")

        run = Run(training, options, data, config, console)
        with signals_handled_by(run.stop):
            for record in training.fit(run.after_batch):
                run.after_epoch(record)

        if training.best:
            best = training.best
            console.print(
                f"kept the model of epoch {best['epoch']}, the best on held-out data: "
                f"{best['valid_acc']:.4f}"
            )
        if is_main:
            write_results(options, training, data, config, run.warn)
            accuracy, n = training.kept_record.test_acc, len(training.test_iter.dataset)
            console.print(f"test accuracy {accuracy:.4f} {format_uncertainty(accuracy, n)}")
            seconds = sum(record.seconds for record in training.history)
            examples = options.epochs * len(training.train_iter.dataset)
            console.print(
                f"{counted(options.epochs, 'epoch')} in {seconds:.2f} s, "
                f"{examples / seconds:,.0f} examples a second"
            )
            console.print(
                f"wrote {HISTORY}, {MODEL}, {REPORT} and its figures to {options.output_dir}"
            )


class Run:
    """The files and printed lines of a training, and its end after a signal.

    The checkpoint is written first, because all other files can be restored from it. Then the files
    of an earlier run are removed before any other file is written: files of two runs never mix.
    """

    def __init__(
        self,
        training: Training,
        options: argparse.Namespace,
        data: "TrainingData",
        config: dict[str, Any],
        console: Console,
    ):
        """Prepare the output; rewrite the files if the training was resumed after an epoch.

        Files other than the checkpoint may be older.
        """
        self.training, self.options, self.data, self.config = training, options, data, config
        self.console = console
        self.stop = StopRequest()
        self.has_written = False
        self.description = describe_data(options, training.train_iter)
        if options.dataset and distributed.is_main():
            appearance = measure_appearance(data.train_set)
            self.description = self.description._replace(appearance=appearance)
        console.bar.update(len(training.history) * len(training.train_iter) + training.batch)
        if options.templates and not self.description.has_images:
            self.warn(f"examples are features, not images: {BY_EPOCH} is not written")
        if training.history and not training.batch:
            self.write_files()

    def after_batch(self) -> None:
        """Write a checkpoint if it is due, and end the training after a signal."""
        self.console.bar.update()
        training, every = self.training, self.options.checkpoint_every
        is_due = bool(every) and training.batch % every == 0
        if training.launch.world_size == 1:  # several ranks stop together, at a due checkpoint
            is_due = is_due or self.stop.signum is not None
        # After the last batch, after_epoch writes one. If a weight is not finite, the next loss
        # will not be finite either, and the previous checkpoint is the last good one.
        if is_due and training.batch < len(training.train_iter) and is_finite(training.model):
            self.end_after_signal(self.save_checkpoint())

    def after_epoch(self, record: EpochRecord) -> None:
        """Write the checkpoint and the other files, and print the epoch."""
        checkpoint = self.save_checkpoint()
        self.write_files()
        self.console.print(record)
        if reason := new_divergence_reason(self.training.history, len(self.training.model.b)):
            self.warn(reason)
        self.end_after_signal(checkpoint)

    def warn(self, message: str) -> None:
        """Print a warning."""
        self.console.warn(f"{self.options.prog}: warning: {message}")

    def save_checkpoint(self) -> dict[str, Any]:
        """Write checkpoint.pt; return its content."""
        checkpoint = self.training.state_dict() | {"config": self.config}
        if distributed.is_main():
            checkpoints.save_checkpoint(self.options.output_dir / checkpoints.NAME, checkpoint)
        return checkpoint

    def end_after_signal(self, checkpoint: dict[str, Any]) -> None:
        """Raise Interrupted on all ranks if any rank received a signal.

        The message has the position of the checkpoint and the command that resumes from it.
        """
        if any(distributed.all_reduce_sums(self.stop.signum or 0)):
            launch = self.training.launch
            command = f"{as_typed(training_command(self.options, launch))} --resume"
            if launch.world_size > launch.local_world_size:  # no rank knows torchrun's rendezvous
                command = "the same command with --resume"
            raise Interrupted(
                self.stop.signum or signal.SIGTERM,
                f"{checkpoints.position(checkpoint)}; resume with: {command}",
            )

    def write_files(self) -> None:
        """Write config.json, the history, the model and its description, on rank 0."""
        if not distributed.is_main():
            return
        folder = self.options.output_dir
        if not self.has_written:
            figures = (CURVES, *(figure.file for figure in FIGURES), BY_EPOCH, TABLE, REPORT)
            for file in (*figures, CONFIG, HISTORY, MODEL, description_path(Path(MODEL)).name):
                remove(folder / file)
            write_json(folder / CONFIG, self.config)
            save_description(folder / MODEL, self.description)
            self.has_written = True
        save_history(folder / HISTORY, self.training.history)
        save_parameters(folder / MODEL, self.data.model_to_write(self.training))


def training_command(options: argparse.Namespace, launch: distributed.Launch) -> str:
    """Return the shell command of the training, without --resume and --overwrite.

    Under torchrun it has the numbers of nodes and processes; torchrun's other options are unknown.
    """
    words = [word for word in options.command if word not in ("--resume", "--overwrite")]
    if launch.world_size > 1:
        nodes = launch.world_size // launch.local_world_size
        torchrun = ["torchrun", *([f"--nnodes={nodes}"] if nodes > 1 else [])]
        torchrun.append(f"--nproc-per-node={launch.local_world_size}")
        program = words[1:] if words[0] == "python" else ["--no-python", *words]
        words = torchrun + program
    return shlex.join(words)


def as_typed(command: str) -> str:
    """Replace the program of a shell command by its path if the environment is not activated."""
    first, *words = shlex.split(command)
    return shlex.join([program(first), *words])


# The checkpoint to resume from


def find_checkpoint(options: argparse.Namespace) -> dict[str, Any] | None:
    """Return the checkpoint to resume from, None to start at epoch 1.

    An unfinished training is resumed with --resume or when torchrun restarts the ranks, removed
    with --overwrite, and otherwise refused.
    """
    path, is_restart = options.output_dir / checkpoints.NAME, distributed.count_restarts() > 0
    if options.overwrite and not is_restart:
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
    if is_restart:
        return checkpoint
    raise UnfinishedTrainingError(
        f"{options.output_dir} has an unfinished training, {checkpoints.position(checkpoint)};",
        "continue it with {resume}, or replace it with {overwrite}",
    )


def check_same_training(prog: str, config: dict[str, Any], saved_config: dict[str, Any]) -> None:
    """Exit with status 2 if a checkpoint's config is of the other twin or has other options.

    --epochs may be higher, unless the learning rate falls to zero with the last epoch. If the data
    have changed, options that are chosen from them may differ: `resume_from` names the data.
    """
    parser, twin = Parser(prog=prog), saved_config["twin"]
    if twin != config["twin"]:
        parser.error(f"cannot resume: the checkpoint is from {twin}, got {config['twin']}")
    saved, given = saved_config["options"], config["options"]
    compared = (*RESULT_OPTIONS, "keep_best")
    changed = [option for option in compared if given[option] != saved.get(option)]
    if "epochs" in changed and given["lr_decay"] == "none" and given["epochs"] > saved["epochs"]:
        changed.remove("epochs")
    if set(changed) <= set(CHOSEN) and saved_config.get("checksums") != config["checksums"]:
        return
    if changed:
        has, got = (
            " ".join(f"{as_option(option)} {values.get(option)}" for option in changed)
            for values in (saved, given)
        )
        only_higher = changed == ["epochs"] and given["lr_decay"] == "none"
        remedy = "; it can only be higher" if only_higher else ""
        parser.error(f"cannot resume: the checkpoint has {has}, got {got}{remedy}")


# Ranks of one training


def check_equal_options(options: argparse.Namespace) -> None:
    """Raise RankError if a rank has other options than rank 0."""
    given = options_to_dict(options)
    names = (*RESULT_OPTIONS, "device", "checkpoint_every")
    distributed.check_equal("options", {as_option(name): given[name] for name in names})


def check_equal_data(training: Training) -> None:
    """Raise RankError if a rank has other data than rank 0."""
    facts: dict[str, Any] = {}
    for split, loader in (("training", training.train_iter), ("test", training.test_iter)):
        facts |= {
            f"{split} data of length": len(loader.dataset),
            f"{split} data with classes": ", ".join(loader.dataset.classes),
            f"{split} data with checksum": loader.dataset.checksum(),
        }
    distributed.check_equal("data", facts)


# From options to a training


class TrainingData(NamedTuple):
    """The loaders of a training, standardized if the options require it, and notes on the data."""

    loaders: tuple[ArrayLoader, ...]  # of training, test and, with --validation, held-out data
    train_set: ArrayDataset  # not standardized
    test_iter: ArrayLoader  # not standardized
    standardization: Standardization | None
    notes: tuple[str, ...]

    def templates(self, training: Training) -> dict[int, Tensor]:
        """Return the weight history, for inputs that are not standardized."""
        history = training.weight_history or {}
        if self.standardization is None:
            return history
        fold = self.standardization.fold
        return {epoch: fold(W, W.new_zeros(W.shape[1]))[0] for epoch, W in history.items()}

    def model_to_write(self, training: Training) -> Model:
        """Return the model to write: the last or the best, for inputs that are not standardized."""
        W, b = training.model.W.detach(), training.model.b.detach()
        if training.best:
            W, b = training.best["W"], training.best["b"]
        elif self.standardization is None:
            return training.model
        if self.standardization:
            W, b = self.standardization.fold(W, b)
            if not (W.isfinite().all() and b.isfinite().all()):
                raise DatasetError(
                    f"{self.train_set.name} has features so small or large that the weights for "
                    "inputs that are not standardized overflow; multiply them by a constant"
                )
        model = training.twin.SoftmaxRegression(
            *W.shape, dtype=W.dtype, device=training.model.W.device
        )
        with torch.no_grad():
            model.W.copy_(W)
            model.b.copy_(b)
        return model


def load_training_data(
    options: argparse.Namespace,
) -> tuple[argparse.Namespace, TrainingData]:
    """Load the data; return the completed options and the data.

    Settings that are None are chosen from the data, see `choose_defaults`. Raises
    DataUnavailableError or DatasetError if the data can't be loaded, UserError if the options keep
    the best model without held-out data.
    """
    loaders = load_loaders(options)
    if vars(options).get("keep_best") and len(loaders) < 3:
        raise UserError("there are no held-out data to find the best epoch;", "give {validation} N")
    train_set, test_iter, standardization = loaders[0].dataset, loaders[1], None
    notes = train_set.notes
    if options.dataset:
        share, name = train_set.largest_class()
        if share > UNBALANCED / len(train_set.classes):
            notes += (f"{share:.0%} of the training data are {name!r}",)
    if options.standardize == "yes":
        standardization = measure(train_set)
        loaders = tuple(
            it.with_dataset(it.dataset.standardized(*standardization)) for it in loaders
        )
        notes += ("inputs standardized",)
    chosen = choose_settings(options, loaders[0].dataset)
    if chosen != options:
        settings = {
            "batch_size": f"batch size {chosen.batch_size}",
            "lr": f"lr {chosen.lr:g}",
            "epochs": counted(chosen.epochs, "epoch"),
        }
        words = [text for name, text in settings.items() if getattr(options, name) is None]
        notes += (f"{', '.join(words)} chosen from the data; --recipe book for the book's",)
        train_iter = loaders[0].with_dataset(loaders[0].dataset, chosen.batch_size)
        loaders = train_iter, *loaders[1:]
    return chosen, TrainingData(loaders, train_set, test_iter, standardization, notes)


def choose_settings(options: argparse.Namespace, dataset: ArrayDataset) -> argparse.Namespace:
    """Return the options, with settings that are None chosen from a standardized data set."""
    missing = [name for name in CHOSEN if getattr(options, name) is None]
    if not missing:
        return options
    defaults = choose_defaults(dataset, options.batch_size)._asdict()
    return argparse.Namespace(**vars(options) | {name: defaults[name] for name in missing})


def prepare(
    twin: ModuleType, options: argparse.Namespace, loaders: tuple[ArrayLoader, ...]
) -> Training:
    """Create a training, with its model, optimizer and scheduler."""
    generators = {
        name: torch.Generator().manual_seed(options.seed) for name in ("weights", "order")
    }
    train_iter = copy.copy(loaders[0])
    train_iter.generator = generators["order"]
    loaders = train_iter, *loaders[1:]
    description = describe_data(options, train_iter)
    model = twin.SoftmaxRegression(
        description.num_inputs,
        len(description.classes),
        dtype=getattr(torch, options.dtype),
        device=options.device,
        generator=generators["weights"],
    )
    optimizer = make_optimizer(twin, model, options)
    scheduler = None
    if options.lr_decay == "linear":
        scheduler = twin.LinearDecay(optimizer, options.epochs)
    draws_templates = vars(options).get("templates", False) and distributed.is_main()
    return Training(
        twin,
        model,
        optimizer,
        *loaders,
        epochs=options.epochs,
        scheduler=scheduler,
        generators=generators,
        most_classes=MOST_BY_EPOCH if draws_templates and description.has_images else 0,
        keep_best=vars(options).get("keep_best", False),
    )


def load_loaders(options: argparse.Namespace) -> tuple[ArrayLoader, ...]:
    """Return loaders for training, test and, with --validation, held-out data."""
    arguments: dict[str, Any] = {
        "batch_size": options.batch_size or BOOK.batch_size,
        "resize": options.resize,
        "device": options.device,
        "dtype": getattr(torch, options.dtype),
        "test_batch_size": TEST_BATCH_SIZE,
        "validation": options.validation,
        "shuffle": options.shuffle,
        "augment": AUGMENTATIONS[options.augment],
    }
    if options.dataset:
        return load_data(options.dataset, **arguments)
    return load_data_fashion_mnist(**arguments, data_dir=options.data_dir)


def make_optimizer(twin: ModuleType, model: Model, options: argparse.Namespace) -> Any:
    """Create the twin's SGD or Adam with the settings in the options."""
    settings = {"lr": options.lr, "weight_decay": options.weight_decay}
    if options.optimizer == "adam":
        return twin.Adam(model.parameters(), **settings)
    return twin.SGD(model.parameters(), **settings, momentum=options.momentum)


# Descriptions of a training


def describe_data(options: argparse.Namespace, train_iter: ArrayLoader) -> Description:
    """Return the description of a model trained on `train_iter`, for model.json."""
    dataset, custom = train_iter.dataset, options.dataset
    name = custom.resolve().name if custom else FASHION_MNIST
    pictures = None
    if len(dataset.shape) == 3:
        pictures = RESIZED if custom else AS_FASHION_MNIST
    photographs = None if custom else photographs_of_recipe(options)
    return Description(
        name, dataset.classes, dataset.shape, options.resize, pictures, photographs=photographs
    )


def photographs_of_recipe(options: argparse.Namespace) -> Photographs | None:
    """Return the results on photographs if the options are those of a recipe, else None.

    Results were measured for the recipes only. The seed and the dtype have little effect.
    """
    if options.validation or options.resize or options.standardize == "yes":
        return None
    for name, photographs in PHOTOGRAPHS.items():
        if all(getattr(options, each) == getattr(RECIPES[name], each) for each in IN_RECIPES):
            return photographs
    return None


def make_config(name: str, options: argparse.Namespace, training: Training) -> dict[str, Any]:
    """Return the content of config.json: all that is needed to repeat the training."""
    return {
        "twin": name,
        "data": describe_data(options, training.train_iter).data,
        "checksums": [it.dataset.checksum() for it in (training.train_iter, training.test_iter)],
        "command": training_command(options, training.launch),
        "options": options_to_dict(options),
        "parameters": training.model.W.numel() + training.model.b.numel(),
        "processes": training.launch.world_size,
        "threads": torch.get_num_threads(),
        "machine": platform.platform(),
        "versions": {
            "python": platform.python_version(),
            "d2l_softmax": __version__,
            "torch": str(torch.__version__),  # torch's is a subclass of str
            "torchvision": version("torchvision"),
        },
    }


def summary(options: argparse.Namespace, training: Training) -> str:
    """Return one line with the data, number of parameters, device, threads and seed."""
    data, model = describe_data(options, training.train_iter), training.model
    train_set, test_set = training.train_iter.dataset, training.test_iter.dataset
    what = "images" if data.has_images else "examples"
    if options.dataset:
        what += f", {data.in_words()}"
        if test_set.name == train_set.name and test_set.rows is not None:
            what += " (no test data: a tenth held out)"
    held_out = ""
    if training.valid_iter:
        held_out = f", {len(training.valid_iter.dataset):,} held out,"
    threads = counted(options.threads, "thread")
    if (world_size := training.launch.world_size) > 1:
        threads = f"{world_size} processes of {threads}"
    return (
        f"{data.data}, {len(train_set):,} + {len(test_set):,} {what}{held_out} from "
        f"{options.dataset or options.data_dir}; {model.W.numel() + model.b.numel():,} parameters; "
        f"{options.device}, {threads}, {options.dtype}; seed {options.seed}"
    )


def write_results(
    options: argparse.Namespace,
    training: Training,
    loaded: TrainingData,
    config: dict[str, Any],
    warn: Callable[[str], None],
) -> None:
    """Write the figures, scores.csv and the report; warn if the model written has lost accuracy."""
    history, folder = training.history, options.output_dir
    data = describe_data(options, training.train_iter)
    is_constant = options.lr_decay == "none" and data.pictures == AS_FASHION_MNIST
    shows_jitter = is_constant and fluctuates(history)
    with drawn_in(options.lang):
        caption = tr(CAPTION) + (tr(JITTER) if shows_jitter else "")
        if options.augment != "none":
            caption += tr(AUGMENTED)
        title = tr("{twin}, seed {seed}", twin=config["twin"], seed=options.seed)
        curves = draw_curves(history, title)
        save_figure(folder / CURVES, curves)
        shown = {CURVES: CaptionedFigure(caption, describe_curves(history), curves)}
        figures, _, evaluation = write_evaluation(
            folder, loaded.model_to_write(training), loaded.test_iter
        )
        shown |= figures
        animation = None
        if training.weight_history:
            weights = loaded.templates(training), data.shape, data.classes
            shown[BY_EPOCH] = write_templates_by_epoch(folder, *weights)
            frames, labels = templates_frames(*weights)
            if len(frames) > 1:
                text = tr("The weights of each class by epoch.")
                animation = Animation(frames, labels, text)
        best_epoch = training.best["epoch"] if training.best else None
        write_run_report(folder, shown, history, config, evaluation, animation, best_epoch)
    difference = abs(evaluation.accuracy - training.kept_record.test_acc)
    if loaded.standardization and difference > MOST_ROUNDING:
        warn(
            f"{MODEL}, which takes inputs that are not standardized, has a test accuracy of "
            f"{evaluation.accuracy:.4f}, because {options.dtype} rounds features with a large mean "
            "and a small spread; subtract a constant from them"
        )


COMMAND = Command(
    "train",
    "train softmax regression, from scratch or with torch.nn",
    add_options,
    train_command,
    complete,
)
