"""Odd, damaged and hostile custom data: tables, arrays, folders, names, caches, models."""

import functools
import gzip
import importlib.util
import io
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

from . import children

CPU_SECONDS, SECONDS = 20, 100  # other processes may have the cores
LONGEST_LINE = 300
TWO = ["0", "1"]
Write = Callable[[Path], object]  # puts data into an empty folder
Expected = tuple[list[int], list[str]] | None  # shape of an example and classes; None: refused
Rows = Iterator[tuple[str, Write, Expected]]

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)).round(3), np.arange(40) % 2
FEATURES: Expected = ([3], TWO)
EXTREME = {"NaN": np.nan, "infinity": np.inf, "1e308": 1e308, "-1e39": -1e39}
SPECIAL: dict[str, Write] = {
    "a pipe": os.mkfifo,
    "/dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "a folder": Path.mkdir,
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nothing": lambda path: path.symlink_to(path.parent / "nothing"),
    "10 GB of nothing": lambda path: (path.touch(), os.truncate(path, 10_000_000_000)),
    "empty": Path.touch,
    "random bytes": lambda path: path.write_bytes(RNG.bytes(3000)),
    "a picture's header": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000)),
}


def written(name: str, content: bytes | str) -> Write:
    """Return a function that writes a file."""
    data = content.encode() if isinstance(content, str) else content
    return lambda folder: (folder / name).write_bytes(data)


def placed(name: str, place: Write, around: Write = lambda folder: None) -> Write:
    """Return a function that puts something in the place of a file, beside others."""

    def write(folder: Path) -> None:
        around(folder)
        path = folder / name
        path.unlink(missing_ok=True)
        place(path)

    return write


# Tables


def csv_of(
    header: str = "a,b,c,label", rows: list[str] | None = None, end: str = "\n", **cells: str
) -> str:
    """Return a table; `cells` replace lines, r3="…" the third row."""
    rows = (
        [",".join(map(str, (*x, y))) for x, y in zip(X, Y, strict=True)] if rows is None else rows
    )
    for number, line in cells.items():
        rows[int(number[1:])] = line
    return end.join(([header] if header else []) + rows) + end


def tables() -> Rows:
    """Yield CSV files."""
    right = csv_of()
    refused = {
        "ragged": csv_of(r3="1,2,0"),
        "a longer row": csv_of(r3="1,2,3,4,0"),
        "a longer row, text as labels": csv_of(rows=["1,2,3,a", "2,3,4,b"] * 9, r3="1,2,3,b,4"),
        "neither header nor labels": "".join(f"{a},{b},{c}\n" for a, b, c in X),
        "text in a pixel": csv_of(r9="1,black,3,0"),
        "an empty cell": csv_of(r9="1,,3,0"),
        "an empty first cell": csv_of(r0=",1,3,0"),
        "two columns of labels": csv_of("a,b,label,class"),
        "only a header": csv_of(rows=[]),
        "one row": csv_of(rows=["1,2,3,0"]),
        "one class": csv_of(rows=["1,2,3,0"] * 9),
        "labels only": csv_of("label", [str(y) for y in Y]),
        "a gap in quotes": csv_of(r2='"1,2,3,0'),
        "NUL": csv_of(r2="1,\0,3,0"),
        "decimal commas": csv_of("a;b;label", ["1,5;2,5;0", "1,5;2,5;1"] * 9),
        "hexadecimal": csv_of(r7="0x10,1,1,0"),
        "complex": csv_of(r7="1j,1,1,0"),
        "underscores": csv_of(r7="1_000,1,1,0"),
        "a date": csv_of(r0="2026-01-01,1,1,0"),
        "5,000 digits": csv_of(r7="9" * 5000 + ",1,1,0"),
        "5,000 letters": csv_of(r7="x" * 5000 + ",1,1,0"),
        "40 line ends in a cell": csv_of(r7='"' + "x\n" * 40 + '",1,1,0'),
        "escape sequences": csv_of(r7="\x1b[2J,1,1,0"),
        "UTF-16": right.encode("utf-16"),
        "Latin-1": csv_of("größe,b,c,label").encode("latin-1"),
        "gzip": gzip.compress(right.encode()),
        "label 1e999": csv_of(r7="1,1,1,1e999"),
        "label NaN": csv_of(r7="1,1,1,nan"),
        "a label of 0.5": csv_of(r7="1,1,1,0.5"),
        "a header of 100,000 names": csv_of(",".join(f"n{i}" for i in range(100_000))),
        "a header of 2 MB": csv_of("x" * 2_000_000 + ",b,c,label"),
        "a field of 200,000 characters": csv_of("x" * 200_000 + ",b,c,label", rows=[]),
    }
    refused |= {name: csv_of(r7=f"{value},1,1,0") for name, value in EXTREME.items()}
    for name, content in refused.items():
        yield name, written("data.csv", content), None
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
    for name, content in accepted.items():
        yield name, written("data.csv", content), FEATURES
    yield "a class of one row", written("data.csv", csv_of(r7="1,1,1,2")), ([3], ["0", "1", "2"])
    yield (
        "text labels",
        written("d.csv", csv_of(rows=["1,2,3,é", "2,3,4,=1+1"] * 9)),
        (
            [3],
            ["=1+1", "é"],
        ),
    )

    def pair(test: str) -> Write:
        return lambda folder: (
            written("train.csv", right)(folder),
            written("test.csv", test)(folder),
        )

    yield "other columns for testing", pair(csv_of("a,b,label", ["1,2,0"] * 9)), None
    yield "an unknown class for testing", pair(csv_of(r3="1,2,3,7")), None
    yield "test data without labels", pair(csv_of("a,b,c", ["1,2,3"] * 9)), FEATURES
    yield "test data without rows", pair("a,b,c,label\n"), None
    for name, place in SPECIAL.items():
        yield name, placed("data.csv", place), None


