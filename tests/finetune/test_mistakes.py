"""What a caller gets wrong, by hand or by a hostile file, is one clear sentence and exit status 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from egma.jobs import JobFolder
from tests.finetune.bases import write_config
from tests.finetune.conftest import Said

Finetune = Callable[..., Said]


def test_ten_thousand_missing_films_are_one_sentence(tmp_path: Path, tiny_base: Path, finetune: Finetune) -> None:
    data = tmp_path / "data"
    data.mkdir()
    rows = "".join(f"film{row}.png,p{row},{'train' if row % 5 else 'val'},1\n" for row in range(10_000))
    (data / "labels.csv").write_text("image,patient,split,Effusion\n" + rows)
    done = finetune(
        str(tmp_path / "run"), "--config", write_config(tmp_path, tiny_base, preset="heads", data=str(data))
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and len(done.stderr) < 600
    assert "10,000" in done.stderr or "10000" in done.stderr
    assert JobFolder(tmp_path / "run").state().cause == "data missing"


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret.png", "link.png"], ids=["absolute", "parent", "link"])
def test_a_table_that_points_outside_its_folder_is_refused(
    tmp_path: Path, tiny_base: Path, finetune: Finetune, target: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "secret.png").write_bytes(b"secret")
    (data / "link.png").symlink_to("/etc/passwd")
    rows = "".join(f"{target},p{row},{'train' if row else 'val'},1\n" for row in range(4))
    (data / "labels.csv").write_text("image,patient,split,Effusion\n" + rows)
    done = finetune(
        str(tmp_path / "run"), "--config", write_config(tmp_path, tiny_base, preset="heads", data=str(data))
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "outside" in done.stderr or "leads out" in done.stderr or "link" in done.stderr
    assert "root:" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--config", "/nowhere/settings.json"), "cannot be read"),
        (("--config", "/dev/zero"), "no ordinary file"),
        (("--config", ""), "--config: wanted the name"),
        (("--data", ""), "--data: wanted the name"),
        (("--data", "/etc/passwd"), "not divided into columns"),
        (("--set", "batch=0", "--set", "colour=red"), "2 problems"),
        (("--set", "batch"), "NAME=VALUE"),
        (("--set", "base=no-such-checkpoint"), "no checkpoint 'no-such-checkpoint'"),
        (("--set", "data=/no/such/data"), "no data set is found"),
        (("--set", "device=cuda:7"), "cuda:7"),
        (("--resume",), "no run to resume"),
    ],
    ids=lambda each: each if isinstance(each, str) else " ".join(each)[:40],
)
def test_a_callers_mistake_is_one_sentence(
    tmp_path: Path, finetune: Finetune, words: tuple[str, ...], said: str
) -> None:
    done = finetune(str(tmp_path / "run"), *words)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_a_run_folder_without_a_name_is_not_the_folder_one_stands_in(finetune: Finetune) -> None:
    done = finetune("", "--preset", "demo")
    assert done.returncode == 2 and done.stderr == "egma: RUN_DIR: wanted the name of a file or folder, got nothing\n"
