"""Odd, damaged and hostile custom data: tables, arrays, folders, names, caches, models."""

import functools
import gzip
import importlib.util
import io
import itertools
import json
import os
import resource
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from d2l_softmax.data.custom import find_dataset

from . import children
from .children import SPECIAL_FILES, sparse
from .data import idx_of

CPU_SECONDS, SECONDS = 20, 100  # other processes may have the cores
TWO = ["0", "1"]
Content = bytes | str | Callable[[Path], object]  # of a file, or a function that makes it
Files = dict[str, Content]  # by name
Expected = tuple[list[int], list[str]] | None  # shape of an example and classes; None: refused
Rows = Iterator[tuple[str, Files, Expected]]

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)).round(3), np.arange(40) % 2
FEATURES: Expected = ([3], TWO)
EXTREME = {"NaN": np.nan, "infinity": np.inf, "1e308": 1e308, "-1e39": -1e39}
NO_FILES: Files = {
    **SPECIAL_FILES,
    "a link to nothing": lambda path: path.symlink_to(path.parent / "nothing"),
}
SPECIAL: Files = NO_FILES | {
    "10 GB of zeros": sparse(10_000_000_000),
    "empty": b"",
    "random bytes": RNG.bytes(3000),
    "a picture's header": b"\x89PNG\r\n\x1a\n" + bytes(1000),
}