def labels() -> Rows:
    """Yield tables of labels beside images."""

    def beside(rows: str | bytes) -> Write:
        def write(folder: Path) -> None:
            (folder / "images").mkdir()
            for i in range(12):
                save_picture(folder / "images" / f"{i}.png", 20 * i)
            written("labels.csv", rows)(folder)

        return write

    rows = [f"{i}.png,{'ab'[i % 2]}" for i in range(12)]
    right = csv_of("file,label", rows)
    yield "right", beside(right), ([1, 6, 8], ["a", "b"])
    yield "BOM and CRLF", beside("\ufeff" + right.replace("\n", "\r\n")), ([1, 6, 8], ["a", "b"])
    wrong = {
        "a missing image": csv_of("file,label", [*rows, "12.png,a"]),
        "a short row": csv_of("file,label", [*rows, "1.png"]),
        "an empty label": csv_of("file,label", [*rows, "1.png,"]),
        "NUL in a name": csv_of("file,label", [*rows, "\0.png,a"]),
        "a name of 5,000 letters": csv_of("file,label", [*rows, "x" * 5000 + ",a"]),
        "a name of 200,000 letters": csv_of("file,label", [*rows, "x" * 200_000 + ",a"]),
        "40 line ends in a name": csv_of("file,label", [*rows, '"' + "x\n" * 40 + '",a']),
        "an absolute path": csv_of("file,label", [*rows, "/etc/passwd,a"]),
        "a path upwards": csv_of("file,label", [*rows, "../../../etc/passwd,a"]),
        "a folder": csv_of("file,label", [*rows, ".,a"]),
        "one class": csv_of("file,label", [row[:-1] + "a" for row in rows]),
        "only a header": "file,label\n",
        "two columns of labels": csv_of("file,label,class", [f"{row},a" for row in rows]),
        "UTF-16": right.encode("utf-16"),
    }
    for name, content in wrong.items():
        yield name, beside(content), None
    for name, place in SPECIAL.items():
        yield name, placed("labels.csv", place, beside(right)), None


# Arrays


