"""Accuracy and warnings of `predict` on photographs.

Two collections are given as folders, because they are not part of this project:

- `--clothing`: clothing-dataset-small, photographs of ordinary people's garments, with train/ and
  validation/. Its test/ is never read.
- `--other`: clones of the repositories in photographs.csv, each in a folder OWNER/NAME. Their
  photographs were labelled by eye.

A model is trained with each recipe. It classifies each photograph in the same way as `predict`,
with and without OpenCV. Its temperature is fitted on validation/ with OpenCV.
"""

import csv
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from benchmarks.photographs_drawn import Seen, write_figures
from benchmarks.shared import CORES, median_and_range
from d2l_softmax import load_data_fashion_mnist, load_model
from d2l_softmax.commands.options import RECIPES
from d2l_softmax.commands.predict import read_picture
from d2l_softmax.data import background
from d2l_softmax.data.fashion_mnist import CLASSES
from d2l_softmax.data.preprocessing import THE_PICTURE, Preprocessed
from d2l_softmax.description import OF_FASHION_MNIST, PHOTOGRAPHS, Photographs
from d2l_softmax.errors import UserError
from d2l_softmax.photographs import Answer, answer_picture
from d2l_softmax.training.evaluation import calibrate, wilson_interval

LIST = Path(__file__).parent / "photographs.csv"
CLOTHING = "https://github.com/alexeygrigorev/clothing-dataset-small"
GARMENTS = {  # folders of clothing-dataset-small that are classes of Fashion-MNIST
    "t-shirt": "t-shirt",
    "pants": "trouser",
    "longsleeve": "pullover",
    "dress": "dress",
    "outwear": "coat",
    "shirt": "shirt",
}
SPLITS = ("train", "validation")
GROUPS = {
    "white": "white background or cut out",
    "plain": "plain background",
    "worn": "worn by a person",
    "cluttered": "cluttered background",
}
DIRECTIONS = {"left": "shoe to the left", "right": "shoe to the right", "pair": "pair of shoes"}
ALL, EVEN = "all", "white or plain background"
WITH, WITHOUT = "with OpenCV", "without OpenCV"
BEFORE = "before"
NAMES = [name for name in RECIPES if name != "auto"]
TEMPERATURES = torch.arange(0.3, 6, 0.01).tolist()
LARGE = (4_000, 3_000)  # 12 megapixels


class Photograph(NamedTuple):
    """A photograph: its file, label, collection, and the groups it belongs to."""

    path: Path
    label: int
    collection: str
    groups: tuple[str, ...]


class Count(NamedTuple):
    """Numbers of right predictions and of warnings, among n photographs.

    `second` counts labels among the two most probable classes. `nothing` counts photographs in
    which no object was found: they have no prediction, and count as wrong with a warning.
    `confidence` is the mean confidence of the others.
    """

    n: int
    right: int
    second: int
    nothing: int
    confidence: float
    warned_wrong: int
    warned_right: int


def measure(rounds: int, clothing: Path, other: Path | None = None) -> dict:
    """Train with each recipe, classify all photographs, draw the figures; return the results.

    "counts" has a record for each preparation, recipe, collection and group. "temperatures" has the
    result of `fit` for each recipe, "test" the counts of test images, and "seconds" the times of
    photographs of 12 megapixels.
    """
    torch.set_num_threads(1)
    photographs = read_clothing(clothing) + (read_other(other) if other else [])
    labels = [each.label for each in photographs]
    fitted = [i for i, each in enumerate(photographs) if each.collection == "validation"]
    with tempfile.TemporaryDirectory() as folder:
        models = {name: train(name, Path(folder) / name) for name in NAMES}
    prepared = {
        name: prepare([each.path for each in photographs], name == WITH) for name in (WITH, WITHOUT)
    }
    results: dict[str, Any] = {"counts": [], "temperatures": {}, "test": {}, "seconds": {}}
    answers: list[Answer] = []
    for name, model in models.items():
        known = fit([answer(prepared[WITH][i], model) for i in fitted], [labels[i] for i in fitted])
        results["temperatures"][name] = known
        for preparation, inputs in reversed(prepared.items()):
            answers = [answer(each, model, known) for each in inputs]
            results["counts"] += count_groups(photographs, answers, preparation, name)
        results["test"][name] = count_test_images(model, known)
    for preparation in prepared:
        seconds = time_large([each.path for each in photographs], model, rounds, preparation)
        results["seconds"][preparation] = seconds
    drawn = [
        Seen(prepared[WITH][i].X[0], labels[i], int(each.argmax()))
        for i in fitted
        if (each := answers[i].y_hat) is not None
    ]
    # The predictions are of the last recipe, the weights of a recipe without augmentation.
    write_figures(drawn, models["best"])
    print("new constants for d2l_softmax/description.py; the present ones are", PHOTOGRAPHS)
    for name, known in results["temperatures"].items():
        print(f'    "{name}": {known},')
    results["temperatures"] = {name: list(each) for name, each in results["temperatures"].items()}
    return results


