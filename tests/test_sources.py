"""Sources of Fashion-MNIST: their order, verification of files, and messages on failure."""

import functools
import gzip
import hashlib
import http.server
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import tracemalloc

import pytest
from torchvision.datasets import FashionMNIST

from d2l_softmax.data import sources
from d2l_softmax.data.sources import SHA256, DataUnavailableError, ensure_fashion_mnist
from d2l_softmax.io import PART, locked

NAMES = list(SHA256)


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    """Leave only the data directory: no system copy, no mirrors, no apt-get."""
    monkeypatch.setattr(sources, "SYSTEM_COPY", tmp_path / "no-system-copy")
    monkeypatch.setattr(FashionMNIST, "mirrors", ["http://127.0.0.1:9/"])
    monkeypatch.setattr(sources.shutil, "which", lambda program: None)


@pytest.fixture
def files(made_up):
    """Return the folder of four made-up files that pass as genuine."""
    return made_up / "FashionMNIST" / "raw"


def compress(folder, into):
    """Write the folder's files as .gz into another one."""
    into.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        (into / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
    return into


def assert_complete(data_dir):
    raw = data_dir / "FashionMNIST" / "raw"
    assert not sources.find_missing(raw)
    assert not list(raw.glob(f".*{PART}"))


def test_files_in_the_data_directory_are_unpacked(files, tmp_path):
    assert_complete(ensure_fashion_mnist(shutil.copytree(files, tmp_path / "plain")))
    for name, where in (("top", "."), ("raw", "FashionMNIST/raw")):
        compress(files, tmp_path / name / where)
        assert_complete(ensure_fashion_mnist(tmp_path / name))


def test_a_damaged_gz_does_not_hide_a_good_file(files, tmp_path):
    raw = tmp_path / "mine" / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    good = compress(files, tmp_path / "mine") / f"{NAMES[0]}.gz"
    (raw / good.name).write_bytes(good.read_bytes()[:-50])
    assert_complete(ensure_fashion_mnist(tmp_path / "mine"))


def test_only_missing_and_damaged_files_are_copied(files, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sources, "SYSTEM_COPY", compress(files, tmp_path / "system"))
    assert_complete(ensure_fashion_mnist(tmp_path / "cache"))
    assert re.search(f"{tmp_path / 'cache'}.* system copy", capsys.readouterr().err)
    (files / NAMES[1]).unlink()
    (files / NAMES[2]).write_bytes(b"damaged")
    before = (files / NAMES[0]).stat().st_mtime_ns
    assert_complete(ensure_fashion_mnist(files.parent.parent))
    assert (files / NAMES[0]).stat().st_mtime_ns == before
    assert sorted(path.name for path in files.glob("[!.]*")) == sorted(NAMES)


# Downloads


@pytest.fixture
def mirror(tmp_path):
    """Serve a folder on localhost; return the folder and its address."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    handler = functools.partial(quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def use_mirror(monkeypatch, folder, address):
    """Make torchvision download from the address, with the MD5 sums of what is there."""
    files = [folder / f"{name}.gz" for name in NAMES]
    resources = [(file.name, hashlib.md5(file.read_bytes()).hexdigest()) for file in files]
    monkeypatch.setattr(FashionMNIST, "mirrors", [address])
    monkeypatch.setattr(FashionMNIST, "resources", resources)


def test_torchvisions_mirrors(files, tmp_path, monkeypatch, mirror, capsys):
    folder, address = mirror
    use_mirror(monkeypatch, compress(files, folder), address)
    assert_complete(ensure_fashion_mnist(tmp_path / "cache"))
    assert "downloading to" in capsys.readouterr().err


@pytest.mark.parametrize(("source", "message"), [(0, "mirrors: .*corrupted"), (2, "SHA-256")])
def test_a_bad_download_is_refused_and_removed(
    source, message, files, tmp_path, monkeypatch, mirror
):
    folder, address = mirror
    first, other = (compress(files, folder) / f"{NAMES[i]}.gz" for i in (0, source))
    content = other.read_bytes()
    first.write_bytes(content)
    use_mirror(monkeypatch, folder, address)
    if source == 0:
        first.write_bytes(content[:-100])
    with pytest.raises(DataUnavailableError, match=message):
        ensure_fashion_mnist(tmp_path / "cache")
    left = (tmp_path / "cache" / "FashionMNIST" / "raw").iterdir()
    assert [path.name for path in left] == [".lock"]


def test_the_network_timeout_is_half_a_minute_and_only_for_the_download(tmp_path, monkeypatch):
    timeouts = []

    def download(folder, download):
        timeouts.append(socket.getdefaulttimeout())
        raise OSError("timed out")

    monkeypatch.setattr("torchvision.datasets.FashionMNIST", download)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(77)
    try:
        with pytest.raises(DataUnavailableError, match="torchvision's mirrors: timed out"):
            ensure_fashion_mnist(tmp_path / "cache")
        assert (timeouts, socket.getdefaulttimeout()) == ([30], 77)
    finally:
        socket.setdefaulttimeout(before)


@pytest.fixture
def programs(monkeypatch):
    """Return a function that replaces what runs apt-get and dpkg-deb."""
    monkeypatch.setattr(sources.shutil, "which", lambda program: f"/usr/bin/{program}")
    return lambda run: monkeypatch.setattr(sources.subprocess, "run", run)


def test_debians_package(files, tmp_path, monkeypatch, programs, capsys):
    """Stand-ins for apt-get and dpkg-deb do what these do, for a package of made-up files."""
    package = compress(files, tmp_path / "package")
    monkeypatch.setattr(sources, "SYSTEM_COPY", sources.Path("/usr/share/datasets/fashion-mnist"))
    monkeypatch.setattr(sources.Path, "is_dir", lambda path: path != sources.SYSTEM_COPY)
    calls = []

    def run(command, *, cwd, **_):
        calls.append([os.path.basename(str(part)) for part in command])
        if command[0] == "apt-get":
            assert {
                f'Dir::State "{cwd}/state";',
                f'Dir::Cache "{cwd}/cache";',
                'APT::Sandbox::User "";',
                'Acquire::Retries "1";',
                'Acquire::http::Timeout "30";',
                'Acquire::https::Timeout "30";',
                "#clear APT::Update;",
            } <= set(command[3].read_text(encoding="utf-8").splitlines())
            assert (cwd / "state/lists/partial").exists()
            assert (cwd / "cache/archives/partial").exists()
        if "download" in command:
            (cwd / "dataset-fashion-mnist_0_all.deb").touch()
        if "-x" in command:
            shutil.copytree(package, command[-1] / "usr/share/datasets/fashion-mnist")
        return subprocess.CompletedProcess(command, 0, "", "")

    programs(run)
    assert_complete(ensure_fashion_mnist(tmp_path / "cache"))
    assert calls == [
        ["apt-get", "-q", "-c", "apt.conf", "update"],
        ["apt-get", "-q", "-c", "apt.conf", "download", "dataset-fashion-mnist"],
        ["dpkg-deb", "-x", "dataset-fashion-mnist_0_all.deb", "files"],
    ]
    assert "no root needed" in capsys.readouterr().err


def test_a_program_that_fails_or_never_ends_is_named(tmp_path, programs):
    def hang(command, *, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    code = "import sys; print('W: first', 'E: last', sep='\\n', file=sys.stderr); sys.exit(3)"
    with pytest.raises(RuntimeError, match=r" failed: E: last$"):
        sources.run_program(sys.executable, "-c", code, cwd=tmp_path)
    programs(hang)
    with pytest.raises(DataUnavailableError, match=r"apt-get .*600 s"):
        ensure_fashion_mnist(tmp_path / "cache")


# Failures


def test_every_source_is_tried_in_order_and_named_with_a_remedy(tmp_path):
    parts = (
        f"{tmp_path / 'cache'}: train-images-idx3-ubyte",
        "no-system-copy: ",
        "torchvision's mirrors: ",
        "Debian's package dataset-fashion-mnist: apt-get",
        "with data_dir or D2L_SOFTMAX_DATA",
    )
    with pytest.raises(DataUnavailableError, match="(?s)" + ".*".join(parts)):
        ensure_fashion_mnist(tmp_path / "cache")


def test_a_data_directory_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataUnavailableError, match=r"can't be used: .*with data_dir"):
        ensure_fashion_mnist(tmp_path / "file")


def test_the_default_data_directory(monkeypatch, tmp_path):
    for home in ("HOME", "USERPROFILE"):  # the second is Windows's
        monkeypatch.setenv(home, str(tmp_path))
    for chosen in (str(tmp_path / "chosen"), "~/chosen"):
        monkeypatch.setenv("D2L_SOFTMAX_DATA", chosen)
        assert sources.default_data_dir() == tmp_path / "chosen"
    monkeypatch.setenv("D2L_SOFTMAX_DATA", "")
    monkeypatch.setattr(sources.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert sources.default_data_dir() == tmp_path / "d2l_softmax"


def test_of_several_processes_one_fetches(made_up, files, monkeypatch):
    """While one fetches, the others wait, and then find all files."""
    content = (files / NAMES[0]).read_bytes()
    (files / NAMES[0]).unlink()
    monkeypatch.setattr(sources, "fetch", lambda *arguments: pytest.fail("fetched twice"))
    waiting = threading.Thread(target=sources.ensure_fashion_mnist, args=[made_up])
    with locked(files):
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        (files / NAMES[0]).write_bytes(content)
    waiting.join(60)
    assert not waiting.is_alive()


def test_of_a_large_file_only_the_beginning_is_read(files, monkeypatch):
    """4 GB of zeros, on the disk or in a .gz, once took as much memory."""
    name = "t10k-labels-idx1-ubyte"
    (files / f"{name}.gz").write_bytes(gzip.compress((files / name).read_bytes()))
    monkeypatch.setattr(sources, "MAX_BYTES", 1_000_000)
    os.truncate(files / name, 4_000_000_000)
    (files.parent.parent / f"{name}.gz").write_bytes(gzip.compress(bytes(100_000_000)))
    tracemalloc.start()
    try:
        ensure_fashion_mnist(files.parent.parent)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert not sources.find_missing(files)
