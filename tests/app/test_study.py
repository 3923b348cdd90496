"""What the Study tab does when a reader does something, asked without a server."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from app.services import ModelSlot
from app.tabs.study_handlers import UPLOAD_TITLE, StudyHandlers
from egma.errors import CheckpointError
from egma.testing import hostile, write_dicom
from tests.app.conftest import make_study, send

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{constructor}}"


@pytest.fixture
def handlers(services):
    return StudyHandlers(services)


def upload(services, name="film-1", size=(90, 70)):
    path = services.folder.uploads / name
    pixels = (np.random.default_rng(1).random(size) * 255).astype(np.uint8)
    Image.fromarray(pixels).save(path, format="PNG")
    return path


def test_an_upload_opens_under_a_neutral_title_and_is_deleted(handlers, services):
    path = upload(services)
    view = handlers.open_upload(str(path))
    assert view.line.title == UPLOAD_TITLE
    assert not path.exists()
    assert services.films.find(view.film).study.shape == (90, 70)
    assert view.viewer.layers == []
    assert view.viewer.packed16
    assert view.findings.state == "loading"


def test_a_new_film_starts_without_any_overlay_but_the_words_are_kept(handlers, services):
    view = handlers.open_upload(str(upload(services)))
    assert view.viewer.layers == []
    assert "words" not in view._fields


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="zero bytes"),
        pytest.param(b"this is a letter, not a film\n" * 40, id="text"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"\0" * 50, id="half a PNG"),
        pytest.param(b"\0" * 128 + b"DICM" + b"\xff" * 40, id="half a DICOM"),
        pytest.param(b"PK\x03\x04" + b"\0" * 200, id="a zip"),
    ],
)
def test_what_is_no_film_is_one_sentence_and_the_upload_is_gone(handlers, services, content):
    path = services.folder.uploads / "film-2"
    path.write_bytes(content)
    with pytest.raises(gr.Error) as caught:
        handlers.open_upload(str(path))
    assert not caught.value.print_exception
    assert "\n" not in caught.value.message
    assert str(services.folder.root) not in caught.value.message
    assert not path.exists()


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(hostile.write_png_bomb, id="a PNG of 12,000 x 12,000"),
        pytest.param(partial(hostile.write_deflated_bomb, megabytes=500), id="a deflated bomb"),
        pytest.param(hostile.write_size_bomb, id="a DICOM that declares 65,535 x 65,535"),
        pytest.param(hostile.write_truncated, id="a truncated DICOM"),
    ],
)
def test_a_film_that_would_cost_too_much_is_one_sentence(handlers, services, write):
    path = write(services.folder.uploads / "film-3")
    with pytest.raises(gr.Error) as caught:
        handlers.open_upload(str(path))
    assert "went wrong" not in caught.value.message
    assert len(caught.value.message) < 300
    assert not path.exists()


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
def test_a_film_of_an_odd_shape_opens_or_is_refused_in_one_sentence(handlers, services, size):
    try:
        view = handlers.open_upload(str(upload(services, size=size)))
    except gr.Error as refusal:
        assert "went wrong" not in refusal.message
        return
    assert view.notices.sentences
    assert handlers.ask(view.film, "nodule").viewer.layers
    assert handlers.score(view.film).findings.state == "ready"


def test_no_tag_of_a_dicom_reaches_the_page(handlers, services):
    tags = {
        "PatientName": "DOE^JOHN",
        "PatientID": "DOE-4711",
        "StudyDescription": HOSTILE,
        "WindowCenter": 2000.0,
        "WindowWidth": 3000.0,
        "WindowCenterWidthExplanation": "DOE<img src=x>",
    }
    pixels = (np.random.default_rng(2).random((64, 64)) * 4000).astype(np.uint16)
    view = handlers.open_upload(str(write_dicom(services.folder.uploads / "film-4", pixels, tags=tags)))
    shown = json.dumps([part.model_dump() for part in view if hasattr(part, "model_dump")])
    assert "DOE" not in shown
    assert "<img" not in shown


def test_two_phrases_make_two_layers_that_stay_on_the_film(handlers, film):
    view = handlers.ask(film.key, "left pleural effusion\n\n  cardiomegaly  \ncardiomegaly")
    assert [layer.phrase for layer in view.viewer.layers] == ["left pleural effusion", "cardiomegaly"]
    layer = view.viewer.layers[0]
    assert len(layer.data) == layer.rows * layer.cols
    assert layer.box[0] < 0 and layer.box[2] > 1  # a portrait film is padded left and right
    assert view.viewer.show > 0
    assert 0 <= layer.peak[0] <= 1 and 0 <= layer.peak[1] <= 1
    assert view.viewer.low < view.viewer.high
    json.dumps(view.viewer.model_dump())


def test_a_phrase_keeps_its_layer_id_so_that_what_a_reader_chose_for_it_stays(handlers, film):
    once, again = handlers.ask(film.key, "nodule"), handlers.ask(film.key, "mass\nnodule")
    assert once.viewer.layers[0].id == again.viewer.layers[1].id


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("", id="nothing"),
        pytest.param("  \n\t\n", id="blanks"),
        pytest.param("\u200f\u0007", id="control characters"),
        pytest.param("a" * 100_000, id="100 kB"),
        pytest.param("\n".join(f"phrase {n}" for n in range(33)), id="33 phrases"),
    ],
)
def test_words_that_cannot_be_asked_are_one_sentence(handlers, film, words):
    view = handlers.ask(film.key, words)
    assert view.said.text
    assert "\n" not in view.said.text
    assert len(view.said.text) < 300
    assert view.said.text[0].isupper()
    assert view.viewer == view.words == gr.skip()  # nothing on screen is lost


@pytest.mark.parametrize("words", ["🫁 effusion", HOSTILE, "胸水", "é" * 300, "'; DROP TABLE films; --"])
def test_any_words_may_be_asked_and_come_back_as_they_are(handlers, film, words):
    assert handlers.ask(film.key, words).viewer.layers[0].phrase == words


def test_an_alert_shows_markup_as_text(handlers, services):
    from app.alerts import alerting
    from egma.errors import PromptError

    @alerting
    def refuse():
        raise PromptError(f"cannot ask {HOSTILE}")

    with pytest.raises(gr.Error) as caught:
        refuse()
    assert "<img" not in caught.value.message
    assert "&lt;img" in caught.value.message


def test_an_answer_says_a_bug_in_place_under_a_reference(handlers, services, film, caplog):
    def explode(*_):
        raise ZeroDivisionError("DOE^JOHN")

    object.__setattr__(services.films, "find", explode)
    said = handlers.ask(film.key, "nodule").said.text
    assert "reference" in said
    assert "DOE" not in said + caplog.text


def test_a_bug_is_a_reference_number_and_the_log_says_where_but_not_what(caplog):
    from app.alerts import alerting

    @alerting
    def break_down():
        raise ValueError("DOE^JOHN /home/x/film.dcm")

    with pytest.raises(gr.Error, match=r"reference [0-9a-f]{8}") as caught:
        break_down()
    reference = caught.value.message.rstrip(".").split()[-1]
    assert reference in caplog.text
    assert "break_down" in caplog.text
    assert "DOE" not in caplog.text


def test_a_chip_adds_its_phrase_once(handlers, film):
    view = handlers.add_phrase(film.key, "nodule", "", "cardiomegaly")
    assert view.words == "nodule\ncardiomegaly"
    assert handlers.add_phrase(film.key, view.words, "", "Cardiomegaly").words == view.words


def test_a_finding_asks_for_itself_in_plain_words(handlers, film):
    view = handlers.show_finding(film.key, "", "", send(finding="Effusion"))
    assert view.words == "pleural effusion"
    assert view.viewer.layers[0].phrase == "pleural effusion"


@pytest.mark.parametrize("finding", ["Effusion<script>", "", None, 3, ["Mass"]])
def test_a_finding_the_model_does_not_have_is_refused(handlers, film, finding):
    view = handlers.show_finding(film.key, "", "", send(finding=finding))
    assert "Reload" in view.said.text
    assert view.viewer == gr.skip()


def test_a_report_is_stepped_through_sentence_by_sentence(handlers, film):
    report = "FINDINGS: The heart is enlarged. There is a left pleural effusion. No pneumothorax."
    first = handlers.read_report(film.key, report)
    assert first.sentences.current == 0
    assert len(first.sentences.sentences) == 3
    assert [layer.phrase for layer in first.viewer.layers] == first.sentences.sentences
    assert first.viewer.step
    last = handlers.choose_sentence(film.key, report, "", send(index=2))
    assert last.viewer.current == first.viewer.layers[2].id
    assert handlers.follow_step(report, send(index=1)).current == 1


def test_a_report_of_more_sentences_than_can_be_asked_at_once_is_read_whole(handlers, film):
    report = " ".join(f"Nodule number {n} in the left lung." for n in range(40))
    view = handlers.read_report(film.key, report)
    assert len(view.viewer.layers) == len(view.sentences.sentences) == 40
    assert len({layer.id for layer in view.viewer.layers}) == 40


@pytest.mark.parametrize("index", [-5, 99, None, "2", float("nan"), float("inf"), True])
def test_a_step_to_nowhere_stays_inside_the_report(handlers, film, index):
    view = handlers.choose_sentence(film.key, "One lung. Two lungs.", "", send(index=index))
    assert view.sentences.current in (0, 1)


@pytest.mark.parametrize(
    "report", ["", "   ", "x" * 60_000, "...", "Lung one. " * 9_000, "".join(f"Nodule {n}. " for n in range(101))]
)
def test_a_report_without_sentences_or_too_long_is_one_sentence(handlers, film, report):
    with pytest.raises(gr.Error) as caught:
        handlers.read_report(film.key, report)
    assert len(caught.value.message) < 300


def test_a_clicked_patch_says_which_phrases_and_findings_it_matches(handlers, film):
    data = handlers.match_patch(film.key, "nodule\neffusion", "", send(u=0.5, v=0.25))
    assert [row.name for row in data.phrases] == ["nodule", "effusion"]
    assert len(data.findings) == 5
    assert "row" in data.where


def test_a_click_before_any_phrase_still_says_which_findings(handlers, film):
    data = handlers.match_patch(film.key, "", "", send(u=0.5, v=0.5))
    assert data.phrases == []
    assert data.findings


@pytest.mark.parametrize("u", [-0.1, 1.0, 7, float("nan"), None, "0.5", 1e308])
def test_a_click_beside_the_film_says_nothing(handlers, film, u):
    assert handlers.match_patch(film.key, "nodule", "", send(u=u, v=0.5)).where == ""


def test_probabilities_come_with_names_prompts_and_meaning(handlers, film, engine):
    view = handlers.score(film.key)
    assert view.findings.state == "ready"
    assert [row.finding for row in view.findings.rows] == list(engine.findings)
    assert {row.finding: row.name for row in view.findings.rows}["Effusion"] == "Pleural effusion"
    assert all(0 <= row.probability <= 1 and row.positive and row.negative for row in view.findings.rows)
    assert "Research use only" in view.findings.meaning
    assert not view.waiting.active


def test_while_the_model_loads_the_page_says_so_and_keeps_asking(handlers, services, film, engine):
    services.models.default = ModelSlot("tiny", lambda: engine)
    view = handlers.score(film.key)
    assert view.findings.state == "loading"
    assert view.waiting.active
    assert handlers.score_when_ready(film.key).findings == gr.skip()


def test_a_model_that_cannot_be_loaded_is_said_on_the_page_and_to_whoever_asks(handlers, services, film):
    def fail():
        raise CheckpointError("checkpoint x: model.safetensors is missing")

    slot = ModelSlot("x", fail)
    services.models.default = slot
    slot.start()
    assert "safetensors is missing" in handlers.ask(film.key, "nodule").said.text
    view = handlers.score_when_ready(film.key)
    assert view.findings.state == "failed"
    assert "safetensors is missing" in view.findings.message
    assert not view.waiting.active


def test_a_film_that_was_closed_meanwhile_is_one_sentence(handlers, services, film):
    services.films.max_bytes = 1
    services.films.add(make_study(1), "another")
    for ask in (
        lambda: handlers.score(film.key),
        lambda: handlers.read_report(film.key, "One lung."),
    ):
        with pytest.raises(gr.Error, match="Open it again"):
            ask()
    assert "Open it again" in handlers.ask(film.key, "nodule").said.text
    assert "Open it again" in handlers.match_patch(film.key, "", "", send(u=0.5, v=0.5)).where


def test_an_example_that_is_gone_is_one_sentence(handlers):
    for name in ("own-../../etc/passwd", "rg1\0"):
        with pytest.raises(gr.Error, match="no longer there"):
            handlers.open_example(name)


def test_the_heading_of_the_menu_opens_nothing(handlers):
    for name in ("", None):
        assert all(value == gr.skip() for value in handlers.open_example(name))


def test_own_examples_are_listed_by_name_and_opened(handlers, services, tmp_path):
    own = tmp_path / "examples"
    own.mkdir()
    Image.fromarray(np.zeros((40, 50), np.uint8) + np.arange(50, dtype=np.uint8)).save(own / "teaching case.png")
    (own / ".hidden").write_text("x")
    object.__setattr__(services.examples, "own_folder", own)
    names = [example.name for example in services.examples.list_examples()]
    assert "own-teaching case.png" in names
    assert "own-.hidden" not in names
    view = handlers.open_example("own-teaching case.png")
    assert view.line.title == "teaching case"
    assert services.films.find(view.film).study.shape == (40, 50)


def test_an_example_asked_for_twice_at_once_is_opened_once_and_again_when_its_file_changed(services, tmp_path):
    own = tmp_path / "examples"
    own.mkdir()
    path = own / "case.png"
    Image.fromarray(np.arange(2000, dtype=np.uint8).reshape(40, 50)).save(path)
    object.__setattr__(services.examples, "own_folder", own)
    with ThreadPoolExecutor(4) as readers:
        films = list(readers.map(services.examples.open, ["own-case.png"] * 4))
    assert len({id(film) for film in films}) == 1
    assert films[0].picture.path.is_file()  # a second opening would have taken the first one's picture away
    Image.fromarray(np.arange(3000, dtype=np.uint8).reshape(60, 50)).save(path)
    assert services.examples.open("own-case.png").study.shape == (60, 50)