def put(path: Path, content: Content) -> None:
    """Write a file, or call the function that makes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if callable(content):
        content(path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def each(
    contents: Files, name: str, expected: Expected = None, files: Files | None = None, prefix=""
) -> Rows:
    """Yield data whose file `name` has each of the contents, among other files."""
    for what, content in contents.items():
        yield prefix + what, (files or {}) | {name: content}, expected


def shown(text: str) -> str:
    return f"{text[:20]!r} of {len(text)}"


def in_memory(write: Callable, *arguments, **options) -> bytes:
    """Return what a function writes to a binary file."""
    file = io.BytesIO()
    write(file, *arguments, **options)
    return file.getvalue()


# Tables


def csv_of(
    header: str = "a,b,c,label", rows: list[str] | None = None, end: str = "\n", **lines: str
) -> str:
    """Return a table; `lines` replace rows, r3="…" the third one."""
    if rows is None:
        rows = [",".join(map(str, (*x, y))) for x, y in zip(X, Y, strict=True)]
    for number, line in lines.items():
        rows[int(number[1:])] = line
    return end.join(([header] if header else []) + rows) + end


def tables() -> Rows:
    right = csv_of()
    cells = (
        *("black", "", "1 2", "\0", "0x10", "1j", "1_000", "2026-01-01", "\x1b[2J"),
        *("9" * 5000, "x" * 5000, '"' + "x\n" * 40 + '"', '"1', *map(str, EXTREME.values())),
    )
    refused = {f"cell {shown(cell)}": csv_of(r7=f"{cell},1,1,0") for cell in cells}
    refused |= {f"label {cell}": csv_of(r7=f"1,1,1,{cell}") for cell in ("1e999", "nan", "0.5")}
    refused |= {
        "ragged": csv_of(r3="1,2,0"),
        "a longer row": csv_of(r3="1,2,3,4,0"),
        "a longer row, text as labels": csv_of(rows=["1,2,3,a", "2,3,4,b"] * 9, r3="1,2,3,b,4"),
        "neither header nor labels": "".join(f"{a},{b},{c}\n" for a, b, c in X),
        "an empty first cell": csv_of(r0=",1,3,0"),
        "two columns of labels": csv_of("a,b,label,class"),
        "only a header": csv_of(rows=[]),
        "one row": csv_of(rows=["1,2,3,0"]),
        "one class": csv_of(rows=["1,2,3,0"] * 9),
        "labels only": csv_of("label", [str(y) for y in Y]),
        "decimal commas": csv_of("a;b;label", ["1,5;2,5;0", "1,5;2,5;1"] * 9),
        "UTF-16": right.encode("utf-16"),
        "Latin-1": csv_of("größe,b,c,label").encode("latin-1"),
        "gzip": gzip.compress(right.encode()),
        "a header of 100,000 names": csv_of(",".join(f"n{i}" for i in range(100_000))),
        "a header of 2 MB": csv_of("x" * 2_000_000 + ",b,c,label"),
        "a field of 200,000 characters": csv_of("x" * 200_000 + ",b,c,label", rows=[]),
    }
    yield from each(refused | SPECIAL, "data.csv")
    accepted = {
        "BOM": "\ufeff" + right,
        "semicolons": right.replace(",", ";"),
        "tabs": right.replace(",", "\t"),
        "CRLF": csv_of(end="\r\n"),
        "no line end": right.rstrip(),
        "empty lines": right.replace("\n", "\n\n"),
        "labels in the first column": csv_of("label,a,b,c", [f"{y},1,2,{y}" for y in Y]),
        "a comment sign in the header": csv_of("#a,b,c,label"),
        "row numbers": csv_of(",a,b,c,label", [f"{i},1,2,3,{i % 2}" for i in range(40)]),
        "features 1e30 apart": csv_of(r7="1e30,1,1,0"),
        "features of 1e-300": csv_of(r7="1e-300,1,1,0"),
        "constant features": csv_of(rows=["1,1,1,0", "1,1,1,1"] * 9),
    }
    yield from each(accepted, "data.csv", FEATURES)
    yield "a class of one row", {"data.csv": csv_of(r7="1,1,1,2")}, ([3], ["0", "1", "2"])
    text = csv_of(rows=["1,2,3,é", "2,3,4,=1+1"] * 9)
    yield "text labels", {"d.csv": text}, ([3], ["=1+1", "é"])
    for_testing = {
        "other columns for testing": csv_of("a,b,label", ["1,2,0"] * 9),
        "an unknown class for testing": csv_of(r3="1,2,3,7"),
        "test data without rows": "a,b,c,label\n",
    }
    train = {"train.csv": right}
    yield from each(for_testing, "test.csv", files=train)
    without = csv_of("a,b,c", ["1,2,3"] * 9)
    yield "test data without labels", train | {"test.csv": without}, FEATURES


def labels() -> Rows:
    """Yield tables of labels beside images."""
    rows = [f"{i}.png,{'ab'[i % 2]}" for i in range(12)]
    right = csv_of("file,label", rows)
    images = {f"images/{i}.png": picture(20 * i) for i in range(12)}
    accepted = {"right": right, "BOM and CRLF": "\ufeff" + right.replace("\n", "\r\n")}
    yield from each(accepted, "labels.csv", IMAGES, files=images)
    added = (
        *("12.png,a", "1.png", "1.png,", "\0.png,a", "x" * 5000 + ",a", "x" * 200_000 + ",a"),
        *('"' + "x\n" * 40 + '",a', "/etc/passwd,a", "../../../etc/passwd,a", ".,a"),
    )
    wrong = {f"row {shown(row)}": csv_of("file,label", [*rows, row]) for row in added}
    wrong |= {
        "one class": csv_of("file,label", [row[:-1] + "a" for row in rows]),
        "only a header": "file,label\n",
        "two columns of labels": csv_of("file,label,class", [f"{row},a" for row in rows]),
        "UTF-16": right.encode("utf-16"),
    }
    yield from each(wrong | SPECIAL, "labels.csv", files=images)


# Arrays


def zip_of(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


npz_of = functools.partial(in_memory, np.savez)
npy_of = functools.partial(in_memory, np.save)


def header_of(text: str, version: int = 1, length: int | None = None) -> bytes:
    """Return a .npy file with this header and no data."""
    size = struct.pack("<H" if version == 1 else "<I", len(text) if length is None else length)
    return b"\x93NUMPY" + bytes([version, 0]) + size + text.encode()


def claim(shape: str, descr: str = "'<f8'") -> str:
    """Return the text of a .npy header with this shape and type."""
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n"


def bomb(path: Path) -> None:
    """Write three members of 0.9 GB of zeros."""
    header = header_of(claim("(112500000, 1)"))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in ("X", "y", "other"):
            with archive.open(f"{name}.npy", "w") as member:
                member.write(header)
                for _ in range(90):
                    member.write(bytes(10_000_000))


SHAPES = (  # no data follow
    *("(" + "1+" * 3000 + "1,)", "(__import__('os').system('touch harmed'),)"),
    *("(" + "9" * 5000 + ",)", "(4294967296, 4294967296)", "(-1, 3)", str((1,) * 40)),
    *("('a', 3)", "(125000000000, 1)", "(40, 3)"),
)
HEADERS = {f"shape {shown(shape)}": header_of(claim(shape)) for shape in SHAPES}
HEADERS |= {
    "9,000 brackets": header_of("(" * 9000),
    "a chain of attributes": header_of("a" + ".b" * 3000),
    "no shape": header_of("{'descr': '<f8'}\n"),
    "a list": header_of("[1, 2]\n"),
    "a header of 4 GB": header_of(claim("(3,)"), 2, 4_000_000_000),
    "version 9": header_of(claim("(3,)"), 9),
    "an odd type": header_of(claim("(3,)", "'<q99'")),
    "a type of 2 GB": header_of(claim("(40, 1)", "'<U536870912'")),
}
WRONG_ARRAYS = {
    "Python objects": np.array([{}] * 40, dtype=object),
    "structured": np.zeros((40, 3), [("a", "f8")]),
    "dates": np.zeros((40, 3), "M8[s]"),
    "complex": X.astype(complex),
    "text": X.astype(str),
    "a number": np.array(1.0),
    "no examples": X[:0],
    "no features": X[:, :0],
    "five dimensions": np.zeros((40, 2, 2, 2, 2)),
    "other counts": X[:39],
}
WRONG_ARRAYS |= {
    name: np.where(np.arange(120).reshape(40, 3) == 8, value, X) for name, value in EXTREME.items()
}
HEADERS |= {name: npy_of(array) for name, array in WRONG_ARRAYS.items()}
LABELS = {
    "of three dimensions": np.zeros((40, 2, 2)),
    "of one class": np.zeros(40),
    "of 0.5": Y + 0.5,
    "NaN": Y + np.nan,
    "complex": Y + 0j,
    "objects": np.array([*"ab"] * 20, dtype=object),
    "dates": Y.astype("M8[s]"),
    "a number": np.array(3),
    "no UTF-8": np.array([b"\xff", b"a"] * 20),
    "-1e300": Y - 1e300,
    "above 2**63": Y + np.uint64(2**63),
    "none": Y[:0],
    "39": Y[:39],
}
RIGHT_ARRAYS = {
    "float16": X.astype(np.float16),
    "big-endian": X.astype(">f8"),
    "long double": X.astype(np.longdouble),
    "Fortran's order": np.asfortranarray(X),
    "features 1e30 apart": X * np.array([1, 1e30, 1]),
    "int64": (X * 1000).astype(np.int64),
}


def arrays() -> Rows:
    """Yield .npy and .npz files."""
    x, y = npy_of(X), npy_of(Y)
    right = npz_of(X=X, y=Y)
    wrong = {name: zip_of(X=content, y=y) for name, content in HEADERS.items()}
    wrong |= {f"labels {name}": npz_of(X=X, y=array) for name, array in LABELS.items()}
    wrong |= {
        "a pickled member": npz_of(X=X, y=Y, classes=np.array([{}], dtype=object)),
        "a text as a member": zip_of(X=x, y=b"0,1"),
        "no labels": npz_of(X=X),
        "other names": npz_of(a=X, b=Y),
        "two images": npz_of(X=X, images=X, y=Y),
        "an empty archive": zip_of(),
        "cut": right[: len(right) // 2],
        "a wrong checksum": right.replace(X.tobytes()[:8], bytes(8)),
        "an archive in it": zip_of(X=right, y=y),
        "a wrong length": right.replace(b"PK\x01\x02", b"PK\x01\x09"),
        "a bomb": bomb,
    }
    yield from each(wrong | SPECIAL, "data.npz", prefix="npz, ")
    yield from each(HEADERS | SPECIAL, "X.npy", prefix="npy, ", files={"y.npy": y})
    for name, array in RIGHT_ARRAYS.items():
        yield f"npy, {name}", {"X.npy": npy_of(array), "y.npy": y}, FEATURES
        yield f"npz, {name}", {"data.npz": npz_of(X=array, y=Y)}, FEATURES


def idx() -> Rows:
    images, y = RNG.integers(0, 256, (40, 6, 8)).astype(np.uint8), idx_of(Y.astype(np.uint8))
    right, zipped = idx_of(images), gzip.compress(idx_of(images))
    x_name, y_name = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
    shapes = ((), (1,) * 255, (41, 6, 8), (39, 6, 8), (4_294_967_295,) * 3)
    odd = {f"shape {shown(str(shape))}": idx_of(images, 8, shape) for shape in shapes}
    odd |= {
        "an unknown type": idx_of(images, 10),
        "no images": idx_of(images[:0]),
        "no pixels": idx_of(images[:, :0]),
        "39 images": idx_of(images[:39]),
        "another beginning": b"\1\2\3\4" + right[4:],
        "three bytes": b"\0\0\x08",
    }
    zeros = zlib.compressobj(1, wbits=31)
    # 2.5 GB of zeros: a block of deflate that is repeated
    head = zeros.compress(right) + zeros.flush(zlib.Z_FULL_FLUSH)
    block = zeros.compress(bytes(10_000_000)) + zeros.flush(zlib.Z_FULL_FLUSH)
    odd_zipped = {name: gzip.compress(content) for name, content in odd.items()} | {
        "cut": zipped[:-9],
        "a wrong checksum": zipped[:-8] + bytes(8),
        "no gzip": right,
        "a bomb": head + block * 250,
    }
    yield "right, gzip", {f"{x_name}.gz": zipped, y_name: y}, ([1, 6, 8], TWO)
    yield from each(odd | SPECIAL, x_name, files={y_name: y})
    yield from each(odd_zipped, f"{x_name}.gz", prefix="gzip, ", files={y_name: y})
    wrong_labels = {"two dimensions": idx_of(images[0])} | SPECIAL
    yield from each(wrong_labels, y_name, prefix="labels, ", files={x_name: right})


def parquets() -> Rows:
    """Yield Parquet files, if pyarrow is installed."""
    if not importlib.util.find_spec("pyarrow"):
        return
    import pyarrow as pa
    from pyarrow import parquet

    def table(metadata: bytes = b"", **columns: object) -> bytes:
        content = pa.table({"label": y} | columns)
        if metadata:
            content = content.replace_schema_metadata({"huggingface": metadata})
        return in_memory(lambda file: parquet.write_table(content, file))

    y, a = [*map(int, Y)], [*X[:, 0]]
    png = picture()
    right = table(a=a, b=a, c=a)
    too_few = {"info": {"features": {"label": {"names": ["a"]}}}}
    columns = {
        "lists of several lengths": [[1.0] * (1 + i % 2) for i in y],
        "null as a list": [None, *[[1.0, 2.0]] * 39],
        "lists of text": [["a"]] * 40,
        "empty lists": [[]] * 40,
        "structs": [{"a": 1}] * 40,
        "maps": pa.array([[("a", 1)]] * 40, pa.map_(pa.string(), pa.int64())),
        "null in a feature": [None, *a[1:]],
        "NaN": [np.nan, *a[1:]],
        "bytes that are no image": [b"x"] * 40,
        "null as an image": [None, *[png] * 39],
        "an image of 900 megapixels": [*[png] * 39, claimed_png(30_000)],
    }
    odd = {name: table(x=column) for name, column in columns.items()}
    odd |= {
        "no images": table(),
        "no labels": in_memory(lambda file: parquet.write_table(pa.table({"a": a, "b": a}), file)),
        "no rows": table(a=pa.array([], pa.float64()), label=pa.array([], pa.int64())),
        "null in the labels": table(a=a, label=[None, *y[1:]]),
        "text as a feature": table(a=["x"] * 40, b=a),
        "lists as labels": table(a=a, label=[[1]] * 40),
        "metadata that are a list": table(b"[1]", x=[[1.0]] * 40),
        "too few names": table(json.dumps(too_few).encode(), x=[[1.0]] * 40),
        "cut": right[:-100],
        "a footer of 2 GB": right[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1",
    }
    yield from each(odd | SPECIAL, "data.parquet")
    yield "right", {"data.parquet": right}, FEATURES
    yield "images", {"data.parquet": table(image=[png] * 40)}, ([1, 6, 8], TWO)
    yield "metadata that are no JSON", {"data.parquet": table(b"{", a=a)}, ([1], TWO)


# Images and names


def picture(shade: int = 100, mode: str = "L", size: tuple = (8, 6)) -> bytes:
    """Return a PNG file of one shade."""
    return in_memory(Image.new("L", size, shade).convert(mode).save, "png")


def claimed_png(side: int) -> bytes:
    """Return a PNG file whose header claims `side` × `side` pixels."""
    content = picture()
    header = b"IHDR" + struct.pack(">II", side, side) + content[24:29]
    return content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]


def classes(names: tuple[str | bytes, ...] = ("a", "b"), number: int = 6, place: str = "") -> Files:
    """Return folders of images."""
    folders = [place + os.fsdecode(name) for name in names]
    return {
        f"{folder}/{i}.png": picture((100 * k + i) % 256)
        for k, folder in enumerate(folders)
        for i in range(number)
    }


IMAGES: Expected = ([1, 6, 8], ["a", "b"])


def folders() -> Rows:
    """Yield folders of images, most with an odd file or name."""
    png = picture()
    sides = (0, 30_000, 65_535, 2**31 - 1)
    refused = {f"claims {side} pixels a side": claimed_png(side) for side in sides} | {
        "an image, cut": png[:-30],
        "an image without pixels": png[:33],
        "a text": b"hello",
        "a wrong checksum": png.replace(b"IDAT", b"IDAT\0"),
        "SVG as PNG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "PostScript": b"%!PS\n(harmed) run",
    }
    refused |= {name: content for name, content in SPECIAL.items() if name not in NO_FILES}
    yield from each(refused, "a/odd.png", files=classes())
    yield from each(NO_FILES, "a/odd.png", IMAGES, files=classes())
    gray = {f"mode {mode}": picture(mode=mode) for mode in ("1", "I;16", "LA")}
    coloured = {f"mode {mode}": picture(mode=mode) for mode in ("P", "RGB", "RGBA")}
    yield from each(gray, "a/odd.png", IMAGES, files=classes())
    yield from each(coloured, "a/odd.png", ([3, 6, 8], ["a", "b"]), files=classes())
    thin = {"a/odd.png": picture(size=(5000, 1))}
    yield "another size", classes() | thin, ([1, 28, 28], ["a", "b"])
    yield "a class of one image", classes() | {"c/x.png": png}, ([1, 6, 8], ["a", "b", "c"])
    yield "one class", classes(("a",)), None
    yield "an image a class", classes(number=1), None
    yield "nothing", {}, None
    yield "empty folders", {"a": Path.mkdir, "b": Path.mkdir}, None
    links = {"a/up": "..", "b/self": ".", "b/proc": "/proc", "c": ".", "d": "d"}
    for name, target in links.items():
        links[name] = functools.partial(Path.symlink_to, target=target)
    yield "links in circles", classes() | links, IMAGES
    train = classes(place="train/")
    yield "two folders for training", train | classes(place="Training/"), None
    yield "no folder for training", classes(place="test/"), None
    yield "an unknown class for testing", train | {"test/c/x.png": png}, None
    yield "300 folders deep", classes(("a/" + "x/" * 300, "b")), IMAGES


NAMES: dict[str, tuple[str | bytes, ...]] = {
    "line ends": ("a\nb", "a\rb", "a\u2028b", "a\x85b", "a\x0bb"),
    "spaces": (" ", "\u3000", " x", "x", "x "),
    "no UTF-8": (b"caf\xe9", b"\xff\xfe", "café"),
    "formulas": ("$5", "$10", "$$", "$x^y^z$", r"$\frac{$"),
    "spreadsheets": ("=cmd|' C'!A0", "+1+1", "-2+3", "@SUM(1)"),
    "colours": ("#000000", "#ffffff", "fill:#000", "black"),
    "HTML": ("<b>", "&amp;", "]]>", "'\"", "<script>alert(1)<"),
    "formats": ("{}", "{0}", "%s", "\\n", "{lr}"),
    "controls": ("\x1b[2J", "\a", "\x7f", "\u202e", "\t"),
    "scripts": ("猫", "שלום", "🦥", "e\u0301", "\ue000"),
    "numbers": ("10", "9", "010", "1e3", "nan"),
    "case": ("cat", "Cat", "CAT"),
    "255 bytes": ("x" * 255, "猫" * 85, "y" * 255),
    "options": ("--help", "-", "~", "None"),
    "normal forms": ("\u00e9", "e\u0301", "\u1e9b\u0323"),
}


def names() -> Rows:
    """Yield odd names of classes, as folders and in classes.txt."""
    for name, some in NAMES.items():
        yield f"folders, {name}", classes(some), ([1, 6, 8], sorted(map(os.fsdecode, some)))
    right: Files = {"data.csv": csv_of()}
    refused = {
        "too few": "a\n",
        "twice the same": "a\na\n",
        "an empty line": "\na\nb\n",
        "UTF-16": "a\nb\n".encode("utf-16"),
        "no UTF-8": b"caf\xe9\nb\n",
    }
    special = {k: v for k, v in SPECIAL.items() if k not in ("empty", "a link to nothing")}
    yield from each(refused | special, "classes.txt", files=right)
    for first in ("a\0b", "x" * 100_000):
        expected = ([3], [first, "c"])
        yield f"name {shown(first)}", right | {"classes.txt": f"{first}\nc\n"}, expected


def caches() -> Rows:
    """Yield folders of images with odd caches, which are replaced or ignored."""
    yield from each(SPECIAL, ".d2l_softmax", IMAGES, files=classes())
    contents = (
        *("", "[]", "7", "null", "\0", "[" * 100_000, '{"files": 1}', '{"files": {}, "note": ""}'),
        *('{"files": {"../../a/0.png": [1, 2]}, "note": ""}', '{"files": {}, "note": 7}'),
    )
    indexes = {shown(content): content for content in contents} | SPECIAL
    for name, odd in (("index.json", indexes), ("train_images.npy", SPECIAL)):
        cached = {what: functools.partial(cache, name, content) for what, content in odd.items()}
        yield from each(cached, "cached", IMAGES, prefix=f"{name}, ", files=classes())


def cache(name: str, content: Content, path: Path) -> None:
    """Cache the images of a folder, and replace a cached file."""
    find_dataset(path.parent, [])
    (directory,) = (path.parent / ".d2l_softmax").glob("as-they-are-*")
    (directory / name).unlink()
    put(directory / name, content)


# Models


def models() -> Rows:
    """Yield state_dicts and .safetensors files that don't fit three features and two classes."""
    W, b = torch.zeros(2, 3), torch.zeros(2)
    dictionaries = {
        "another width": {"weight": torch.zeros(2, 4), "bias": b},
        "another bias": {"weight": W, "bias": torch.zeros(3)},
        "two layers": {"0.weight": W, "0.bias": b, "2.weight": W, "2.bias": b},
        "NaN": {"weight": W + float("nan"), "bias": b},
        "whole numbers": {"weight": W.int(), "bias": b.int()},
        "complex": {"weight": W + 0j, "bias": b},
        "no tensors": {"weight": 1, "bias": 2},
        "nothing": {},
        "a list": [W, b],
        "a tensor": W,
        "three dimensions": {"weight": W[None], "bias": b},
        "sparse": {"weight": W.to_sparse(), "bias": b},
        "numbers as names": {0: W, 1: b},
        "a name of 5,000 letters": {"x" * 5000: W, "bias": b, "c": b},
        "expanded to 1.6 GB": {"weight": torch.zeros(1).expand(20_000, 20_000), "bias": b},
    }
    saved = {name: functools.partial(torch.save, odd) for name, odd in dictionaries.items()}
    header = b'{"weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}'
    overflows = header.replace(b"[2,3]", b"[4294967296,4294967296]").ljust(len(header) + 30)
    safe = {
        name: struct.pack("<Q", size) + content
        for name, size, content in (
            ("a header of 2^63 bytes", 2**63, b""),
            ("a header of 1 GB", 10**9, b"{}"),
            ("a list", 2, b"[]"),
            ("no JSON", 2, b"{{"),
            ("nested", 100_000, b"[" * 100_000),
            ("no data", len(header), header),
            ("no bias", len(header), header + bytes(24)),
            ("offsets outside", len(header), header + bytes(4)),
            ("an odd type", len(header), header.replace(b"F32", b"Q99")),
            ("a shape that overflows", len(overflows), overflows),
        )
    }
    data: Files = {"data.csv": csv_of()}
    yield from each(saved | SPECIAL, "odd.pt", prefix="odd.pt, ", files=data)
    safe |= {"no header": b""} | SPECIAL
    yield from each(safe, "odd.safetensors", prefix="odd.safetensors, ", files=data)