def read_clothing(folder: Path) -> list[Photograph]:
    """Return the photographs of six garments in train/ and validation/."""
    photographs = []
    for split, (garment, name) in itertools.product(SPLITS, GARMENTS.items()):
        paths = sorted((folder / split / garment).glob("*.jpg"))
        if not paths:
            raise UserError(
                f"no photographs in {folder / split / garment};",
                f"run: git clone {CLOTHING}",
            )
        label = CLASSES.index(name)
        photographs += [Photograph(path, label, split, (name, ALL)) for path in paths]
    return photographs


def read_other(folder: Path, table: Path = LIST) -> list[Photograph]:
    """Return the photographs listed in a CSV file, from cloned repositories in a folder."""
    photographs = []
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            path = folder / row["repo"] / row["path"]
            if not path.is_file():
                raise UserError(
                    f"no such file: {path};",
                    f"run: git clone https://github.com/{row['repo']} {folder / row['repo']}"
                    f" (at commit {row['commit']})",
                )
            groups = [row["group"], ALL, row["class"]]
            groups += [EVEN] * (row["group"] in ("white", "plain"))
            groups += [row["direction"]] * bool(row["direction"])
            label = CLASSES.index(row["class"])
            photographs.append(Photograph(path, label, "other", tuple(groups)))
    return photographs


def train(recipe: str, folder: Path) -> Any:
    """Train scratch with a recipe; return the model."""
    line = ["-m", "scratch", f"--recipe={recipe}", "--device=cpu", "--quiet", "--output-dir"]
    subprocess.run([sys.executable, *line, str(folder)], check=True, cwd=LIST.parents[1])
    return load_model(folder / "model.pt", dtype=torch.float32)


def prepare(paths: Sequence[Path], with_opencv: bool) -> list[Preprocessed]:
    """Preprocess photographs as `predict` does for a Fashion-MNIST model.

    Raises UserError if OpenCV is not installed, but requested.
    """
    if with_opencv and background.cv2 is None:
        raise UserError("OpenCV is not installed;", "python -m pip install -e '.[photos]'")
    context = get_context("spawn")
    with ProcessPoolExecutor(CORES, context, set_up, (with_opencv,)) as processes:
        return list(processes.map(read, paths, chunksize=20))


def set_up(with_opencv: bool) -> None:
    """Set up a worker process: one thread, with or without OpenCV."""
    torch.set_num_threads(1)
    if not with_opencv:
        background.cv2 = None


def read(path: Path) -> Preprocessed:
    """Preprocess a photograph as `predict` does; keep only the last of the pictures, for memory."""
    prepared = read_picture(path, OF_FASHION_MNIST, "auto")
    name, image = list(prepared.steps.items())[-1]
    return prepared._replace(steps={name: image})


def answer(prepared: Preprocessed, model: Any, known: Photographs | None = None) -> Answer:
    """Return the answer of `predict`; `known` has the temperature, see `fit`."""
    return answer_picture(prepared, model, model.description._replace(photographs=known))


def fit(answers: Sequence[Answer], labels: Sequence[int]) -> Photographs:
    """Return the temperature with the smallest cross-entropy, and the number of right answers."""
    found = [
        (each.y_hat, y) for each, y in zip(answers, labels, strict=True) if each.y_hat is not None
    ]
    y_hat, y = torch.stack([each for each, _ in found]), torch.tensor([label for _, label in found])

    def loss(temperature: float) -> float:
        chosen = calibrate(y_hat, temperature).gather(1, y[:, None])
        return -float(chosen.clamp_min(1e-12).log().mean())

    right = int((y_hat.argmax(dim=1) == y).sum())
    best: float = min(TEMPERATURES, key=loss)
    return Photographs(round(best, 2), right, len(answers))


