"""One writer, many readers, in threads and processes; disks that are full or must not be written."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from egma.errors import LibraryError
from egma.index import IndexPolicy, ReportIndex
from tests.conftest import REPOSITORY
from tests.index.conftest import unit_vectors


def run_python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )


def ids_of(hits) -> list[str]:
    return [hit.id for hit in hits]


def test_a_second_writer_is_told_in_one_sentence_and_may_search(tmp_path: Path) -> None:
    vectors = unit_vectors(3)
    with ReportIndex.open(tmp_path) as first, ReportIndex.open(tmp_path) as second:
        first.add(["a"], vectors[:1])
        for write in (
            lambda: second.add(["b"], vectors[1:2]),
            lambda: second.delete(["a"]),
            second.compact,
            second.catch_up,
        ):
            with pytest.raises(LibraryError, match="being written by another"):
                write()
        assert ids_of(second.search(vectors[0], 1)) == ["a"]
        first.add(["c"], vectors[2:])
        assert ids_of(second.search(vectors[2], 1)) == ["c"]
        first.close()
        second.add(["b"], vectors[1:2])
        assert len(second) == 3


def test_another_process_reads_while_this_one_writes_and_may_not_write(tmp_path: Path) -> None:
    vectors = unit_vectors(2)
    code = """
import sys, numpy as np
from egma.index import ReportIndex
from egma.errors import LibraryError
index = ReportIndex.open(sys.argv[1], create=False)
print([hit.id for hit in index.search(np.eye(16)[0], 5)], len(index))
try:
    index.delete(["a"])
except LibraryError as error:
    print("refused:", error)
"""
    with ReportIndex.open(tmp_path) as index:
        index.add(["a", "b"], vectors)
        done = run_python(code, tmp_path)
        lines = done.stdout.splitlines()
        assert sorted(eval(lines[0].rpartition(" ")[0])) == ["a", "b"], done.stderr
        assert lines[1].startswith("refused:") and "being written" in lines[1]
        assert len(index) == 2
    done = run_python(code, tmp_path)
    assert "refused" not in done.stdout and done.returncode == 0
    with ReportIndex.open(tmp_path) as index:
        assert list(index) == ["b"]


def test_readers_see_whole_additions_while_a_writer_works(tmp_path: Path) -> None:
    vectors = unit_vectors(400)
    wrong: list[str] = []
    stop = threading.Event()

    def read(index: ReportIndex) -> None:
        while not stop.is_set():
            count = len(index)
            if count % 20:
                wrong.append(f"{count} records")
            for hit in index.search(vectors[7], 5):
                row = int(hit.id[1:])
                if abs(hit.score - float(vectors[row] @ vectors[7])) > 1e-5 or hit.text != f"Report {row}.":
                    wrong.append(hit.id)

    with ReportIndex.open(tmp_path) as writer, ReportIndex.open(tmp_path) as reader:
        threads = [threading.Thread(target=read, args=(index,)) for index in (writer, reader, reader)]
        for thread in threads:
            thread.start()
        for start in range(0, 400, 20):
            rows = range(start, start + 20)
            writer.add([f"r{row}" for row in rows], vectors[start : start + 20], [f"Report {row}." for row in rows])
        writer.compact()
        stop.set()
        for thread in threads:
            thread.join()
        assert wrong == [] and len(reader) == 400


def test_many_threads_may_write_through_one_object(tmp_path: Path) -> None:
    vectors = unit_vectors(80)
    with ReportIndex.open(tmp_path) as index:
        threads = [
            threading.Thread(target=index.add, args=([f"r{row}"], vectors[row : row + 1], [f"Report {row}."]))
            for row in range(80)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(index) == 80 and ids_of(index.search(vectors[79], 1)) == ["r79"]


def test_a_compaction_and_the_upkeep_in_the_background_do_not_wait_for_each_other(tmp_path: Path) -> None:
    vectors = unit_vectors(300)
    with ReportIndex.open(tmp_path, policy=IndexPolicy(flat_up_to=50, least_rows=5)) as index:
        for start in range(0, 300, 10):
            index.add([f"r{row}" for row in range(start, start + 10)], vectors[start : start + 10])
            if start % 50 == 0:
                index.compact()
        index.compact()
        assert ids_of(index.search(vectors[299], 1)) == ["r299"]


def test_two_processes_that_open_a_new_library_at_once_share_it(tmp_path: Path) -> None:
    code = "import sys; from egma.index import ReportIndex; print(len(ReportIndex.open(sys.argv[1])))"
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "new")], cwd=REPOSITORY, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    assert [child.communicate()[0].strip() for child in children] == [b"0"] * 4
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["store.sqlite"]


def test_a_full_disk_undoes_the_step_and_keeps_what_was_there(tmp_path: Path) -> None:
    with ReportIndex.open(tmp_path / "lib") as index:
        index.add(["kept"], unit_vectors(1), ["kept words"])
    code = """