# Injection


def limit_time(is_drawn: bool) -> None:
    """In the child: let it take at most CPU_SECONDS; leave figures out unless they matter."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    if not is_drawn:
        children.draw_nothing()


def complaint_about(outcome: children.Outcome, statuses: tuple[int, ...]) -> str:
    """Return a complaint about an outcome, "" if there is none."""
    if complaint := outcome.complaint(statuses):
        return complaint
    if "Warning" in outcome.err or (outcome.status == 0 and outcome.err):
        return f"warnings: {outcome.err[:200]}"
    return ""


def inject(folder: Path, kind: str, files: Files, expected: Expected) -> str:
    """Train on odd data, or evaluate an odd model: refused, or as expected; or a complaint."""
    data, output = folder / "data", folder / "run"
    data.mkdir(parents=True)
    try:
        for name, content in files.items():
            put(data / name, content)
        if kind == MODELS:
            *_, odd = files
            argv = ["d2l_softmax", "evaluate", data / odd, f"--dataset={data / 'data.csv'}"]
        else:
            argv = ["scratch", f"--dataset={data}", f"--output-dir={output}", "--epochs=1"]
        before = functools.partial(limit_time, kind == "custom data, names")
        outcome = children.run(*argv, before=before, kill_after=SECONDS)
        if complaint := complaint_about(outcome, (0,) if expected else (1,)):
            return complaint
        if expected:
            description = json.loads((output / "model.json").read_text(encoding="utf-8"))
            found = description["shape"], description["classes"]
            if found != expected:
                return f"another model: {found}, expected {expected}"[:300]
        return ""
    finally:
        shutil.rmtree(folder, ignore_errors=True)


MODELS = "models from elsewhere"
SOURCES: dict[str, Callable[[], Rows]] = {
    "custom data, CSV": tables,
    "custom data, tables of labels": labels,
    "custom data, .npy and .npz": arrays,
    "custom data, IDX": idx,
    "custom data, Parquet": parquets,
    "custom data, folders of images": folders,
    "custom data, names": names,
    "custom data, cached images": caches,
    MODELS: models,
}


def faults(folder: Path, data_dir: Path) -> Iterator[children.Fault]:
    """Yield the faults."""
    number = itertools.count()
    for kind, rows in SOURCES.items():
        for what, files, expected in rows():
            place = folder / f"{next(number)}"
            yield children.Fault(
                kind, what, functools.partial(inject, place, kind, files, expected)
            )
