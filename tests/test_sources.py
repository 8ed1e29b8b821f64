"""Where the files come from: each source, the order, verification, and what is said on failure."""

import functools
import gzip
import http.server
import os
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
from d2l_softmax.io import locked

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
    assert all(sources.is_genuine(raw / name) for name in NAMES)
    assert not list(raw.glob(".*.part"))


def test_files_in_place_are_used_as_they_are(made_up, files, capsys):
    before = {path: path.stat().st_mtime_ns for path in files.iterdir()}
    assert ensure_fashion_mnist(made_up) == made_up
    assert {path: path.stat().st_mtime_ns for path in files.iterdir()} == before
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("where", [".", "FashionMNIST/raw"])
def test_compressed_files_in_the_data_directory(files, tmp_path, where):
    data_dir = tmp_path / "mine"
    compress(files, data_dir / where)
    assert_complete(ensure_fashion_mnist(data_dir))


def test_plain_files_in_the_data_directory(files, tmp_path):
    data_dir = shutil.copytree(files, tmp_path / "mine")
    assert_complete(ensure_fashion_mnist(data_dir))


def test_system_copy(files, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sources, "SYSTEM_COPY", compress(files, tmp_path / "system"))
    assert_complete(ensure_fashion_mnist(tmp_path / "cache"))
    said = capsys.readouterr().err
    assert str(tmp_path / "cache") in said
    assert "from the system copy" in said


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
    import hashlib

    resources = []
    for name in NAMES:
        content = (folder / f"{name}.gz").read_bytes()
        resources.append((f"{name}.gz", hashlib.md5(content).hexdigest()))
    monkeypatch.setattr(FashionMNIST, "mirrors", [address])
    monkeypatch.setattr(FashionMNIST, "resources", resources)


def test_torchvisions_mirrors(files, tmp_path, monkeypatch, mirror, capsys):
    folder, address = mirror
    use_mirror(monkeypatch, compress(files, folder), address)
    assert_complete(ensure_fashion_mnist(tmp_path / "cache"))
    assert "downloading to" in capsys.readouterr().err


def test_download_that_breaks_off_leaves_nothing_behind(files, tmp_path, monkeypatch, mirror):
    folder, address = mirror
    use_mirror(monkeypatch, compress(files, folder), address)
    broken = folder / f"{NAMES[0]}.gz"
    broken.write_bytes(broken.read_bytes()[:-100])
    with pytest.raises(DataUnavailableError, match=r"torchvision's mirrors: .*corrupted"):
        ensure_fashion_mnist(tmp_path / "cache")
    assert list((tmp_path / "cache" / "FashionMNIST" / "raw").iterdir()) == []


def test_download_of_other_content_is_refused(files, tmp_path, monkeypatch, mirror):
    folder, address = mirror
    compress(files, folder)
    (folder / f"{NAMES[0]}.gz").write_bytes((folder / f"{NAMES[2]}.gz").read_bytes())
    use_mirror(monkeypatch, folder, address)
    with pytest.raises(DataUnavailableError, match="SHA-256"):
        ensure_fashion_mnist(tmp_path / "cache")


