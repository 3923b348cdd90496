"""`/gaze` for scripts: the same numbers as the command line, one sentence for what cannot be described."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from egma.__main__ import main
from egma.gaze.simulate import simulate_samples
from egma.testing.gaze import build_track, invented_dicom_id, write_eyegaze, write_reflacx, write_reflacx_gaze
from tests.app.conftest import opened_services
from tests.app.serving import served

SHAPE = (400, 300)


@pytest.fixture(scope="module")
def services(tmp_path_factory, engine):
    with opened_services(tmp_path_factory.mktemp("page"), engine) as services:
        yield services


@pytest.fixture(scope="module")
def client(services):
    with served(services) as address:
        client = Client(address, verbose=False)
        yield client
        client.close()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    write_reflacx(tmp_path / "set", {"P300R000001": build_track(1, SHAPE)})
    return tmp_path / "set" / "main_data" / "P300R000001" / "fixations.csv"


def film(path: Path, shape: tuple[int, int] = SHAPE) -> Path:
    Image.fromarray(np.tile(np.linspace(0, 255, shape[1]).astype(np.uint8), (shape[0], 1))).save(path)
    return path


def on_the_command_line(capsys, *arguments: object) -> dict:
    assert main(["gaze", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_script_gets_the_numbers_of_the_command_line(client, services, recording, tmp_path, capsys) -> None:
    picture = film(tmp_path / "film.png")
    answer = client.predict(handle_file(recording), handle_file(picture), api_name="/gaze")
    assert set(answer) == {"fixations", "duration_s", "density"}
    said = on_the_command_line(capsys, recording, "--image", picture)
    assert answer == {name: said[name] for name in answer}
    density = np.array(answer["density"])
    assert density.shape == (64, 48) and density.sum() == pytest.approx(1, abs=1e-3)
    assert answer["fixations"] == len(build_track(1, SHAPE))
    assert not [
        path for path in services.folder.uploads.rglob("*") if path.is_file()
    ]  # nothing of a person's gaze stays


def test_without_a_film_the_size_comes_from_what_was_shown(client, recording, tmp_path, capsys) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "fixations.csv").write_bytes(recording.read_bytes())
    answer = client.predict(handle_file(alone / "fixations.csv"), None, api_name="/gaze")
    said = on_the_command_line(capsys, alone / "fixations.csv")
    assert answer == {name: said[name] for name in answer}
    assert np.array(answer["density"]).shape == (64, 48)


def test_of_many_recordings_the_one_of_the_film_is_described(client, tmp_path) -> None:
    tracks = {invented_dicom_id(1): build_track(1, (900, 800)), invented_dicom_id(2): build_track(2, SHAPE)}
    write_eyegaze(tmp_path / "set", tracks)
    many = handle_file(tmp_path / "set" / "fixations.csv")
    with pytest.raises(Exception, match="holds 2 recordings: send a file with the rows of one"):
        client.predict(many, None, api_name="/gaze")
    picture = film(tmp_path / "film.png")
    answer = client.predict(many, handle_file(picture), api_name="/gaze")
    assert answer["fixations"] == len(tracks[invented_dicom_id(2)])


def test_raw_samples_are_described_by_their_fixations(client, tmp_path) -> None:
    samples = simulate_samples(build_track(1, SHAPE), rate_hz=250, seed=1)
    write_reflacx_gaze(tmp_path / "gaze", samples)
    answer = client.predict(handle_file(tmp_path / "gaze" / "gaze.csv"), None, api_name="/gaze")
    assert 5 < answer["fixations"] < 60


def test_a_plain_table_is_read_by_its_header(client, tmp_path) -> None:
    table = tmp_path / "lab.csv"
    table.write_text("x,y,start,end\n" + "\n".join(f"{at * 9},{at * 7},{at},{at + 0.3}" for at in range(1, 30)))
    assert client.predict(handle_file(table), None, api_name="/gaze")["fixations"] == 29


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"Dear colleague, thank you.", "no gaze recording|no gaze is found|no column"),
        (b"a,b,c\n1,2,3\n", "no gaze is found"),
        (b"x,y,start,end\n1,2,0,nan\n3,4,1,2\n", "must be finite"),
        (b"x,y,start,end\n1,2,5,1\n3,4,6,7\n", "cannot end before"),
        (b"\x80\x04\x95pickle", "pickle|no gaze recording"),
        (b"x,y,start,duration\n99999,99999,0,0.3\n99999,99999,1,0.3\n", "100% of its looks lie off any film"),
        (b"x,y,start,duration\n-900,-40,0,0.3\n", "100% of its looks lie off any film"),
        (b"time,x,y\n0,5,5\n", "no fixation is found"),
        (b"\x89PNG\r\n\x1a\nno more", "a picture or a DICOM film is no recording"),
    ],
    ids=[
        "empty",
        "letter",
        "strange columns",
        "no time",
        "ends before",
        "pickle",
        "far",
        "beside",
        "sample",
        "picture",
    ],
)
def test_a_bad_recording_comes_back_as_one_sentence(client, tmp_path, content, said) -> None:
    path = tmp_path / "recording"
    path.write_bytes(content)
    with pytest.raises(Exception, match=re.compile(said, re.IGNORECASE)) as caught:
        client.predict(handle_file(path), None, api_name="/gaze")
    assert "reference" not in str(caught.value) and "Traceback" not in str(caught.value)


def test_a_film_of_another_size_is_refused(client, recording, tmp_path) -> None:
    picture = film(tmp_path / "film.png", (120, 100))
    with pytest.raises(Exception, match=r"another film|another size|has another"):
        client.predict(handle_file(recording), handle_file(picture), api_name="/gaze")
