"""Alt texts: what each figure shows, with its main numbers, for readers who cannot see it."""

from collections.abc import Mapping, Sequence

from d2l_softmax.figures.style import shortened
from d2l_softmax.i18n import tr
from d2l_softmax.training.agreement import Difference
from d2l_softmax.training.evaluation import Evaluation
from d2l_softmax.training.history import EpochRecord

MOST_NAMED = 3


def describe_curves(history: Sequence[EpochRecord]) -> str:
    """Describe the learning curves of a run."""
    first, last = history[0], history[-1]
    return tr(
        "Two line plots against the epoch. The training loss goes from {first:.2f} to {last:.2f} "
        "nats in {epochs} epochs; the final accuracy is {train:.2f} on the training data and "
        "{test:.2f} on the test data.",
        first=first.train_loss,
        last=last.train_loss,
        epochs=len(history),
        train=last.train_acc,
        test=last.test_acc,
    )


def describe_comparison(
    records: Mapping[str, Sequence[EpochRecord]], differences: Sequence[Difference]
) -> str:
    """Describe the figure of a comparison."""
    one, other = (history[-1].train_loss for history in records.values())
    return tr(
        "Curves of both implementations over {epochs} epochs. The final losses are {one:.4f} and "
        "{other:.4f} nats; the largest difference in any epoch is {most:.1e}.",
        epochs=len(differences),
        one=one,
        other=other,
        most=max(difference.train_loss for difference in differences),
    )


def describe_predictions(y: Sequence[int], predicted: Sequence[int], classes: Sequence[str]) -> str:
    """Describe the tiles of images with their true and predicted classes."""
    wrong = [pair for pair in zip(y, predicted, strict=True) if pair[0] != pair[1]]
    text = tr(
        "{n} images with their true and predicted classes, {right} predicted correctly.",
        n=len(y),
        right=len(y) - len(wrong),
    )
    return text + name_errors(wrong, classes)


def describe_templates(classes: Sequence[str]) -> str:
    """Describe the images of the weights."""
    names = tr(", ").join(map(shortened, classes[:10]))
    return tr("The weights of {q} classes as images: {names}.", q=len(classes), names=names)


def describe_templates_by_epoch(epochs: Sequence[int], classes: Sequence[str]) -> str:
    """Describe the images of the weights after several epochs."""
    names = tr(", ").join(map(str, epochs))
    return describe_templates(classes) + tr(" One column per epoch: {names}.", names=names)


def describe_confusion(evaluation: Evaluation) -> str:
    """Describe the confusion matrix: the accuracy, and the most frequent errors."""
    errors = evaluation.confusion()
    right = int(errors.diagonal().sum())
    text = tr("{right} of {n} images are predicted correctly.", right=right, n=len(evaluation.y))
    counts = errors.fill_diagonal_(0).flatten()
    most = counts.argsort(descending=True, stable=True)[:MOST_NAMED].tolist()
    pairs = [divmod(place, len(errors)) for place in most if counts[place]]
    return text + name_errors(pairs, evaluation.classes)


def describe_mistakes(evaluation: Evaluation, n: int = 12) -> str:
    """Describe the tiles of the most confident errors."""
    indices = evaluation.most_confident_errors(n).tolist()
    pairs = [(int(evaluation.y[i]), int(evaluation.predicted[i])) for i in indices]
    text = tr("{n} misclassified images.", n=len(indices))
    return text + name_errors(pairs, evaluation.classes)


def describe_reliability(evaluation: Evaluation) -> str:
    """Describe the reliability diagram."""
    return tr(
        "Accuracy against confidence: the accuracy is {accuracy:.1%}, the mean confidence "
        "{confidence:.1%}, the expected calibration error {error:.4f}.",
        accuracy=evaluation.accuracy,
        confidence=float(evaluation.confidence.mean()),
        error=evaluation.calibration_error(),
    )


def name_errors(pairs: Sequence[tuple[int, int]], classes: Sequence[str]) -> str:
    """Return a sentence for each of the first pairs (true class, predicted class)."""
    return "".join(
        tr(
            " {true} was mistaken for {predicted}.",
            true=shortened(classes[true]),
            predicted=shortened(classes[predicted]),
        )
        for true, predicted in dict.fromkeys(pairs[:MOST_NAMED])
    )