def test_debians_package(files, tmp_path, monkeypatch, capsys):
    """Stand-ins for apt-get and dpkg-deb that do what these do, for a package of made-up files."""
    system = compress(files, tmp_path / "package")
    monkeypatch.setattr(sources, "SYSTEM_COPY", sources.Path("/usr/share/datasets/fashion-mnist"))
    monkeypatch.setattr(sources.Path, "is_dir", lambda path: path != sources.SYSTEM_COPY)
    calls, configurations = [], []

    def fake_run(command, *, cwd, **_):
        calls.append([os.path.basename(str(part)) for part in command])
        if command[0] == "apt-get":
            assert command[1:3] == ("-q", "-c")
            configurations.append(command[3].read_text(encoding="utf-8"))
            assert (cwd / "state/lists/partial").is_dir()
            assert (cwd / "cache/archives/partial").is_dir()
            for place in (f'Dir::State "{cwd}/state";', f'Dir::Cache "{cwd}/cache";'):
                assert place in configurations[-1]
        if "download" in command:
            (cwd / "dataset-fashion-mnist_0_all.deb").touch()
        if "-x" in command:
            shutil.copytree(system, command[-1] / "usr/share/datasets/fashion-mnist")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(sources.shutil, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(sources.subprocess, "run", fake_run)
    assert_complete(ensure_fashion_mnist(tmp_path / "cache"))
    configuration, package = "apt.conf", "dataset-fashion-mnist_0_all.deb"
    assert calls == [
        ["apt-get", "-q", "-c", configuration, "update"],
        ["apt-get", "-q", "-c", configuration, "download", "dataset-fashion-mnist"],
        ["dpkg-deb", "-x", package, "files"],
    ]
    for setting in (
        'APT::Sandbox::User "";',
        'Acquire::Retries "1";',
        'Acquire::http::Timeout "30";',
        'Acquire::https::Timeout "30";',
        "#clear APT::Update;",
    ):
        assert setting in configurations[0]
    assert "no root needed" in capsys.readouterr().err


def test_failure_of_apt_is_named(tmp_path, monkeypatch):
    def fake_run(command, **_):
        return subprocess.CompletedProcess(command, 100, "", "W: something\nE: no such package\n")

    monkeypatch.setattr(sources.shutil, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(sources.subprocess, "run", fake_run)
    with pytest.raises(DataUnavailableError, match="apt-get failed: E: no such package"):
        ensure_fashion_mnist(tmp_path / "cache")


def test_a_program_that_never_ends_is_given_up_after_ten_minutes(tmp_path, monkeypatch):
    def fake_run(command, *, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(sources.shutil, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(sources.subprocess, "run", fake_run)
    with pytest.raises(DataUnavailableError, match="apt-get did not finish in 600 s"):
        ensure_fashion_mnist(tmp_path / "cache")


def test_the_last_line_of_a_failed_program_is_named(tmp_path):
    code = "import sys; print('W: first', 'E: last', sep='\\n', file=sys.stderr); sys.exit(3)"
    with pytest.raises(RuntimeError, match=r" failed: E: last$"):
        sources.run_program(sys.executable, "-c", code, cwd=tmp_path)


def test_sources_are_asked_in_the_order_of_what_they_cost(tmp_path, monkeypatch):
    asked = []
    names = ("from_data_dir", "from_system_copy", "from_torchvision", "from_debian")
    for name in reversed(names):
        monkeypatch.setattr(sources, name, lambda raw, missing, name=name: asked.append(name))
    with pytest.raises(DataUnavailableError):
        ensure_fashion_mnist(tmp_path / "cache")
    assert asked == list(names)


def test_a_silent_network_is_given_up_after_half_a_minute(tmp_path, monkeypatch):
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
        assert timeouts == [30]
        assert socket.getdefaulttimeout() == 77  # others' connections are left alone
    finally:
        socket.setdefaulttimeout(before)


def test_failure_names_every_source_and_a_remedy(tmp_path):
    with pytest.raises(DataUnavailableError) as caught:
        ensure_fashion_mnist(tmp_path / "cache")
    message = str(caught.value)
    for part in (
        f"the data directory {tmp_path / 'cache'}: train-images-idx3-ubyte does not exist",
        "no-system-copy: no such directory",
        "torchvision's mirrors: ",
        "Debian's package dataset-fashion-mnist: apt-get is not installed",
        "with data_dir or D2L_SOFTMAX_DATA",
    ):
        assert part in message


def test_damaged_file_is_replaced_and_kept(made_up, files, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sources, "SYSTEM_COPY", compress(files, tmp_path / "system"))
    damaged = files / NAMES[0]
    damaged.write_bytes(b"what was here")
    assert_complete(ensure_fashion_mnist(made_up))
    assert (files / f"{NAMES[0]}.damaged").read_bytes() == b"what was here"
    assert f"{damaged} has the wrong SHA-256" in capsys.readouterr().err


def test_only_what_is_missing_is_fetched(made_up, files, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "SYSTEM_COPY", compress(files, tmp_path / "system"))
    (files / NAMES[1]).unlink()
    before = (files / NAMES[0]).stat().st_mtime_ns
    assert_complete(ensure_fashion_mnist(made_up))
    assert (files / NAMES[0]).stat().st_mtime_ns == before


def test_data_directory_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataUnavailableError, match=r"can't be used: .*with data_dir"):
        ensure_fashion_mnist(tmp_path / "file")


def test_where_the_data_are_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("D2L_SOFTMAX_DATA", str(tmp_path / "chosen"))
    assert sources.default_data_dir() == tmp_path / "chosen"
    for home in ("HOME", "USERPROFILE"):  # the second is Windows's
        monkeypatch.setenv(home, str(tmp_path))
    monkeypatch.setenv("D2L_SOFTMAX_DATA", "~/chosen")
    assert sources.default_data_dir() == tmp_path / "chosen"
    monkeypatch.setenv("D2L_SOFTMAX_DATA", "")
    monkeypatch.setattr(sources.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert sources.default_data_dir() == tmp_path / "d2l_softmax"


def test_damaged_file_that_cannot_be_moved_is_not_used(made_up, files, monkeypatch):
    def refuse(path, target):
        raise PermissionError(13, "Permission denied")

    (files / NAMES[0]).write_bytes(b"damaged")
    monkeypatch.setattr(sources.Path, "rename", refuse)
    with pytest.raises(DataUnavailableError, match="Permission denied"):
        ensure_fashion_mnist(made_up)


def test_damaged_files_are_all_kept(made_up, files, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "SYSTEM_COPY", compress(files, tmp_path / "system"))
    for content in (b"first", b"second"):
        (files / NAMES[0]).write_bytes(content)
        assert_complete(ensure_fashion_mnist(made_up))
    assert (files / f"{NAMES[0]}.damaged").read_bytes() == b"first"
    assert (files / f"{NAMES[0]}.damaged.damaged").read_bytes() == b"second"


def test_broken_download_does_not_hide_a_good_file(files, tmp_path):
    data_dir = tmp_path / "mine"
    compress(files, data_dir)
    raw = data_dir / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / f"{NAMES[0]}.gz").write_bytes((data_dir / f"{NAMES[0]}.gz").read_bytes()[:-50])
    assert_complete(ensure_fashion_mnist(data_dir))


def test_a_good_file_that_has_just_come_is_not_set_aside(made_up):
    """Another process was faster: between the look at a damaged file and its renaming."""
    raw = made_up / "FashionMNIST" / "raw"
    names = [path.name for path in raw.iterdir()]
    sources.from_data_dir(raw, names)
    assert sorted(path.name for path in raw.iterdir()) == sorted(names)


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks of files")
def test_of_several_processes_one_fetches(made_up, monkeypatch):
    """While one fetches, the others wait, and then find all there."""
    raw = made_up / "FashionMNIST" / "raw"
    (name, content) = next((path.name, path.read_bytes()) for path in raw.iterdir())
    (raw / name).unlink()
    monkeypatch.setattr(sources, "fetch", lambda *arguments: pytest.fail("fetched twice"))
    waiting = threading.Thread(target=sources.ensure_fashion_mnist, args=[made_up])
    with locked(raw):
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        (raw / name).write_bytes(content)
    waiting.join(60)
    assert not waiting.is_alive()


def test_of_a_file_that_is_too_large_only_the_beginning_is_read(files, monkeypatch):
    """4 GB of nothing, on the disk or in a .gz, took as much memory."""
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
    assert sources.is_genuine(files / name)
    (files / f"{name}.damaged").unlink()