def count_groups(
    photographs: Sequence[Photograph], answers: Sequence[Answer], preparation: str, model: str
) -> list[dict]:
    """Return a record of counts for each collection and group."""
    cases: dict[tuple[str, str], list] = {}
    for photograph, each in zip(photographs, answers, strict=True):
        for group in photograph.groups:
            case = (photograph.label, each.y_hat, bool(each.doubts))
            cases.setdefault((photograph.collection, group), []).append(case)
    common = {"preparation": preparation, "model": model}
    return [
        {**common, "collection": collection, "group": group, **count(each)._asdict()}
        for (collection, group), each in cases.items()
    ]


def count(cases: Iterable[tuple[int, Tensor | None, bool]]) -> Count:
    """Count cases: triples of label, probabilities (q,) or None, and whether there is a warning."""
    n = right = second = nothing = warned_wrong = warned_right = 0
    confidences = []
    for label, y_hat, warns in cases:
        n += 1
        if y_hat is None:
            nothing += 1
            warned_wrong += 1
            continue
        best = y_hat.topk(2)
        confidences.append(float(best.values[0]))
        is_right = int(best.indices[0]) == label
        right += is_right
        second += label in best.indices.tolist()
        warned_right += is_right and warns
        warned_wrong += not is_right and warns
    confidence = round(sum(confidences) / max(1, len(confidences)), 4)
    return Count(n, right, second, nothing, confidence, warned_wrong, warned_right)


def count_test_images(model: Any, known: Photographs) -> dict[str, int]:
    """Count the test images of Fashion-MNIST: all, right predictions, and warnings."""
    _, test_iter = load_data_fashion_mnist(256)
    steps = {THE_PICTURE: Image.new("L", (1, 1))}
    cases = []
    for X, label in map(test_iter.dataset.__getitem__, range(len(test_iter.dataset))):
        each = answer(Preprocessed(X.unsqueeze(0), steps), model, known)
        cases.append((int(label), each.y_hat, bool(each.doubts)))
    counts = count(cases)
    warned = counts.warned_right + counts.warned_wrong
    return {"n": counts.n, "right": counts.right, "warned": warned}


