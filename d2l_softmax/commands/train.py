"""Training a twin: `python -m scratch` and `python -m concise`, from options to files."""

import argparse
import contextlib
import functools
from pathlib import Path
from types import ModuleType

from d2l_softmax.commands.console import Console
from d2l_softmax.commands.language import add_language, drawn_in
from d2l_softmax.commands.options import (
    add_output_dir,
    add_training_options,
    complete_training_options,
    whole,
)
from d2l_softmax.commands.program import HelpFormatter, Parser, cpu_threads, exit_status
from d2l_softmax.commands.resume import announce, checkpoint_to_go_on_from, goes_on
from d2l_softmax.commands.run import CURVES, EARLIER, HISTORY, HOW, MODEL, REPORT, Run
from d2l_softmax.commands.signals import handled_by, interrupt
from d2l_softmax.commands.together import check_data, refuse_too_many_processes, what_all_share
from d2l_softmax.commands.training import Training, describe
from d2l_softmax.figures.curves import draw_curves
from d2l_softmax.figures.descriptions import of_curves
from d2l_softmax.figures.drawing import save_figure
from d2l_softmax.figures.evaluation import write_evaluation
from d2l_softmax.figures.templates import BY_EPOCH, templates_frames, write_templates_by_epoch
from d2l_softmax.figures.vector import Shown
from d2l_softmax.io import prepare_directory, sole_use_of
from d2l_softmax.language import tr
from d2l_softmax.pages.report import Animation, write_run_report
from d2l_softmax.storage.description import AS_FASHION_MNIST, Description
from d2l_softmax.training.checkpoint import Checkpoint
from d2l_softmax.training.course import Course
from d2l_softmax.training.distributed import ALONE, Group, joined

CAPTION = (
    "Loss and accuracies, epoch by epoch. A point of training is the mean over its epoch: each "
    "batch is measured before its step, while the weights still move. A point of the test is "
    "measured after the epoch, with the weights that it led to. So the first test point may lie "
    "above the first training point."
)
NO_TEMPLATES = f"the examples are features, which make no images: {BY_EPOCH} is left out"
# Shown beside the curve in which it is seen.
JITTER = (
    " The test accuracy jumps up and down because the learning rate stays the same: the last steps "
    "go as far as the first ones did, each after the images that its batch happens to hold, and "
    "classes that look alike (pullover, coat, shirt) win images from each other and lose them "
    "again. A rate that falls to zero ends that: --lr-decay linear, or all of --recipe best."
)


def main(twin: ModuleType, name: str, argv: list[str] | None = None) -> int:
    """Train the twin as the arguments say and return the exit status (2, wrong usage, exits)."""
    options = parse(name, argv)

    def work() -> None:
        with contextlib.ExitStack() as stack:
            stack.enter_context(cpu_threads(options.threads))
            group = stack.enter_context(joined(options.device, what_all_share(options)))
            if group.is_first:
                stack.enter_context(sole_use_of(prepare_directory(options.output_dir)))
            checkpoint = group.from_first(lambda: begin(name, options))
            train(twin, name, options, checkpoint, group)

    return exit_status(f"python -m {name}", work)


def begin(name: str, options: argparse.Namespace) -> Checkpoint | None:
    """Return the checkpoint to go on from, if any, and let the directory tell of the training."""
    checkpoint = None
    if goes_on(options):
        checkpoint = checkpoint_to_go_on_from(make_parser(name), options)
    announce(options)
    return checkpoint


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
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the same training from its checkpoint in the output directory; it may be "
        "the other twin's, and --epochs may be more",
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
    refuse_too_many_processes(parser, options)
    return options


def train(
    twin: ModuleType,
    name: str,
    options: argparse.Namespace,
    checkpoint: Checkpoint | None,
    group: Group = ALONE,
) -> None:
    """Train the twin and write what came of it; whenever that ends, --resume can go on.

    Of several processes all are here, and the first alone prints and writes.

    Raises OutputError if something can't be written, DataUnavailableError without data,
    CheckpointError if the checkpoint is of another training, DivergedError when a loss or weight is
    no longer finite, Interrupted after a signal.
    """
    training = Training(twin, options, group)
    check_data(training)
    config = describe(name, training)
    run = Run(options.output_dir, training, config, checkpoint)
    total = options.epochs * len(training.train_iter)
    with Console(total, options.quiet, group.is_first) as console:
        console.say(f"{name}: {training.summary()}")
        if checkpoint or options.resume or run.earlier:
            console.say(how_it_begins(run, checkpoint))
        if options.templates and not training.description.has_images:
            console.warn(f"python -m {name}: {NO_TEMPLATES}")
        watch(run, console)
        with handled_by(run.take_signal):
            for record in training.records():
                run.write_epoch()
                console.say(record)
                if trouble := training.new_trouble():
                    console.warn(f"python -m {name}: {trouble}")
                run.leave_if_asked()
        if not group.is_first:
            return
        with handled_by(functools.partial(interrupt, where=f"when all epochs were done; {HOW}")):
            write_results(run.output_dir, training, run.config)
        console.say(training.speed())
        console.say(f"wrote {HISTORY}, {MODEL}, {REPORT} and its figures to {run.output_dir}")


def how_it_begins(run: Run, checkpoint: Checkpoint | None) -> str:
    """Return what is said of an earlier training in the output directory."""
    if checkpoint:
        course = run.training.course
        late = course is not None and 0 not in course
        earlier_ones = "; weights of earlier epochs were not kept for --templates" if late else ""
        return f"goes on {checkpoint.place()}, as {run.path} says{earlier_ones}"
    if run.earlier:
        return (
            f"{run.output_dir} has an unfinished training, {run.earlier.place()}; its checkpoint "
            f"is kept as {EARLIER}"
        )
    return f"nothing to resume in {run.output_dir}: starts afresh"


def watch(run: Run, console: Console) -> None:
    """Move the bar with each batch, and let the run write a checkpoint or end after it."""
    training = run.training
    done = len(training.history) * len(training.train_iter) + training.epoch.batch
    console.bar.update(done)

    def after_batch() -> None:
        console.bar.update()
        run.end_batch()

    training.epoch.after_batch = after_batch


def write_results(output_dir: Path, training: Training, config: dict) -> None:
    """Write the figures of the run and of what was learned, and the report that shows them."""
    history = training.history
    as_in_the_book = training.description.pictures == AS_FASHION_MNIST
    is_seen = training.options.lr_decay == "none" and as_in_the_book
    with drawn_in(training.options.lang):
        caption = tr(CAPTION) + (tr(JITTER) if is_seen else "")
        title = tr("{twin}, seed {seed}", twin=config["twin"], seed=training.options.seed)
        curves = draw_curves(history, title)
        save_figure(output_dir / CURVES, curves)
        shown = {CURVES: Shown(caption, of_curves(history), curves)}
        figures, _, evaluation = write_evaluation(output_dir, training.model, training.test_iter)
        animation = None
        if training.course:
            figures[BY_EPOCH], animation = write_course(
                output_dir, training.course, training.description
            )
        write_run_report(output_dir, shown | figures, history, config, evaluation, animation)


def write_course(
    output_dir: Path, course: Course, description: Description
) -> tuple[Shown, Animation | None]:
    """Write the figure of how the weights formed; return it, and the same in motion if they did."""
    what = course, description.shape, description.classes
    shown = write_templates_by_epoch(output_dir, *what)
    frames, labels = templates_frames(*what)
    caption = tr("How the weights of each class form, epoch by epoch.")
    return shown, Animation(frames, labels, caption) if len(frames) > 1 else None