def npz_of(**arrays: np.ndarray) -> bytes:
    """Return a .npz file; Python objects are pickled."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def zip_of(compression: int = zipfile.ZIP_DEFLATED, **members: bytes) -> bytes:
    """Return an archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def npy_of(array: np.ndarray) -> bytes:
    """Return a .npy file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def header_of(text: str, version: int = 1, length: int | None = None) -> bytes:
    """Return a .npy file with this header and no data."""
    size = struct.pack("<H" if version == 1 else "<I", len(text) if length is None else length)
    return b"\x93NUMPY" + bytes([version, 0]) + size + text.encode()


def claim(shape: str, descr: str = "'<f8'") -> str:
    """Return the text of a .npy header with this shape and type."""
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n"


def bomb(folder: Path) -> None:
    """Write three members of 0.9 GB of zeros."""
    header = header_of(claim("(112500000, 1)"))
    with zipfile.ZipFile(
        folder / "data.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1
    ) as archive:
        for name in ("X", "y", "other"):
            with archive.open(f"{name}.npy", "w") as member:
                member.write(header)
                for _ in range(90):
                    member.write(bytes(10_000_000))


HEADERS = {
    "9,000 brackets": header_of("(" * 9000),
    "3,000 additions": header_of(claim("(" + "1+" * 3000 + "1,)")),
    "a program": header_of(claim("(__import__('os').system('touch harmed'),)")),
    "a chain of attributes": header_of("a" + ".b" * 3000),
    "5,000 digits": header_of(claim("(" + "9" * 5000 + ",)")),
    "a shape that overflows": header_of(claim("(4294967296, 4294967296)")),
    "a negative shape": header_of(claim("(-1, 3)")),
    "a shape of 40 dimensions": header_of(claim(str((1,) * 40))),
    "a shape of text": header_of(claim("('a', 3)")),
    "no shape": header_of("{'descr': '<f8'}\n"),
    "a list": header_of("[1, 2]\n"),
    "a header of 4 GB": header_of(claim("(3,)"), 2, 4_000_000_000),
    "version 9": header_of(claim("(3,)"), 9),
    "Python objects": npy_of(np.array([{}] * 40, dtype=object)),
    "an odd type": header_of(claim("(3,)", "'<q99'")),
    "a type of 2 GB": header_of(claim("(40, 1)", "'<U536870912'")),
    "1 TB claimed": header_of(claim("(125000000000, 1)")),
    "no data": header_of(claim("(40, 3)")),
    "structured": npy_of(np.zeros((40, 3), [("a", "f8")])),
    "dates": npy_of(np.zeros((40, 3), "M8[s]")),
    "complex": npy_of(X.astype(complex)),
    "text": npy_of(X.astype(str)),
    "a number": npy_of(np.array(1.0)),
    "no examples": npy_of(X[:0]),
    "no features": npy_of(X[:, :0]),
    "five dimensions": npy_of(np.zeros((40, 2, 2, 2, 2))),
    "other counts": npy_of(X[:39]),
}
HEADERS |= {
    name: npy_of(np.where(np.arange(120).reshape(40, 3) == 8, value, X))
    for name, value in EXTREME.items()
}
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

    def npy(x: bytes, y: bytes) -> Write:
        return lambda folder: (written("X.npy", x)(folder), written("y.npy", y)(folder))

    for name, content in HEADERS.items():
        yield f"npy, {name}", npy(content, y), None
        yield f"npz, {name}", written("data.npz", zip_of(X=content, y=y)), None
    for name, array in LABELS.items():
        yield f"npz, labels {name}", written("data.npz", npz_of(X=X, y=array)), None
    for name, array in RIGHT_ARRAYS.items():
        yield f"npy, {name}", npy(npy_of(array), y), FEATURES
        yield f"npz, {name}", written("data.npz", npz_of(X=array, y=Y)), FEATURES
    for name, place in SPECIAL.items():
        yield f"npy, {name}", placed("X.npy", place, npy(x, y)), None
        yield f"npz, {name}", placed("data.npz", place), None
    right = npz_of(X=X, y=Y)
    odd = {
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
    }
    for name, content in odd.items():
        yield f"npz, {name}", written("data.npz", content), None
    yield "npz, a bomb", bomb, None


def idx_of(array: np.ndarray, code: int = 8, shape: tuple[int, ...] | None = None) -> bytes:
    """Return an IDX file of an array; `shape` replaces the shape in its header."""
    shape = array.shape if shape is None else shape
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape) + array.tobytes()


def idx() -> Rows:
    """Yield IDX files."""
    images, y = RNG.integers(0, 256, (40, 6, 8)).astype(np.uint8), Y.astype(np.uint8)
    most = 4_294_967_295
    odd = {
        "an unknown type": idx_of(images, 10),
        "no dimensions": idx_of(images, 8, ()),
        "255 dimensions": idx_of(images, 8, (1,) * 255),
        "more claimed": idx_of(images, 8, (41, 6, 8)),
        "less claimed": idx_of(images, 8, (39, 6, 8)),
        "dimensions of 4,294,967,295": idx_of(images, 8, (most,) * 3),
        "no images": idx_of(images[:0]),
        "no pixels": idx_of(images[:, :0]),
        "39 images": idx_of(images[:39]),
        "another beginning": b"\1\2\3\4" + idx_of(images)[4:],
        "three bytes": b"\0\0\x08",
    }

    def pair(x: bytes, suffix: str = "", labels: bytes = idx_of(y)) -> Write:
        return lambda folder: (
            written(f"train-images-idx3-ubyte{suffix}", x)(folder),
            written("train-labels-idx1-ubyte", labels)(folder),
        )

    zipped = gzip.compress(idx_of(images))
    yield "right, gzip", pair(zipped, ".gz"), ([1, 6, 8], TWO)
    for name, content in odd.items():
        yield name, pair(content), None
        yield f"{name}, gzip", pair(gzip.compress(content), ".gz"), None
    yield "gzip, cut", pair(zipped[:-9], ".gz"), None
    yield "gzip, a wrong checksum", pair(zipped[:-8] + bytes(8), ".gz"), None
    yield "no gzip", pair(idx_of(images), ".gz"), None
    yield "labels of two dimensions", pair(idx_of(images), "", idx_of(images[0])), None
    zeros = zlib.compressobj(1, wbits=31)
    # 2.5 GB of zeros: a block of deflate that is repeated
    head = zeros.compress(idx_of(images)) + zeros.flush(zlib.Z_FULL_FLUSH)
    block = zeros.compress(bytes(10_000_000)) + zeros.flush(zlib.Z_FULL_FLUSH)
    yield "a bomb of gzip", pair(head + block * 250, ".gz"), None
    for name, place in SPECIAL.items():
        for file in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
            yield f"{file}, {name}", placed(file, place, pair(idx_of(images))), None


def parquets() -> Rows:
    """Yield Parquet files, if pyarrow is installed."""
    if not importlib.util.find_spec("pyarrow"):
        return
    import pyarrow as pa
    from pyarrow import parquet

    def table(metadata: bytes = b"", **columns: object) -> bytes:
        file, content = io.BytesIO(), pa.table(columns)
        if metadata:
            content = content.replace_schema_metadata({"huggingface": metadata})
        parquet.write_table(content, file)
        return file.getvalue()

    y, a = [*map(int, Y)], [*X[:, 0]]
    png = picture()
    right = table(a=a, b=a, c=a, label=y)
    yield "right", written("data.parquet", right), FEATURES
    yield "images", written("data.parquet", table(image=[png] * 40, label=y)), ([1, 6, 8], TWO)
    odd = {
        "no images": table(label=y),
        "no labels": table(a=a, b=a),
        "no rows": table(a=pa.array([], pa.float64()), label=pa.array([], pa.int64())),
        "null in the labels": table(a=a, label=[None, *y[1:]]),
        "null in a feature": table(a=[None, *a[1:]], label=y),
        "null as an image": table(image=[None, *[png] * 39], label=y),
        "text as a feature": table(a=["x"] * 40, b=a, label=y),
        "lists of several lengths": table(x=[[1.0] * (1 + i % 2) for i in y], label=y),
        "null as a list": table(x=[None, *[[1.0, 2.0]] * 39], label=y),
        "lists of text": table(x=[["a"]] * 40, label=y),
        "empty lists": table(x=[[]] * 40, label=y),
        "bytes that are no image": table(image=[b"x"] * 40, label=y),
        "an image of 900 megapixels": table(image=[*[png] * 39, claimed_png(30_000)], label=y),
        "structs": table(x=[{"a": 1}] * 40, label=y),
        "maps": table(x=pa.array([[("a", 1)]] * 40, pa.map_(pa.string(), pa.int64())), label=y),
        "lists as labels": table(a=a, label=[[1]] * 40),
        "metadata that are no JSON": table(b"{", a=a, label=y),
        "metadata that are a list": table(b"[1]", x=[[1.0]] * 40, label=y),
        "too few names": table(
            json.dumps({"info": {"features": {"label": {"names": ["a"]}}}}).encode(),
            x=[[1.0]] * 40,
            label=y,
        ),
        "NaN": table(a=[np.nan, *a[1:]], label=y),
        "cut": right[:-100],
        "a footer of 2 GB": right[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1",
    }
    for name, content in odd.items():
        expected = ([1], TWO) if name == "metadata that are no JSON" else None
        yield name, written("data.parquet", content), expected
    for name, place in SPECIAL.items():
        yield name, placed("data.parquet", place), None


# Images and names


def save_picture(path: Path, shade: int = 100, mode: str = "L", size: tuple = (8, 6)) -> None:
    """Write an image of one shade."""
    Image.new("L", size, shade).convert(mode).save(path, path.suffix[1:] or "png")


def picture() -> bytes:
    """Return a PNG file."""
    file = io.BytesIO()
    Image.new("L", (8, 6), 100).save(file, "png")
    return file.getvalue()


def claimed_png(side: int) -> bytes:
    """Return a PNG file whose header claims `side` × `side` pixels."""
    content = picture()
    header = b"IHDR" + struct.pack(">II", side, side) + content[24:29]
    return content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]


def classes(folder: Path, names: tuple[str | bytes, ...] = ("a", "b"), number: int = 6) -> None:
    """Write folders of images."""
    for k, name in enumerate(names):
        path = folder / os.fsdecode(name)
        path.mkdir(parents=True)
        for i in range(number):
            save_picture(path / f"{i}.png", 100 * k + i)


IMAGES: Expected = ([1, 6, 8], ["a", "b"])


def folders() -> Rows:
    """Yield folders of images, with something odd among them."""
    for name, place in SPECIAL.items():
        is_file = name not in ("a pipe", "/dev/zero", "a folder", "a link to itself")
        is_file = is_file and name != "a link to nothing"
        yield name, placed("a/odd.png", place, classes), None if is_file else IMAGES
    png = picture()
    for name, content in {
        "an image, cut": png[:-30],
        "an image without pixels": png[:33],
        "a text": b"hello",
        "900 megapixels": claimed_png(30_000),
        "no width": claimed_png(0),
        "4 gigapixels": claimed_png(65_535),
        "2,147,483,647 pixels a side": claimed_png(2**31 - 1),
        "a wrong checksum": png.replace(b"IDAT", b"IDAT\0"),
        "SVG as PNG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "PostScript": b"%!PS\n(harmed) run",
    }.items():
        yield (
            name,
            placed("a/odd.png", functools.partial(Path.write_bytes, data=content), classes),
            (None),
        )
    for mode in ("1", "I;16", "LA", "P", "RGB", "RGBA"):
        image = functools.partial(save_picture, mode=mode)
        channels = 3 if mode in ("P", "RGB", "RGBA") else 1
        yield f"mode {mode}", placed("a/odd.png", image, classes), ([channels, 6, 8], ["a", "b"])
    thin = functools.partial(save_picture, size=(5000, 1))
    yield "another size", placed("a/odd.png", thin, classes), ([1, 28, 28], ["a", "b"])
    one_class: Write = functools.partial(classes, names=("a",))
    yield "one class", one_class, None
    yield (
        "a class of one image",
        placed("c/x.png", lambda p: (p.parent.mkdir(), save_picture(p)), classes),
        ([1, 6, 8], ["a", "b", "c"]),
    )
    yield "an image a class", functools.partial(classes, number=1), None
    yield "nothing", lambda folder: None, None
    yield "empty folders", lambda folder: [(folder / n).mkdir() for n in "ab"], None

    def with_links(folder: Path) -> None:
        classes(folder)
        (folder / "a" / "up").symlink_to(folder)
        (folder / "b" / "self").symlink_to(folder / "b")
        (folder / "b" / "proc").symlink_to("/proc")
        (folder / "c").symlink_to(folder)
        (folder / "d").symlink_to("d")

    yield "links in circles", with_links, IMAGES

    def with_splits(*splits: str) -> Write:
        return lambda folder: [classes(folder / each) for each in splits]

    yield "two folders for training", with_splits("train", "Training"), None
    yield "no folder for training", with_splits("test"), None
    unknown = placed("test/c/x.png", lambda p: (p.parent.mkdir(parents=True), save_picture(p)))
    yield (
        "an unknown class for testing",
        lambda folder: (
            with_splits("train")(folder),
            unknown(folder),
        ),
        None,
    )
    deep = functools.partial(classes, names=("a/" + "x/" * 300, "b"))
    yield "300 folders deep", deep, IMAGES


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
        expected = sorted(map(os.fsdecode, some))
        yield f"folders, {name}", functools.partial(classes, names=some), ([1, 6, 8], expected)
    right = csv_of()

    def named(content: bytes | str) -> Write:
        return lambda folder: (
            written("data.csv", right)(folder),
            written("classes.txt", content)(folder),
        )

    for name, content in {
        "too few": "a\n",
        "twice the same": "a\na\n",
        "an empty line": "\na\nb\n",
        "UTF-16": "a\nb\n".encode("utf-16"),
        "no UTF-8": b"caf\xe9\nb\n",
    }.items():
        yield f"classes.txt, {name}", named(content), None
    yield "classes.txt, NUL", named("a\0b\nc\n"), ([3], ["a\0b", "c"])
    yield (
        "classes.txt, 100,000 letters",
        named("x" * 100_000 + "\nc\n"),
        ([3], ["x" * 100_000, "c"]),
    )
    for name, place in SPECIAL.items():
        if name not in ("empty", "a link to nothing"):
            yield f"classes.txt, {name}", placed("classes.txt", place, named("a\nb\n")), None


def caches() -> Rows:
    """Yield folders of images whose cached arrays are odd; they are made again, or not used."""
    for name, place in SPECIAL.items():
        yield name, placed(".d2l_softmax", place, classes), IMAGES
    contents = ["", "[]", "7", "null", "[" * 100_000, '{"files": 1}', '{"files": {}, "note": ""}']
    contents += [
        '{"files": {"../../a/0.png": [1, 2]}, "note": ""}',
        '{"files": {}, "note": 7}',
        "\0",
    ]
    for content in contents:
        write = functools.partial(Path.write_text, data=content)
        yield f"index {content[:20]}", cached(write, "index.json"), IMAGES
    for name, place in SPECIAL.items():
        yield f"index, {name}", cached(place, "index.json"), IMAGES
        yield f"arrays, {name}", cached(place, "train_images.npy"), IMAGES


def cached(place: Write, name: str) -> Write:
    """Return a function that writes images, caches them, and replaces a cached file."""
    from d2l_softmax.data.custom import find_dataset

    def write(folder: Path) -> None:
        classes(folder)
        find_dataset(folder, [])
        (directory,) = (folder / ".d2l_softmax").glob("as-they-are-*")
        placed(name, place)(directory)

    return write


# Models


def models() -> Iterator[tuple[str, Callable[[Path], object]]]:
    """Yield state_dicts and .safetensors files that don't fit three features and two classes."""
    W, b = torch.zeros(2, 3), torch.zeros(2)
    dictionaries: dict[str, object] = {
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
    for name, content in dictionaries.items():
        yield f"odd.pt, {name}", functools.partial(torch.save, content)
    header = '{"weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}'
    texts = {
        "a header of 2^63 bytes": struct.pack("<Q", 2**63),
        "a header of 1 GB": struct.pack("<Q", 10**9) + b"{}",
        "no header": b"",
        "a list": struct.pack("<Q", 2) + b"[]",
        "no JSON": struct.pack("<Q", 2) + b"{{",
        "nested": struct.pack("<Q", 100_000) + b"[" * 100_000,
        "no data": struct.pack("<Q", len(header)) + header.encode(),
        "no bias": struct.pack("<Q", len(header)) + header.encode() + bytes(24),
        "offsets outside": struct.pack("<Q", len(header)) + header.encode() + bytes(4),
        "an odd type": struct.pack("<Q", len(header)) + header.replace("F32", "Q99").encode(),
        "a shape that overflows": struct.pack("<Q", len(header) + 30)
        + header.replace("[2,3]", "[4294967296,4294967296]").ljust(len(header) + 30).encode(),
    }
    for name, data in texts.items():
        yield f"odd.safetensors, {name}", functools.partial(write_bytes, data)
    for name, place in SPECIAL.items():
        for suffix in ("pt", "safetensors"):
            yield f"odd.{suffix}, {name}", place


def write_bytes(content: bytes, path: Path) -> None:
    """Write a file."""
    path.write_bytes(content)


# Injection


def limit_time() -> None:
    """In the child: let it take at most CPU_SECONDS."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def limit_time_draw_nothing() -> None:
    """In the child: the same, and leave figures and report out."""
    limit_time()
    children.draw_nothing()


def complaint_about(outcome: children.Outcome, statuses: tuple[int, ...]) -> str:
    """Return a complaint about an outcome, "" if there is none."""
    if complaint := outcome.complaint(statuses):
        return complaint
    if outcome.status == 0 and outcome.err:
        return f"warnings: {outcome.err[:200]}"
    if "Warning" in outcome.err:
        return f"warning: {outcome.err[:200]}"
    longest = max(map(len, outcome.err.splitlines()), default=0)
    if longest > LONGEST_LINE + len("python -m d2l_softmax evaluate: error: "):
        return f"a line of {longest} characters"
    return "a program was run" if Path("harmed").exists() else ""


def train(folder: Path, write: Write, expected: Expected, is_drawn: bool) -> str:
    """Train on odd data: refused, or a model of the right shape and classes; or a complaint."""
    shutil.rmtree(folder, ignore_errors=True)
    data, output = folder / "data", folder / "run"
    data.mkdir(parents=True)
    write(data)
    argv = [f"--dataset={data}", f"--output-dir={output}", "--epochs=1"]
    before = limit_time if is_drawn else limit_time_draw_nothing
    outcome = children.run("scratch", *argv, before=before, kill_after=SECONDS)
    try:
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


def evaluate(folder: Path, name: str, place: Callable[[Path], object]) -> str:
    """Evaluate an odd model; return a complaint unless it is refused."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    written("data.csv", csv_of())(folder)
    place(folder / name)
    argv = ["evaluate", folder / name, f"--dataset={folder / 'data.csv'}"]
    outcome = children.run("d2l_softmax", *argv, before=limit_time, kill_after=SECONDS)
    shutil.rmtree(folder, ignore_errors=True)
    return complaint_about(outcome, (1,))


SOURCES: dict[str, Callable[[], Rows]] = {
    "custom data, CSV": tables,
    "custom data, tables of labels": labels,
    "custom data, .npy and .npz": arrays,
    "custom data, IDX": idx,
    "custom data, Parquet": parquets,
    "custom data, folders of images": folders,
    "custom data, names": names,
    "custom data, cached images": caches,
}


def faults(folder: Path, data_dir: Path) -> Iterator[children.Fault]:
    """Yield the faults."""
    number = 0
    for kind, rows in SOURCES.items():
        for what, write, expected in rows():
            number += 1
            inject = functools.partial(
                train, folder / f"{number}", write, expected, kind == "custom data, names"
            )
            yield children.Fault(kind, what, inject)
    for what, place in models():
        number += 1
        inject = functools.partial(evaluate, folder / f"{number}", what.split(",")[0], place)
        yield children.Fault("models from elsewhere", what, inject)