def time_large(paths: Sequence[Path], model: Any, rounds: int, preparation: str) -> list[float]:
    """Time `rounds` photographs, enlarged to 12 megapixels, from file to answer, in seconds."""
    opencv, seconds = background.cv2, []
    set_up(preparation == WITH)
    try:
        with tempfile.TemporaryDirectory() as folder:
            large = Path(folder) / "large.jpg"
            for path in [paths[0], *paths[:: max(1, len(paths) // rounds)]]:
                Image.open(path).convert("RGB").resize(LARGE).save(large, quality=90)
                begin = time.perf_counter()
                answer(read(large), model)
                seconds.append(round(time.perf_counter() - begin, 3))
    finally:
        background.cv2 = opencv
    return seconds[1:]  # the first one is a warm-up


# Tables


def share(number: int, n: int) -> str:
    """Return a cell: a share in percent with its 95 % confidence interval."""
    low, high = wilson_interval(number / n, n)
    return f"{number / n:.0%} ({100 * low:.0f} to {100 * high:.0f})"


def find(counts: Iterable[dict], **wanted: str) -> dict:
    """Return the first record with the `wanted` values; KeyError if there is none."""
    for each in counts:
        if all(each[name] == value for name, value in wanted.items()):
            return each
    raise KeyError(wanted)


def best_keys(results: dict) -> dict[str, str]:
    """Return preparation and model of the best results: with OpenCV, the last recipe."""
    return {"preparation": WITH, "model": list(results["temperatures"])[-1]}


def rows_of(results: dict) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the title of each row of a table, with its preparation and model."""
    for preparation, model in itertools.product(
        (BEFORE, WITHOUT, WITH), ("book", "best", "photos")
    ):
        keys = {"preparation": preparation, "model": model}
        if any(keys.items() <= each.items() for each in results["counts"]):
            yield f"{preparation}, `--recipe {model}`", keys


def table(results: dict) -> Iterator[tuple]:
    """Yield the main table: accuracies and warnings on clothing-dataset-small."""
    sizes = [find(results["counts"], collection=name, group=ALL)["n"] for name in SPLITS]
    names = [f"{name}, n = {n:,}" for name, n in zip(SPLITS, sizes, strict=True)]
    yield (
        "accuracy (95 % interval)",
        *names,
        "validation: top 2",
        "mean confidence",
        "warnings on wrong",
        "warnings on right",
    )
    for title, keys in rows_of(results):
        train, valid = (
            find(results["counts"], **keys, collection=name, group=ALL) for name in SPLITS
        )
        wrong = valid["n"] - valid["right"]
        yield (
            title,
            share(train["right"], train["n"]),
            share(valid["right"], valid["n"]),
            f"{valid['second'] / valid['n']:.0%}",
            f"{valid['confidence']:.2f}",
            f"{valid['warned_wrong']} of {wrong}",
            f"{valid['warned_right']} of {valid['right']}",
        )


def table_by_class(results: dict) -> Iterator[tuple]:
    """Yield a table of accuracies by class on both splits, before and now."""
    sides = {"before": {"preparation": BEFORE, "model": "best"}, "now": best_keys(results)}
    heads = [f"{split}: {text}" for split in SPLITS for text in ("n", *sides)]
    yield "class", *heads
    for group in (*GARMENTS.values(), ALL):
        cells = []
        for split in SPLITS:
            records = [
                find(results["counts"], **keys, collection=split, group=group)
                for keys in sides.values()
            ]
            cells += [f"{records[0]['n']:,}"]
            cells += [share(each["right"], each["n"]) for each in records]
        yield group, *cells


def table_elsewhere(results: dict) -> Iterator[tuple]:
    """Yield a table of accuracies on the other photographs, by group and direction."""
    rows = list(rows_of(results))
    yield "photographs", "n", *(title for title, _ in rows)
    for group, title in (GROUPS | {EVEN: EVEN, ALL: ALL} | DIRECTIONS).items():
        records = [
            find(results["counts"], **keys, collection="other", group=group) for _, keys in rows
        ]
        yield title, str(records[0]["n"]), *(share(each["right"], each["n"]) for each in records)


def table_warnings(results: dict) -> Iterator[tuple]:
    """Yield a table of warning rates on validation/, the other photographs, and test images."""
    yield (
        "share of warnings, with OpenCV",
        "wrong, validation",
        "right, validation",
        "wrong, others",
        "right, others",
        "test images",
    )
    for name, test in results["test"].items():
        cells = []
        for collection in ("validation", "other"):
            each = find(
                results["counts"], preparation=WITH, model=name, collection=collection, group=ALL
            )
            cells += [
                f"{each['warned_wrong'] / (each['n'] - each['right']):.0%}",
                f"{each['warned_right'] / each['right']:.0%}",
            ]
        yield f"`--recipe {name}`", *cells, f"{test['warned'] / test['n']:.1%}"


def sections(results: dict) -> dict[str, Iterator[tuple]]:
    """Return all tables but the main one, by name."""
    return {
        "photographs_by_class": table_by_class(results),
        "photographs_elsewhere": table_elsewhere(results),
        "photographs_warnings": table_warnings(results),
        "photographs_seconds": table_seconds(results),
    }


def table_seconds(results: dict) -> Iterator[tuple]:
    """Yield a table of the seconds for a photograph of 12 megapixels, from file to answer."""
    yield "a photograph of 4,000 × 3,000, JPEG", "median", "min to max"
    for preparation, seconds in results["seconds"].items():
        yield preparation, *median_and_range(seconds, 2, " s")


def merge(results: dict, stored: dict) -> dict:
    """Add to new results the stored counts that were not measured again.

    These are the counts BEFORE, of an older version of the code, and of collections not given.
    """
    measured = {each["collection"] for each in results["counts"]}
    kept = [
        each
        for each in stored["counts"]
        if each["preparation"] == BEFORE or each["collection"] not in measured
    ]
    return results | {"counts": kept + results["counts"]}
