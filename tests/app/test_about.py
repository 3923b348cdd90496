"""The About tab: the list of checkpoints, and a card whose words and pictures may be anybody's."""

from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from app.pictures import CardPictures
from app.tabs.about_handlers import AboutHandlers
from egma.catalogue import CardPicture, CheckpointEntry, MeasuredFigure
from tests.app.conftest import send


@pytest.fixture
def about(services, engine, tmp_path):
    plot, broken = tmp_path / "plot.png", tmp_path / "broken.png"
    Image.new("RGB", (40, 30), "white").save(plot)
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    figures = (
        MeasuredFigure("auroc.findings.Mass", 0.7, 0.6, 0.8, 20),
        MeasuredFigure("auroc.macro", 0.7, 0.65, 0.75, 188),
        MeasuredFigure("calibration_error", 0.03, None, None, None),
    )
    entries = [
        *services.models.entries(),
        CheckpointEntry(
            "other",
            Path("other"),
            hash="ab" * 32,
            card="# Other",
            licence="MIT",
            figures=figures,
            pictures=(CardPicture(plot, "A plot"), CardPicture(broken, "Broken")),
        ),
        CheckpointEntry("bad", Path("bad"), problem="checkpoint bad: config.json is not JSON"),
        CheckpointEntry("bare", Path("bare"), hash="cd" * 32),
    ]
    services.models.list_entries = lambda: entries
    return AboutHandlers(services, CardPictures(services.folder.views))


def test_every_checkpoint_is_a_row_with_its_figure_or_its_sentence(about):
    rows = {row.name: row for row in about.show_in_use("tiny").rows.rows}
    assert rows["tiny"].in_use and not rows["other"].in_use
    assert rows["other"].headline == "AUROC 0.700 [0.650, 0.750]"
    assert rows["bad"].problem == "Checkpoint bad: config.json is not JSON."
    assert rows["bare"].headline == ""


def test_a_card_shows_hash_licence_figures_and_the_pictures_that_are_some(about, services):
    view = about.show_chosen("tiny", send(name="other"))
    assert (view.shown, view.words, view.rows.shown) == ("other", "# Other", "other")
    assert (view.card.hash, view.card.licence) == ("ab" * 32, "MIT")
    assert [(row.name, row.text, row.n) for row in view.card.figures] == [
        ("AUROC, mean over findings", "0.700 [0.650, 0.750]", 188),
        ("AUROC, Mass", "0.700 [0.600, 0.800]", 20),
        ("Calibration error", "0.030", None),
    ]
    assert [picture.caption for picture in view.card.pictures] == ["A plot"]
    assert Path(view.card.pictures[0].image.path).parent == services.folder.views
    assert view.use.visible and view.use.value == "Use other"
    assert about.use("other") == "other"


def test_a_broken_checkpoint_says_why_and_cannot_be_used(about):
    view = about.show_chosen("tiny", send(name="bad"))
    assert view.card.problem == "Checkpoint bad: config.json is not JSON."
    assert not view.use.visible
    assert not about.show_in_use("tiny").use.visible


def test_a_checkpoint_without_a_card_says_so(about):
    assert "no card" in about.show_chosen("tiny", send(name="bare")).words


@pytest.mark.parametrize("name", ["../etc", "gone", "", None, 3, ["x"]])
def test_a_card_that_is_not_on_the_list_is_one_sentence(about, name):
    if name == "":
        assert about.show_chosen("tiny", send(name=name)).shown == "tiny"
        return
    with pytest.raises(gr.Error, match="There is no checkpoint"):
        about.show_chosen("tiny", send(name=name))


def test_a_picture_is_drawn_anew_without_what_else_was_in_its_file(tmp_path):
    source, folder = tmp_path / "photo.jpg", tmp_path / "views"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x010E] = "DOE^JOHN"
    Image.new("RGB", (3000, 200), "red").save(source, exif=exif)
    source.write_bytes(source.read_bytes() + b"<script>alert(1)</script>")
    pictures = CardPictures(folder)
    drawn = pictures.draw(source)
    assert drawn is not None and drawn.parent == folder and drawn == pictures.draw(source)
    content = drawn.read_bytes()
    assert content.startswith(b"\x89PNG") and b"DOE" not in content and b"script" not in content
    with Image.open(drawn) as picture:
        assert picture.size[0] == 1600


@pytest.mark.parametrize("content", [b"", b"<svg onload=alert(1)>", b"GIF89a" + bytes(99), b"\xff\xd8\xff" + bytes(9)])
def test_what_is_no_picture_is_left_out_and_leaves_nothing_behind(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    folder = tmp_path / "views"
    folder.mkdir()
    assert CardPictures(folder).draw(tmp_path / "x.png") is None
    assert CardPictures(folder).draw(tmp_path / "absent.png") is None
    assert list(folder.iterdir()) == []


def test_a_picture_of_too_many_pixels_is_left_out(tmp_path):
    Image.new("1", (6000, 6000)).save(tmp_path / "x.png")
    assert CardPictures(tmp_path).draw(tmp_path / "x.png") is None
