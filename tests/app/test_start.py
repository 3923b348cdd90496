"""`python app.py` as a process: how it starts, what it refuses, how it ends, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from egma.checkpoints import save_checkpoint
from egma.testing.models import build_tiny_model
from tests.app.serving import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 180


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    model = build_tiny_model()
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    save_checkpoint(model, model.config, folder, "# Tiny\n\nA double for tests.")
    return folder


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    """A clean environment whose home and temporary folders are watched."""
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EGMA_", "GRADIO_", "SPACE_"))}
    return {**kept, "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp"), **more}


def start(arguments: list[str], environ: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), *arguments],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@contextmanager
def running(arguments: list[str], environ: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = start(arguments, environ)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def refusal(arguments: list[str], environ: dict[str, str]) -> tuple[int, str]:
    with running(arguments, environ) as process:
        out, err = process.communicate(timeout=PATIENCE_S)
    assert out == ""
    return process.returncode, err


def wait_for(address: str, wanted: int, process: subprocess.Popen[str]) -> httpx.Response:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        try:
            answer = httpx.get(address + "/healthz")
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        if answer.status_code == wanted:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{address} never answered {wanted}; exit status {process.poll()}")


def children_of(pid: int) -> list[int]:
    return [
        int(each) for task in Path(f"/proc/{pid}/task").iterdir() for each in (task / "children").read_text().split()
    ]


def sources() -> set[Path]:
    """Files beside the page's own code; compiled ones are anybody's."""
    return {path for path in (ROOT / "app").rglob("*") if "__pycache__" not in path.parts}


@pytest.mark.parametrize(
    ("arguments", "environ", "named"),
    [
        pytest.param(["--port", "banana"], {}, "--port", id="a word as port"),
        pytest.param([], {"EGMA_PORT": "99999"}, "EGMA_PORT", id="a port too high in the environment"),
        pytest.param(["--host", "no.such.host.invalid"], {}, "host", id="an unknown host"),
        pytest.param(["--checkpoint", "no-such-model"], {}, "no-such-model", id="an unknown checkpoint"),
        pytest.param(["--checkpoint", "../../etc"], {}, "checkpoint", id="a checkpoint outside"),
        pytest.param(["--nonsense"], {}, "--nonsense", id="an unknown option"),
    ],
)
def test_a_bad_setting_is_one_sentence_and_exit_2(tmp_path, arguments, environ, named):
    code, said = refusal([*arguments, "--no-browser"], environment(tmp_path, **environ))
    assert code == 2
    assert named in said
    assert len(said.strip().splitlines()) == 1
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_port_in_use_is_named_with_what_to_do(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = refusal(["--port", str(port), "--no-browser"], environment(tmp_path))
    assert code == 2
    assert str(port) in said and "--port" in said
    assert len(said.strip().splitlines()) == 1


def test_help_lists_the_options_and_exits_0(tmp_path):
    with running(["--help"], environment(tmp_path)) as process:
        out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    for option in ("--host", "--port", "--checkpoint", "--data", "--no-browser"):
        assert option in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_listens_and_ends_clean(tmp_path, checkpoint, number):
    port = free_port()
    arguments = ["--port", str(port), "--checkpoint", str(checkpoint), "--no-browser"]
    with running(arguments, environment(tmp_path)) as process:
        answer = wait_for(f"http://127.0.0.1:{port}", 200, process)
        assert answer.json()["checkpoint"] == "tiny"
        children = children_of(process.pid)
        os.killpg(process.pid, number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert len(out.splitlines()) == 1
    assert f"http://127.0.0.1:{port}" in out and "tiny" in out
    assert err == ""
    assert list((tmp_path / "tmp").iterdir()) == []
    assert list((tmp_path / "home").iterdir()) == []
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def test_ctrl_c_while_it_is_still_starting_ends_it_without_a_trace(tmp_path, checkpoint):
    arguments = ["--port", str(free_port()), "--checkpoint", str(checkpoint), "--no-browser"]
    with running(arguments, environment(tmp_path)) as process:
        until = time.monotonic() + PATIENCE_S
        while not list((tmp_path / "tmp").iterdir()) and time.monotonic() < until:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode in (0, 130)
    assert err == ""
    assert list((tmp_path / "tmp").iterdir()) == []


def test_ctrl_c_while_the_model_is_loading_ends_it_without_a_trace(tmp_path, checkpoint):
    port = free_port()
    arguments = ["--port", str(port), "--checkpoint", str(checkpoint), "--no-browser"]
    with running(arguments, environment(tmp_path)) as process:
        wait_for(f"http://127.0.0.1:{port}", 503, process)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert err == ""
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_checkpoint_that_cannot_be_loaded_is_said_by_health_while_the_page_is_up(tmp_path, checkpoint):
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("config.json", "card.md"):
        (broken / name).write_bytes((checkpoint / name).read_bytes())
    (broken / "model.safetensors").write_bytes(b"\0" * 64)
    port = free_port()
    arguments = ["--port", str(port), "--checkpoint", str(broken), "--no-browser"]
    with running(arguments, environment(tmp_path)) as process:
        address = f"http://127.0.0.1:{port}"
        answer = wait_for(address, 503, process)
        until = time.monotonic() + PATIENCE_S
        while answer.json()["status"] == "loading" and time.monotonic() < until:
            time.sleep(0.1)
            answer = httpx.get(address + "/healthz")
        assert answer.json()["status"] == "failed"
        assert "safetensors" in answer.json()["detail"]
        assert httpx.get(address).status_code == 200


def test_it_runs_as_a_space_and_writes_nowhere_else(tmp_path, checkpoint):
    space = {
        "SPACE_ID": "somebody/egma-workbench",
        "SPACE_HOST": "somebody-egma-workbench.hf.space",
        "SYSTEM": "spaces",
        "GRADIO_SSR_MODE": "True",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    port = free_port()
    environ = environment(tmp_path, **space, EGMA_PORT=str(port), EGMA_CHECKPOINT=str(checkpoint))
    before = sources()
    with running([], environ) as process:
        address = f"http://127.0.0.1:{port}"
        wait_for(address, 200, process)
        headers = httpx.get(address).headers
        assert "https://huggingface.co" in headers["content-security-policy"]
        assert "x-frame-options" not in headers
        assert list((tmp_path / "home").iterdir()) == []
        os.killpg(process.pid, signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in err
    assert sources() == before
    assert list((tmp_path / "tmp").iterdir()) == []


def test_every_interface_is_warned_about(tmp_path, checkpoint):
    port = free_port()
    arguments = ["--host", "0.0.0.0", "--port", str(port), "--checkpoint", str(checkpoint), "--no-browser"]
    with running(arguments, environment(tmp_path)) as process:
        wait_for(f"http://127.0.0.1:{port}", 200, process)
        os.killpg(process.pid, signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert len(out.splitlines()) == 1
    assert "no password" in err
