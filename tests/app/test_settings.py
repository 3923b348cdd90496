"""Command line and environment: what counts, and one sentence for what does not."""

import pytest

from app.settings import load_settings
from egma.errors import SettingsError


def test_defaults_listen_on_this_machine_alone_and_open_the_browser():
    settings = load_settings([], {})
    assert (settings.host, settings.port, settings.checkpoint) == ("127.0.0.1", 7860, "egma-mini")
    assert settings.open_browser
    assert not settings.is_open_to_others


def test_the_command_line_counts_before_the_environment(tmp_path):
    environ = {"EGMA_HOST": "0.0.0.0", "EGMA_PORT": "9000", "EGMA_CHECKPOINT": "a", "EGMA_DATA": str(tmp_path)}
    settings = load_settings(["--port", "9001", "--checkpoint", "b"], environ)
    assert (settings.host, settings.port, settings.checkpoint) == ("0.0.0.0", 9001, "b")
    assert settings.data == tmp_path.resolve()
    assert settings.is_open_to_others
    assert settings.address == "http://127.0.0.1:9001"


def test_an_empty_environment_variable_counts_as_unset():
    assert load_settings([], {"EGMA_PORT": "  "}).port == 7860


@pytest.mark.parametrize(
    ("arguments", "environ", "named"),
    [
        pytest.param(["--port", "abc"], {}, "--port", id="a word as port"),
        pytest.param(["--port", "0"], {}, "--port", id="port 0"),
        pytest.param(["--port", "65536"], {}, "--port", id="a port too high"),
        pytest.param(["--port", "-1"], {}, "port", id="a negative port"),
        pytest.param(["--port", "٣"], {}, "--port", id="a digit of another script"),
        pytest.param(["--port", "9" * 5000], {}, "--port", id="five thousand digits"),
        pytest.param([], {"EGMA_PORT": "80 80"}, "EGMA_PORT", id="a bad port in the environment"),
        pytest.param(["--host", "http://x"], {}, "--host", id="an address with a scheme"),
        pytest.param(["--host", ""], {}, "--host", id="an empty host"),
        pytest.param(["--checkpoint", ""], {}, "--checkpoint", id="an empty checkpoint"),
        pytest.param(["--data", "a\0b"], {}, "--data", id="a zero character in the folder"),
        pytest.param(["--data", "/proc/nowhere/x"], {}, "--data", id="a folder that cannot be made"),
        pytest.param(["--colour"], {}, "colour", id="an unknown option"),
        pytest.param(["film.dcm"], {}, "film.dcm", id="a stray argument"),
        pytest.param(["--port"], {}, "--port", id="an option without its value"),
    ],
)
def test_a_bad_value_is_refused_by_name_in_one_sentence(arguments, environ, named):
    with pytest.raises(SettingsError) as caught:
        load_settings(arguments, environ)
    sentence = str(caught.value)
    assert named in sentence
    assert "\n" not in sentence
    assert len(sentence) < 300


def test_a_file_as_data_folder_is_refused(tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(SettingsError, match="is a file"):
        load_settings(["--data", str(file)], {})


def test_a_new_data_folder_is_made_when_asked_for_but_the_default_is_not(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    load_settings([], {})
    assert list(tmp_path.iterdir()) == []
    assert load_settings(["--data", str(tmp_path / "new")], {}).data.is_dir()


def test_a_space_listens_as_the_platform_asks_and_keeps_nothing():
    settings = load_settings([], {"SPACE_ID": "somebody/egma", "EGMA_DATA": "/anywhere"})
    assert (settings.host, settings.port) == ("0.0.0.0", 7860)
    assert settings.on_space
    assert settings.data is None
    assert not settings.open_browser
