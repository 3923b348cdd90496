"""The page over HTTP: endpoints for scripts, headers, closed doors, uploads and health."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from app.services import Models, ModelSlot
from egma.catalogue import CheckpointEntry
from egma.errors import CheckpointError
from tests.app.conftest import build_models, opened_services
from tests.app.serving import served
from tests.app.test_models import named

CANARY = "DOE^JOHN_19511231"


@pytest.fixture(scope="module")
def services(tmp_path_factory, engine):
    with opened_services(tmp_path_factory.mktemp("page"), engine) as services:
        yield services


@pytest.fixture(scope="module")
def address(services):
    with served(services) as address:
        yield address


@pytest.fixture
def film_path(tmp_path) -> Path:
    path = tmp_path / f"{CANARY}.png"
    y, x = np.mgrid[0:120, 0:90]
    Image.fromarray((127 + 100 * np.sin(x / 7) * np.cos(y / 9)).astype(np.uint8)).save(path)
    return path


def files_under(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file()]


def test_a_script_classifies_and_grounds_through_the_client(address, services, film_path, tmp_path, engine):
    client = Client(address, verbose=False, download_files=tmp_path / "got")
    api = client.view_api(return_format="dict", print_info=False)
    assert sorted(api["named_endpoints"]) == ["/classify", "/gaze", "/ground", "/search_image", "/search_text"]

    scores = client.predict(film=handle_file(film_path), api_name="/classify")
    assert set(scores) == set(engine.findings)
    assert all(0 <= value <= 1 for value in scores.values())

    maps = client.predict(handle_file(film_path), "left pleural effusion\nnodule", api_name="/ground")
    assert list(maps) == ["left pleural effusion", "nodule"]
    answer = maps["nodule"]
    seen = [value for row in answer["grid"] for value in row if value is not None]
    assert max(seen) == pytest.approx(answer["max"], abs=1e-5)
    with Image.open(answer["overlay"]) as overlay:
        assert min(overlay.size) >= 90
    client.close()

    # nothing of the reader's is left: neither the film nor its name
    assert not [path for path in files_under(services.folder.root) if CANARY in path]
    left = [Path(path) for path in files_under(services.folder.uploads)]
    assert all(path.suffix == ".png" and ("overlay" in path.name) for path in left), left


def test_twenty_readers_may_send_the_same_film_at_once(address, film_path):
    client = Client(address, verbose=False)
    with ThreadPoolExecutor(8) as readers:
        jobs = [readers.submit(client.predict, handle_file(film_path), api_name="/classify") for _ in range(20)]
        answers = [job.result(60) for job in jobs]
    client.close()
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "nothing to ask"),
        ("x" * 100_000, "characters"),
        ("\n".join("abcdefghijklmnopqrstuvwxyz0123456789"), "at most 32"),
    ],
)
def test_bad_words_come_back_to_a_script_as_one_sentence(address, film_path, text, said):
    client = Client(address, verbose=False)
    with pytest.raises(Exception, match=f"(?i){said}") as caught:
        client.predict(handle_file(film_path), text, api_name="/ground")
    client.close()
    assert "Traceback" not in str(caught.value)


def test_a_letter_instead_of_a_film_comes_back_as_one_sentence(address, tmp_path):
    letter = tmp_path / "letter.dcm"
    letter.write_text("Dear colleague, " * 50)
    client = Client(address, verbose=False)
    with pytest.raises(Exception, match=r"film|DICOM") as caught:
        client.predict(handle_file(letter), api_name="/classify")
    client.close()
    assert "Traceback" not in str(caught.value)


def test_the_page_and_its_answers_carry_the_policy(address):
    for path in ("/", "/healthz", "/gradio_api/info", "/nowhere"):
        headers = httpx.get(address + path).headers
        assert "connect-src 'self'" in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/deep_link?session_hash=x",
        "/monitoring",
        "/monitoring/summary",
        "/gradio_api/openapi.json",
        "//monitoring",
    ],
)
def test_closed_doors_answer_404(address, path):
    assert httpx.get(address + path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "app/main.py", "../app/main.py", "pyproject.toml", "checkpoints/egma-mini/config.json"]
)
def test_files_of_this_machine_stay_here(address, path):
    root = Path(__file__).resolve().parents[2]
    for asked in (path, str(root / path)):
        assert httpx.get(f"{address}/gradio_api/file={asked}").status_code in (403, 404)


def test_a_film_on_screen_is_fetched_whole_and_never_stored(address):
    components = httpx.get(address + "/config").json()["components"]
    viewer = next(each for each in components if each["props"].get("elem_id") == "egma-viewer")
    url = viewer["props"]["value"]["image"]["url"]
    answer = httpx.get(url if url.startswith("http") else address + "/" + url.lstrip("/"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "no-store"


def test_an_uploads_name_never_reaches_the_disk(address, services):
    files = {"files": (f"{CANARY}.dcm", b"\0" * 128 + b"DICM", "application/dicom")}
    answer = httpx.post(address + "/gradio_api/upload", files=files)
    assert answer.status_code == 200
    assert CANARY not in answer.text
    assert "film-" in answer.text
    assert not [path for path in files_under(services.folder.root) if CANARY in path]


def test_an_upload_above_the_limit_is_refused(address):
    answer = httpx.post(address + "/gradio_api/upload", files={"files": ("a", b"\0" * (101 * 1024**2))}, timeout=60)
    assert answer.status_code == 413


def test_a_path_that_was_never_uploaded_is_refused(address, tmp_path):
    secret = tmp_path / "secret.png"
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(secret)
    payload = {"data": [{"path": str(secret), "meta": {"_type": "gradio.FileData"}}]}
    event = httpx.post(f"{address}/gradio_api/call/classify", json=payload).json()["event_id"]
    answer = httpx.get(f"{address}/gradio_api/call/classify/{event}", timeout=30).text
    assert "error" in answer
    assert secret.exists()


def test_health_is_503_until_the_model_has_answered_and_200_after(services, engine):
    slot = ModelSlot("tiny", lambda: engine)
    with served(replace(services, models=build_models(slot, engine))) as address:
        early = httpx.get(address + "/healthz")
        assert early.status_code == 503
        assert early.json()["status"] == "loading"
        slot.start()
        slot.engine(10)
        late = httpx.get(address + "/healthz")
        assert late.status_code == 200
        assert late.json() == {"status": "ok", "checkpoint": engine.checkpoint.name, "version": late.json()["version"]}


def test_health_says_why_a_model_failed(services):
    def fail():
        raise CheckpointError("checkpoint x: model.safetensors is missing")

    slot, entry = ModelSlot("x", fail), CheckpointEntry("x", Path("x"))
    slot.start()
    with served(replace(services, models=Models(slot, lambda: [entry], lambda _: fail()))) as address:
        answer = httpx.get(address + "/healthz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "failed"
    assert "safetensors" in answer.json()["detail"]
    assert "Traceback" not in json.dumps(answer.json())


def test_scripts_are_answered_by_the_default_model_whatever_readers_compare(services, engine, film_path):
    others = [named(name, seed) for seed, name in enumerate(("b", "c"), 5)]
    default = ModelSlot(engine.checkpoint.name, lambda: engine)
    default.start()
    models = build_models(default, engine, *others)
    models.engine("", 10)
    with served(replace(services, models=models)) as address:
        client = Client(address, verbose=False)
        before = client.predict(handle_file(film_path), api_name="/classify")
        for each in others:  # two readers choose other models: the default leaves memory
            models.engine(each.checkpoint.name, 10)
        assert not default.is_loaded
        assert httpx.get(address + "/healthz").json()["checkpoint"] == engine.checkpoint.name
        assert client.predict(handle_file(film_path), api_name="/classify") == before
        client.close()