import resource, signal, sys, numpy as np
from egma.index import ReportIndex
from egma.errors import LibraryError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
index = ReportIndex.open(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
vectors = np.random.default_rng(0).standard_normal((5000, 16))
try:
    index.add([f"r{n}" for n in range(5000)], vectors, ["some words of a report"] * 5000)
except LibraryError as error:
    print(error)
print(len(index), [hit.id for hit in index.search(vectors[0], 5)])
"""
    done = run_python(code, tmp_path / "lib")
    sentence, state = done.stdout.splitlines()
    assert "disk is full" in sentence and "safe" in sentence and state == "1 ['kept']", done.stderr
    with ReportIndex.open(tmp_path / "lib") as index:
        assert list(index) == ["kept"]
        index.add(["more"], unit_vectors(1))
        assert len(index) == 2


def test_a_disk_too_full_for_the_index_file_keeps_every_record(tmp_path: Path) -> None:
    code = """
import resource, signal, sys, numpy as np
from egma.index import ReportIndex
from egma.errors import LibraryError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
index = ReportIndex.open(sys.argv[1])
vectors = np.random.default_rng(0).standard_normal((1000, 64)).astype("f4")
index.add([f"r{n}" for n in range(1000)], vectors)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    index.catch_up()
except LibraryError as error:
    print(error)
print(len(index), [hit.id for hit in index.search(vectors[3], 1)])
"""
    done = run_python(code, tmp_path / "lib")
    sentence, state = done.stdout.splitlines()
    assert "no report is lost" in sentence and state == "1000 ['r3']", done.stderr
    assert list((tmp_path / "lib").glob("*.draft")) == [] and list((tmp_path / "lib").glob(".*.draft")) == []


def test_a_read_only_library_is_searched_and_refuses_writes() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        _make(folder)
        code = "import sys; from tests.index.test_sharing import ask_as_nobody; ask_as_nobody(sys.argv[1])"
        done = run_python(code, name)
        (folder / "lib").chmod(0o755)
        assert done.returncode == 0, done.stderr


def _make(folder: Path) -> None:
    with ReportIndex.open(folder / "lib") as index:
        index.add(["a", "b"], unit_vectors(2), ["left effusion", "nothing"])
        index.catch_up()
    for path in (folder / "lib").iterdir():
        path.chmod(0o444)
    (folder / "lib").chmod(0o555)


def ask_as_nobody(folder: str) -> None:
    """Run by a process of its own: root may write everywhere, so that somebody else has to try."""
    _ask(Path(folder))  # what is imported late is imported while this process may still read where packages lie
    if os.geteuid() == 0:
        os.setuid(65534)
    _check_read_only(Path(folder))


def _ask(folder: Path) -> None:
    with ReportIndex.open(folder / "lib", create=False) as index:
        assert ids_of(index.search(unit_vectors(2)[1], 1)) == ["b"]
        assert ids_of(index.search_text(None, "effusion")) == ["a"]


def _check_read_only(folder: Path) -> None:
    _ask(folder)
    with ReportIndex.open(folder / "lib", create=False) as index:
        for write in (lambda: index.add(["c"], unit_vectors(1)), lambda: index.delete(["a"]), index.compact):
            with pytest.raises(LibraryError, match="read-only; nothing was changed"):
                write()
    with pytest.raises(LibraryError, match="cannot be made"):
        ReportIndex.open(folder / "lib" / "new")
