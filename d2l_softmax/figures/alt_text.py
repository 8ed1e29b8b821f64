"""What each figure shows, in words and with its main numbers: for those who don't see it."""

from collections.abc import Mapping, Sequence

from d2l_softmax.figures.style import shortened
from d2l_softmax.i18n import tr
from d2l_softmax.training.agreement import Difference
from d2l_softmax.training.evaluation import Evaluation
from d2l_softmax.training.history import EpochRecord

MOST_NAMED = 3


def of_curves(history: Sequence[EpochRecord]) -> str:
    """Describe the curves of a run."""
    first, last = history[0], history[-1]
    return tr(
        "Two plots over the epochs. The loss goes from {first:.2f} to {last:.2f} nats in {epochs} "
        "epochs; the training accuracy ends at {train:.2f}, the test accuracy at {test:.2f}.",
        first=first.train_loss,
        last=last.train_loss,
        epochs=len(history),
        train=last.train_acc,
        test=last.test_acc,
    )


def of_comparison(
    records: Mapping[str, Sequence[EpochRecord]], differences: Sequence[Difference]
) -> str:
    """Describe the figure of a comparison."""
    one, other = (history[-1].train_loss for history in records.values())
    return tr(
        "Curves of both twins over {epochs} epochs. Their losses end at {one:.4f} and {other:.4f} "
        "nats; in no epoch do they differ by more than {most:.1e}.",
        epochs=len(differences),
        one=one,
        other=other,
        most=max(difference.train_loss for difference in differences),
    )


def of_predictions(y: Sequence[int], predicted: Sequence[int], classes: Sequence[str]) -> str:
    """Describe the tiles of images with their true and predicted classes."""
    pairs = list(zip(y, predicted, strict=True))
    wrong = [(true, guess) for true, guess in pairs if true != guess]
    text = tr(
        "{n} images with their true and predicted classes, {right} predicted right.",
        n=len(pairs),
        right=len(pairs) - len(wrong),
    )
    return text + taken_for(wrong, classes)


def of_templates(classes: Sequence[str]) -> str:
    """Describe the images of the weights."""
    names = tr(", ").join(map(shortened, classes[:10]))
    return tr("The weights of {q} classes as images: {names}.", q=len(classes), names=names)


def of_templates_by_epoch(epochs: Sequence[int], classes: Sequence[str]) -> str:
    """Describe the images of the weights after several epochs."""
    names = tr(", ").join(map(str, epochs))
    return of_templates(classes) + tr(" A column for each of the epochs {names}.", names=names)


def of_confusion(evaluation: Evaluation) -> str:
    """Describe the confusion matrix."""
    confusion = evaluation.confusion()
    right = int(confusion.diagonal().sum())
    text = tr("{right} of {n} images are predicted right.", right=right, n=len(evaluation.y))
    wrong = confusion.clone().fill_diagonal_(0)
    often = wrong.flatten().argsort(descending=True, stable=True)[:MOST_NAMED].tolist()
    pairs = [divmod(place, len(confusion)) for place in often if wrong.flatten()[place]]
    return text + taken_for(pairs, evaluation.classes)


def of_mistakes(evaluation: Evaluation, n: int = 12) -> str:
    """Describe the tiles of the most confident mistakes."""
    indices = evaluation.most_confident_errors(n).tolist()
    text = tr("{n} images that were predicted wrong.", n=len(indices))
    pairs = [(int(evaluation.y[i]), int(evaluation.predicted[i])) for i in indices]
    return text + taken_for(pairs, evaluation.classes)


def of_reliability(evaluation: Evaluation) -> str:
    """Describe the figure of how often the model is right against how sure it is."""
    return tr(
        "How often the model is right against how sure it is: right in {accuracy:.1%} of the "
        "cases, sure by {confidence:.1%} on average; in a bin the two differ by {error:.4f}.",
        accuracy=evaluation.accuracy,
        confidence=float(evaluation.confidence.mean()),
        error=evaluation.calibration_error(),
    )


def taken_for(pairs: Sequence[tuple[int, int]], classes: Sequence[str]) -> str:
    """Return what was taken for what, of the first pairs (true class, predicted class)."""
    return "".join(
        tr(
            " {true} was taken for {predicted}.",
            true=shortened(classes[true]),
            predicted=shortened(classes[predicted]),
        )
        for true, predicted in dict.fromkeys(pairs[:MOST_NAMED])
    )
