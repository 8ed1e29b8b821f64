"""Hostile and damaged custom data: refused in one line, with little memory, and never executed.

Test data that are only odd are in test_formats.py, test_folders.py and test_odd_data.py.
"""

import gzip
import os
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from conftest import write_grays, write_idx

from d2l_softmax import load_data, load_model
from d2l_softmax.data import idx, npy
from d2l_softmax.errors import DatasetError, UserError

MOST_MEMORY = 50_000_000  # bytes
X, Y = np.random.default_rng(0).normal(size=(40, 3)).round(3), np.arange(40) % 2
ROWS = "".join(f"{a},{b},{c},{y}\n" for (a, b, c), y in zip(X, Y, strict=True))


@pytest.fixture(autouse=True)
def little_memory(tmp_path, monkeypatch):
    """Lower the limits of compressed arrays; check the peak of memory, and that nothing ran."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(npy, "LARGE", 1_000)
    monkeypatch.setattr(idx, "LARGE", 1_000_000)
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MOST_MEMORY
    assert not (tmp_path / "harmed").exists()


def header_of(shape, descr="'<f8'"):
    """Return a .npy file that claims a shape and a type, without data."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode()


def idx_header(*shape):
    """Return the beginning of an IDX file of bytes."""
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)


def zeros(path):
    """Write 10 GB of zeros, which take no space."""
    path.touch()
    os.truncate(path, 10_000_000_000)


