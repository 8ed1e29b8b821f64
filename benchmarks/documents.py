"""The documents: which measures there are, and where their tables are written."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from benchmarks import accuracy, agreement, backgrounds, busy, command, epoch, loading
from benchmarks.shared import ratio, seconds_of
from d2l_softmax.figures.style import save_figure
from d2l_softmax.io import write_json, write_text

FOLDER = Path(__file__).parent
MEASURES: dict[str, ModuleType] = {
    "loading": loading,
    "epoch": epoch,
    "busy": busy,
    "command": command,
    "accuracy": accuracy,
    "agreement": agreement,
    "backgrounds": backgrounds,
}
# On one thread, in a measure: a peer, another, and the largest ratio of their times that is wanted.
GOALS = (("epoch", "scratch", "NumPy by hand", 1.25),)
# The Chinese README has the same tables; there these words are replaced, in this order.
CHINESE = {
    "one pass over the training data": "读一遍训练数据",
    "an epoch, training and evaluation": "一个迭代周期，训练加评估",
    "ten epochs with figures, imports included": "十个迭代周期加画图，含导入",
    "less `import torch` and epochs": "减去 `import torch` 和迭代周期",
    "`import torch` alone": "只有 `import torch`",
    "beside busy processes": "旁边有忙碌的进程",
    "largest difference from": "与谁的最大差别",
    "times faster than the book's loader, 4 workers": "对书中加载器（4 个工作进程）的加速比",
    "times faster than the book's code, 4 workers": "对书中代码（4 个工作进程）的加速比",
    "the book's loader": "书中的加载器",
    "the book's code": "书中的代码",
    " workers": " 个工作进程",
    "lower bound: look up and scale": "下限：只取数据和缩放",
    "lower bound: look up, two products": "下限：只取数据和做两次矩阵乘法",
    "the same, products as written": "同上，乘法照公式写",
    "NumPy by hand": "手写 NumPy",
    "`jit` and `scan`": "`jit` 加 `scan`",
    "uint8 in memory": "内存里是 uint8",
    "float32 in memory": "内存里是 float32",
    "the same, ": "同上，",
    "a pass, ": "读一遍，",
    "last epoch, 10 seeds": "最后一个迭代周期，10 个随机种子",
    "train loss": "训练损失",
    "train accuracy": "训练精度",
    "test accuracy": "测试精度",
    "peak memory": "内存峰值",
    "min to max": "最小到最大",
    "median": "中位数",
    "1 thread,": "1 个线程,",
    " threads,": " 个线程,",
    "threads": "线程",
    "times": "倍数",
    "none": "没有",
    "two": "两个",
    "one": "一个",
    "as in the notes": "照笔记",
    "torch's epsilon": "torch 的 epsilon",
    "all float64": "全用 float64",
    " at ": "，学习率 ",
    "loss": "损失",
    "accuracy": "精度",
    "weights": "权重",
    " to ": " 到 ",
    ", ": "，",
    "; ": "；",
    "rounds after the warm-up.": "轮，预热之后。",
    "cores": "核",
    "commit": "提交",
}
DOCUMENTS = {"benchmarks/README.md": {}, "README.md": {}, "README.zh-CN.md": CHINESE}


def read_results() -> dict:
    """Return the stored results."""
    return json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))


def write(results: dict) -> None:
    """Write the results, the figure that shows some, and the tables in the documents."""
    write_json(FOLDER / "results.json", results)
    save_figure(FOLDER / "busy.png", busy.draw(results["busy"]))
    for name, words in DOCUMENTS.items():
        document = FOLDER.parent / name
        write_text(document, fill(document.read_text(encoding="utf-8"), results, words))
    print(f"wrote results.json and busy.png to {FOLDER.name}/, tables to {', '.join(DOCUMENTS)}")


def fill(text: str, results: dict, words: dict[str, str]) -> str:
    """Return a text with new sections between its marks, their words replaced by the given ones.

    ValueError if a mark has no end, KeyError if there is no section of its name.
    """
    sections = sections_of(results)
    for name in re.findall(r"^<!-- (\w+) -->$", text, re.MULTILINE):
        section = sections[name]
        for word, replacement in words.items():
            section = section.replace(word, replacement)
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        text = f"{text[: text.index(start)]}{start}\n\n{section}\n\n{text[text.index(end) :]}"
    return text


def sections_of(results: dict) -> dict[str, str]:
    """Return the text between the marks of the documents, by their names."""
    machine = results["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return {
        **{name: markdown(measure.table(results[name])) for name, measure in MEASURES.items()},
        "goals": markdown(goals(results)),
        "machine": (
            f"{machine['date']}, commit {machine['commit']}: {machine['system']}, "
            f"{machine['processor']}, {machine['cores']} cores; {versions}. "
            f"{results['repeats']} rounds after the warm-up."
        ),
    }


def goals(results: dict) -> Iterator[tuple]:
    """Yield the ratios that are wanted, and those that were measured."""
    yield "ratio of times on one thread", "goal", "measured"
    for measure, one, other, most in GOALS:
        seconds = [seconds_of(results[measure], name, threads=1) for name in (one, other)]
        measured = ratio(*seconds) if all(seconds) else "not yet"
        yield f"{measure}: {one} to {other}", f"≤ {most:g}", measured


def markdown(table: Iterable[tuple]) -> str:
    """Return a table in Markdown, its first column left-aligned and all others right-aligned."""
    from tabulate import tabulate  # here, so that tests of other functions work without it

    head, *rows = table
    sides = ("left", *["right"] * (len(head) - 1))
    return tabulate(rows, head, tablefmt="pipe", colalign=sides, disable_numparse=True)
