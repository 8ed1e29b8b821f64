"""The project is written in the field's words: no text has a calque from the lists below.

Texts are the documents, every docstring, comment and message, the catalogue, and the interactive
lesson in both languages. Code between backticks is not read.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = ("d2l_softmax", "scratch", "concise", "benchmarks", "notebooks", "tests")
DOCUMENTS = ("*.md", "docs/**/*.md", "benchmarks/*.md", "notebooks/*.md", ".github/**/*.md")
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [
        *(path for folder in CODE for path in (ROOT / folder).rglob("*.py")),
        *(path for pattern in DOCUMENTS for path in ROOT.glob(pattern)),
        *(ROOT / "d2l_softmax").rglob("*.json"),
        *(ROOT / "d2l_softmax").rglob("*.jinja"),
    ]
    if path.name != "test_wording.py"
)
# Tests that name a banned phrase, or have it in their data
PENDING = {"tests/test_folders.py", "tests/test_lesson.py"}

# English that reads like a translation: use the field's noun or verb instead.
BANNED = [
    r"one's",
    r"that one can|one (can|may|must|should|would|has to|expects|wants|needs|sees)",
    r"(a|any|another|each|every|the|which) person|somebody|someone",
    r"(go|goes|going|gone|went) on",
    r"at once",
    r"(so|as) many",
    r"(is|are|was|were|be|been|being) (told|said)",
    r"meanwhile|afresh",
    r"(take|takes|taken|taking|took) up",
    r"rooms?|houses?",
    r"speak|speaks|speaking|spoke|spoken",
    r"stand|stands|standing|stood",
    r"comes|came",
    r"ours",
    r"touch|touches|touched|touching",
    r"(they|twins|two|results|implementations) part|part in epoch|parted|parting",
    r"heal|heals|healed|trouble|troubles",
    r"the least to the most|least to most",
    r"without a word|in circles|by accident",
    r"the ground|its ground|even ground",
    r"to guess at|as sure as|what it says|what came",
    r"for ever|and the like|and its like",
]
BANNED_CHINESE = [
    "玩转|只看一件事|不发送任何东西|只有差值起作用|不为所动|一步步往下走|接手的部分|会亮起来",
    "精确率|召回率|纳特|从零实现|次可能类别|末位的几个单位|图中可见|黑底白图|有效位完整",
    "各个房间|想改动什么|挑选设置|书中做法|训练到底|忙碌的进程|与谁的最大差别|读一遍",
    "哪些东西可信|都故意试过|从背景中显现|存疑的理由|互相抢走|导出到 Python 之外|轮，预热之后",
    "瞎猜|就是把握的大小|拿不定主意|走一步|没有什么要清除|应是上面的命令|乘以 2 还是最小",
    "两个程序和一个片段|计算机里的数有上限|十分确信|把握度|一件衣物",
]
# Text in which a banned word is meant, with the reason. It is removed before the search.
ALLOWED = {
    r"touch ?screens?|touch input|touch events?|(mouse|pen), touch( and|,)|by touch": "the device",
    r"house number": "the digits of the data set SVHN",
    r"touching (its|the) border": "the geometry of a mask",
    r"worn by a person|of a person who wears it|cuts out the person": "people in photographs",
    r"to any person obtaining": "the MIT licence",
    r"all [\d,]+ at once": "one batch of all images",
}


def words(patterns):
    """Compile patterns of whole English words, whose spaces match line breaks, too."""
    joined = "|".join(f"(?:{pattern})" for pattern in patterns).replace(" ", r"\s+")
    return re.compile(rf"(?<![\w.`/-])(?:{joined})(?![\w`/-]|\.\w|\()", re.IGNORECASE)


def prose(text):
    """Return a text without code, addresses and allowed phrases."""
    text = re.sub(r"^ *(```|~~~).*?^ *\1", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`\n]*`|https?://\S+|\]\([^)\s]*\)", "", text)
    for phrase in ALLOWED:
        text = re.sub(phrase, "", text, flags=re.IGNORECASE)
    return text


def texts_of_code(source):
    """Yield docstrings, strings of several words, and blocks of comments."""
    for node in ast.walk(ast.parse(source)):
        text = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and (" " in text or re.search(r"[\u4e00-\u9fff]", text)):
            yield text
    for block in re.findall(r"(?:# .*\n? *)+", source):
        yield re.sub(r"^ *# ", "", block, flags=re.MULTILINE)


def texts_of(path):
    """Return the texts of a file, without code."""
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        texts = texts_of_code(content)
    elif path.suffix == ".jinja":
        texts = [re.sub(r"{[{%#].*?[#%}]}|<[^>]*>", " ", content, flags=re.DOTALL)]
    else:
        texts = [content]
    return [prose(text) for text in texts]


def banned_in(path):
    """Return each banned phrase in a file, with the words around it."""
    found = []
    for pattern in (words(BANNED), re.compile("|".join(BANNED_CHINESE))):
        for text in texts_of(path):
            for match in pattern.finditer(text):
                around = text[max(0, match.start() - 40) : match.end() + 40]
                found.append(f"{match[0]!r} in: {' '.join(around.split())}")
    return found


@pytest.mark.parametrize("name", sorted({*FILES} - PENDING))
def test_texts_are_in_the_field_s_words(name):
    assert banned_in(ROOT / name) == []


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".py", '"""Train\n\nThe training goes\non.\n"""\n'),
        (".py", "x = 1  # the file is\n# told\n"),
        (".py", 'raise ValueError(f"{x} came from elsewhere")\n'),
        (".json", '{"a text": ["one\'s own"]}'),
        (".jinja", '<p title="x">ours</p>'),
        (".md", "```\nmeanwhile\n```\nA map of the rooms.\n"),
        (".md", "各个房间的地图\n"),
    ],
)
def test_a_banned_phrase_is_found(tmp_path, suffix, content):
    (tmp_path / f"text{suffix}").write_text(content, encoding="utf-8")
    assert len(banned_in(tmp_path / f"text{suffix}")) == 1