def members(path):
    """Write three arrays, each of which is below the limit."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("X", "y", "other"):
            archive.writestr(f"{name}.npy", header_of("(50, 1)") + bytes(400))


def inflating(header):
    """Return a gzip file of a header and 100 MB of zeros."""
    packer = zlib.compressobj(9, wbits=31)
    content = packer.compress(header)
    return content + b"".join(packer.compress(bytes(10**6)) for _ in range(100)) + packer.flush()


def png_of_size(side):
    """Return a PNG file that claims side × side pixels."""
    chunks = (
        b"IHDR" + struct.pack(">2I5B", side, side, 8, 0, 0, 0, 0),
        b"IDAT" + zlib.compress(b""),
    )
    parts = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


GZ = "train-images-idx3-ubyte.gz"
FILES = {  # a name, the content or a function that writes it, and part of the message
    "CSV, a longer row": ("d.csv", "a,b,c,label\n1,2,3,4,0\n" + ROWS, "cells in line 2 is 5"),
    "CSV, a longer row below": (
        "d.csv",
        "a,b,c,label\n" + ROWS + "1,2,3,4,0\n",
        "cells in line 42 is 5",
    ),
    "CSV, many columns": ("d.csv", ",".join(f"n{i}" for i in range(20_000)), "no rows"),
    "CSV, a name of 2 MB": ("d.csv", "x" * 2_000_000 + ",label\n1,0\n2,1\n", "d.csv"),
    "CSV, 10 GB": ("d.csv", zeros, "10,000,000,000 bytes"),
    "CSV, Latin-1": ("d.csv", ("a,b,ü,label\n" + ROWS).encode("latin-1"), "not UTF-8"),
    "CSV, a number of 5,000 digits": ("d.csv", "a,label\n" + "9" * 5000 + ",0\n2,1\n", "d.csv"),
    "npz, 10 GB": ("d.npz", zeros, "damaged"),
    "npz, in all too large": ("d.npz", members, "need more than"),
    "npy, 10 GB": ("X.npy", zeros, "damaged"),
    "npy, a terabyte": ("X.npy", header_of("(125000000000, 1)"), "damaged"),
    "npy, a program": ("X.npy", header_of("(__import__('os').mkdir('harmed'),)"), "damaged"),
    "npy, brackets": ("X.npy", header_of("(" * 9_000), "damaged"),
    "npy, a type of 2 GB": ("X.npy", header_of("(40, 1)", "'<U536870912'"), "damaged"),
    "IDX, 10 GB": (GZ[:-3], zeros, "damaged"),
    "IDX, empty": (GZ[:-3], "", "damaged"),
    "IDX, cut in the header": (GZ[:-3], idx_header(2, 2, 2)[:6], "damaged"),
    "IDX, an unknown type": (GZ[:-3], b"\0\0\x0a\3" + bytes(16), "it begins with 00000a03"),
    "IDX, cut": (GZ[:-3], idx_header(2, 2, 2) + bytes(7), r"7 bytes .*\(2, 2, 2\)"),
    "IDX, cut, .gz": (GZ, gzip.compress(idx_header(2, 2, 2) + bytes(7)), "7 bytes"),
    "IDX, longer": (GZ[:-3], idx_header(2, 2, 2) + bytes(9), "9 bytes"),
    "IDX, longer, .gz": (GZ, gzip.compress(idx_header(2, 2, 2) + bytes(9)), "9 bytes"),
    "IDX, 255 dimensions": (GZ[:-3], idx_header(*(1,) * 255) + b"\1", "damaged|dimensions"),
    "IDX, more than there is": (GZ[:-3], idx_header(*(2**32 - 1,) * 3), "damaged"),
    "IDX, a bomb": (GZ, inflating(idx_header(2, 2, 2)), "damaged"),
    "IDX, a bomb that claims it": (GZ, inflating(idx_header(10**8, 1, 1)), "decompress it"),
    "an image of no pixels": ("a/odd.png", png_of_size(0), "odd.png: "),
    "an image of 81 megapixels": ("a/odd.png", png_of_size(9_000), "9,000 by 9,000 pixels"),
    "an image of 4 gigapixels": ("a/odd.png", png_of_size(65_535), "odd.png: .*exceeds limit"),
    "PostScript as an image": (
        *("a/odd.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(harmed) (w) file\n"),
        "odd.png: not a picture",
    ),
    "names, 10 GB": ("classes.txt", zeros, "10,000,000,000 bytes"),
    "Parquet, cut": ("d.parquet", b"PAR1" + bytes(100), "d.parquet"),
    "Parquet, 10 GB": ("d.parquet", zeros, "10,000,000,000 bytes"),
}


def write_companions(path):
    """Write the files that a data set has besides this one."""
    if path.name in ("X.npy", "classes.txt"):
        np.save("y.npy", Y)
    if path.name == "classes.txt":
        np.save("X.npy", X)
    if "idx" in path.name:
        write_idx(path.parent / "train-labels-idx1-ubyte", np.array([0, 1]))
    if path.suffix == ".png":
        write_grays(path.parents[1] / "a", 0)
        write_grays(path.parents[1] / "b", 50)
    if path.name == "labels.csv":
        write_grays(path.parent / "images", 0)


@pytest.mark.parametrize("name", FILES)
def test_files(name, tmp_path):
    file, content, expected = FILES[name]
    if file == "d.parquet":
        pytest.importorskip("pyarrow")
    write_companions(tmp_path / file)
    if callable(content):
        content(tmp_path / file)
    else:
        (tmp_path / file).write_bytes(content.encode() if isinstance(content, str) else content)
    tracemalloc.reset_peak()
    with pytest.raises(DatasetError, match=rf"\A.*{expected}.*\Z") as caught:
        load_data(tmp_path, 8)
    assert len(str(caught.value)) < 300 + len(str(tmp_path))


@pytest.mark.parametrize("row", ["9.png,a", "1.png,", "/etc/passwd,a", "../../../etc/passwd,a"])
def test_rows_of_a_table_of_labels(row, tmp_path):
    write_grays(tmp_path / "images", 0, 6)
    rows = ["file,label", *(f"{i}.png,{'ab'[i % 2]}" for i in range(6)), row]
    (tmp_path / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    with pytest.raises(DatasetError, match=r"\A.*(labels\.csv|passwd).*\Z"):
        load_data(tmp_path, 8)


COLUMNS = {
    "null": [None, *[1.0] * 39],
    "NaN": [np.nan, *[1.0] * 39],
    "infinity": [*[1.0] * 39, np.inf],
    "structs": [{"a": 1}] * 40,
    "bytes that are no image": [b"x"] * 40,
    "an image of 900 megapixels": [png_of_size(30_000)] * 40,
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_parquet(name, tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pa.table({"x": COLUMNS[name], "label": [*map(int, Y)]}), "d.parquet")
    with pytest.raises(ValueError, match=r"\A.*d\.parquet.*\Z"):
        list(load_data(tmp_path, 8)[0])


WEIGHT = b'{"weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}'
SAFETENSORS = {  # the claimed length of the header, and what follows
    "a header of 2^63 bytes": (2**63, b""),
    "a header of 1 GB": (10**9, b"{}"),
    "a list": (2, b"[]"),
    "no JSON": (2, b"{{"),
    "nested": (100_000, b"[" * 100_000),
    "no data": (len(WEIGHT), WEIGHT),
    "no bias": (len(WEIGHT), WEIGHT + bytes(24)),
    "an odd type": (len(WEIGHT), WEIGHT.replace(b"F32", b"Q99") + bytes(24)),
}


@pytest.mark.parametrize("name", [*SAFETENSORS, "10 GB of zeros"])
def test_safetensors(name, tmp_path):
    pytest.importorskip("safetensors")
    path = tmp_path / "model.safetensors"
    if name in SAFETENSORS:
        length, content = SAFETENSORS[name]
        path.write_bytes(struct.pack("<Q", length) + content)
    else:
        zeros(path)
    with pytest.raises(UserError, match=r"\A.*model\.safetensors.*\Z"):
        load_model(path)


PLACES = {
    "a pipe": lambda path: os.mkfifo(path),
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path),
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("file", ["d.csv", "d.npz", "X.npy", GZ[:-3], "labels.csv", "classes.txt"])
def test_what_is_no_file_is_not_opened(file, place, tmp_path):
    write_companions(tmp_path / file)
    place(tmp_path / file)
    with pytest.raises(DatasetError, match=r"\A.*\Z"):
        load_data(tmp_path, 8)
