"""`/search_text` and `/search_image` over HTTP, as a script asks them."""

from __future__ import annotations

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from app.api_reports import SearchEndpoints, check_count
from egma.errors import LibraryError, PromptError
from tests.app.conftest import opened_services
from tests.app.report_library import REPORTS, fill_library
from tests.app.serving import served


@pytest.fixture(scope="module")
def services(tmp_path_factory, engine):
    with opened_services(tmp_path_factory.mktemp("page"), engine) as services:
        fill_library(services, engine)
        yield services


@pytest.fixture(scope="module")
def client(services):
    with served(services) as address:
        client = Client(address, verbose=False)
        yield client
        client.close()


@pytest.fixture
def film_path(tmp_path):
    path = tmp_path / "film.png"
    y, x = np.mgrid[0:120, 0:90]
    Image.fromarray((127 + 100 * np.sin(x / 7) * np.cos(y / 9)).astype(np.uint8)).save(path)
    return path


def test_words_come_back_as_hits_of_the_contract(client, services, engine):
    answer = client.predict("left pleural effusion", 2, api_name="/search_text")
    assert list(answer) == ["hits"]
    assert len(answer["hits"]) == 2
    assert all(set(hit) == {"id", "score", "sentence", "text"} for hit in answer["hits"])
    wanted = services.libraries.open().search_text(engine, "left pleural effusion", 2)
    assert answer["hits"] == [hit.as_json() for hit in wanted]


def test_a_film_comes_back_as_hits_and_is_not_kept(client, services, film_path):
    answer = client.predict(handle_file(film_path), 3, api_name="/search_image")
    assert len(answer["hits"]) == 3
    assert {hit["id"] for hit in answer["hits"]} <= set(REPORTS)
    scores = [hit["score"] for hit in answer["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert not [path for path in services.folder.uploads.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("words", "k", "said"),
    (("", 5, "nothing to search"), ("heart", 0, "whole number"), ("x" * 99_000, 5, "characters")),
)
def test_bad_questions_come_back_as_one_sentence(client, words, k, said):
    with pytest.raises(Exception, match=f"(?i){said}") as caught:
        client.predict(words, k, api_name="/search_text")
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("k", [0, -1, 101, 1.5, float("nan"), float("inf"), None, "5", True])
def test_k_is_a_whole_number_in_bounds(k):
    with pytest.raises(PromptError, match="whole number from 1 to 100"):
        check_count(k)


def test_a_library_whose_build_failed_is_said_to_a_script(services, monkeypatch, tmp_path, engine):
    with opened_services(tmp_path, engine) as fresh:
        endpoints = SearchEndpoints(fresh)
        monkeypatch.setattr(
            type(fresh.libraries), "wait_for_openi", lambda *_: (_ for _ in ()).throw(LibraryError("it failed"))
        )
        with pytest.raises(Exception, match="It failed"):
            endpoints.search_text("heart", 3)
