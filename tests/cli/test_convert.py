"""`python -m egma convert`: every mistake is one sentence and exit status 2, and writes nothing."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from egma.__main__ import main
from tests.convert import layouts
from tests.convert.conftest import films as films  # noqa: PLC0414 - a fixture

Run = Callable[..., str]


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    return layouts.vit_tensors("medclip")


@pytest.fixture
def refused(tmp_path: Path, films: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command that must be refused, and gives its sentence."""

    def run(*arguments: object) -> str:
        capsys.readouterr()
        out = tmp_path / "out"
        status = main(["convert", *map(str, arguments), "--out", str(out), "--films", str(films)])
        printed = capsys.readouterr()
        assert status == 2 and printed.out == "" and not list(tmp_path.glob("*out*"))
        assert printed.err.count("\n") == 1 and "Traceback" not in printed.err
        return printed.err

    return run


@pytest.fixture
def towers(tmp_path: Path) -> tuple[object, ...]:
    image, text = layouts.write_towers(tmp_path / "towers")
    return "--image-tower", image, "--text-tower", text


def save(value: Any, folder: Path) -> Path:
    torch.save(value, folder / "pytorch_model.bin")
    return folder / "pytorch_model.bin"


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_with_code_in_it_is_refused_and_never_run(
    protocol: int, refused: Run, towers: tuple[object, ...], tmp_path: Path
) -> None:
    canary = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (str(canary),)

    file = tmp_path / "pytorch_model.bin"
    file.write_bytes(pickle.dumps({"logit_scale": Trap()}, protocol=protocol))
    refused("medclip", file, *towers)
    torch.save({"logit_scale": Trap()}, file)
    assert "would run code" in refused("medclip", file, *towers)
    folder = tmp_path / "clip"
    folder.mkdir()
    file.rename(folder / "open_clip_pytorch_model.bin")
    model = {"embed_dim": 8, "vision_cfg": {}, "text_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": model}))
    assert "would run code" in refused("open-clip", folder)
    assert not canary.exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"hello, this is a text file\n" * 9, "neither a PyTorch nor a safetensors file"),
        (b"", "neither a PyTorch nor a safetensors file"),
        (b"PK\x03\x04 cut short", "damaged or no PyTorch file"),
        (b"\x80\x02 not a pickle", "damaged or holds more than tensors"),
        (b"\x10\0\0\0\0\0\0\0{not json at all}", "damaged or no safetensors file"),
    ],
    ids=["text", "empty", "zip", "pickle", "safetensors"],
)
def test_a_wrong_file_is_one_sentence(
    content: bytes, sentence: str, refused: Run, towers: tuple[object, ...], tmp_path: Path
) -> None:
    file = tmp_path / "pytorch_model.bin"
    file.write_bytes(content)
    assert sentence in refused("medclip", file, *towers)


def test_an_archive_around_the_file_says_to_unpack_it(refused: Run, towers: tuple[object, ...], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "medclip-vit-pretrained.zip", "w") as archive:
        archive.writestr("vit/pytorch_model.bin", b"weights")
    assert "unpack it" in refused("medclip", tmp_path / "medclip-vit-pretrained.zip", *towers)


@pytest.mark.parametrize("value", [[1, 2], {}, {"epoch": 3}, {"state_dict": {"a": "b"}}, torch.zeros(3)])
def test_a_file_of_other_things_says_what_was_wanted(
    value: Any, refused: Run, towers: tuple[object, ...], tmp_path: Path
) -> None:
    assert "wanted" in refused("medclip", save(value, tmp_path), *towers)


def test_unknown_tensors_are_named(
    tensors: dict[str, Tensor], refused: Run, towers: tuple[object, ...], tmp_path: Path
) -> None:
    more = {"vision_model.model.adapter.weight": torch.zeros(2), "decoder.bias": torch.zeros(2)}
    sentence = refused("medclip", save(tensors | more, tmp_path), *towers)
    assert all(name in sentence for name in more)


def test_an_unknown_family_of_tensors_says_what_the_file_holds(
    refused: Run, towers: tuple[object, ...], tmp_path: Path
) -> None:
    sentence = refused("egma", save({"unet.down.0.weight": torch.zeros(2)}, tmp_path), *towers)
    assert "no egma file" in sentence and "unet.down.0.weight" in sentence
    sentence = refused("medclip", save({"visual.proj": torch.zeros(2, 2)}, tmp_path), *towers)
    assert "convert open-clip" in sentence


def test_the_other_familys_file_says_which_command_reads_it(
    tensors: dict[str, Tensor], refused: Run, towers: tuple[object, ...], tmp_path: Path
) -> None:
    assert "`convert medclip`" in refused("egma", save(tensors, tmp_path), *towers)
    assert "`convert egma`" in refused("medclip", save(layouts.vit_tensors("egma"), tmp_path), *towers)


def test_a_missing_tensor_is_named(
    tensors: dict[str, Tensor], refused: Run, towers: tuple[object, ...], tmp_path: Path
) -> None:
    less = {name: tensor for name, tensor in tensors.items() if not name.endswith("layernorm.bias")}
    sentence = refused("medclip", save(less, tmp_path), *towers)
    assert "'vision_model.model.layernorm.bias'" in sentence  # as the file would call it
    deep = "vision_model.model.encoder.layers.0.blocks.0.attention.self.query.weight"
    less = {name: tensor for name, tensor in tensors.items() if name != deep}
    assert repr(deep) in refused("medclip", save(less, tmp_path), *towers)
    word = "text_model.model.encoder.layer.0.attention.self.key.bias"
    less = {name: tensor for name, tensor in tensors.items() if name != word}
    assert repr(word) in refused("medclip", save(less, tmp_path), *towers)


@pytest.mark.parametrize("tower", ["swin", "clinicalbert"])
def test_a_checkpoint_for_other_sizes_names_a_tensor_and_both_shapes(
    tower: str, tensors: dict[str, Tensor], refused: Run, towers: tuple[object, ...], tmp_path: Path
) -> None:
    path = tmp_path / "towers" / tower / "config.json"
    change = {"embed_dim": 16} if tower == "swin" else {"intermediate_size": 96}
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    sentence = refused("medclip", save(tensors, tmp_path), *towers)
    assert "shape" in sentence and "want" in sentence


def test_values_that_are_not_finite_are_refused(
    tensors: dict[str, Tensor], refused: Run, towers: tuple[object, ...], tmp_path: Path
) -> None:
    name = "vision_model.projection_head.weight"
    sentence = refused("medclip", save(tensors | {name: tensors[name] * float("nan")}, tmp_path), *towers)
    assert name in sentence and "not finite" in sentence


def test_a_missing_tower_is_one_sentence(
    tensors: dict[str, Tensor], refused: Run, towers: tuple[Any, ...], tmp_path: Path
) -> None:
    file = save(tensors, tmp_path)
    image, text = towers[:2], towers[2:]
    assert "--image-tower is missing" in refused("medclip", file, *text)
    assert "--text-tower is missing" in refused("medclip", file, *image)
    assert "no folder" in refused("medclip", file, *image, "--text-tower", tmp_path / "nowhere")
    assert "no folder" in refused("medclip", file, *text, "--image-tower", tmp_path / "nowhere")
    assert "wanted the file's own BERT" in refused("medclip", file, *image, "--text-tower", image[1])
    assert "wanted the file's own Swin" in refused("medclip", file, *text, "--image-tower", text[1])
    assert "no file" in refused("medclip", tmp_path / "absent.bin", *towers)
    (text[1] / "vocab.txt").unlink()
    assert "neither tokenizer.json nor vocab.txt" in refused("medclip", file, *towers)


def test_damaged_tower_files_are_one_sentence(
    tensors: dict[str, Tensor], refused: Run, towers: tuple[Any, ...], tmp_path: Path
) -> None:
    file, folder = save(tensors, tmp_path), towers[3]
    (folder / "vocab.txt").write_text("no\nspecial\ntokens\n")
    assert "no BERT vocabulary" in refused("medclip", file, *towers)
    (folder / "vocab.txt").write_text("\n".join((*layouts.WORDS, "one", "more")))
    assert "not one tower's" in refused("medclip", file, *towers)
    (folder / "config.json").write_text("{cut")
    assert "is not JSON" in refused("medclip", file, *towers)


def test_open_clip_mistakes_are_one_sentence(refused: Run, tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    folder.mkdir()
    assert "holds no open_clip_config.json" in refused("open-clip", folder)
    (folder / "open_clip_config.json").write_text("{}")
    assert "model_cfg" in refused("open-clip", folder)
    model = {"embed_dim": 8, "vision_cfg": {}, "text_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": model}))
    assert "found weights: none" in refused("open-clip", folder)
    torch.save({"a": torch.zeros(1)}, folder / "open_clip_pytorch_model.bin")
    assert "no open_clip model" in refused("open-clip", folder)
    assert "is a file" in refused("open-clip", folder / "open_clip_config.json")
    assert "no folder, no hf-hub" in refused("open-clip", "ViT-Z-99")
    assert "TAG one of openai" in refused("open-clip", "ViT-B-32")


def test_a_hub_name_without_a_network_says_how_to_bring_the_folder(
    refused: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for name in ("hf-hub:nobody/nothing", "nobody/nothing", "ViT-B-32:openai"):
        sentence = refused("open-clip", name)
        assert "could not be asked" in sentence and "where there is a network" in sentence


def test_a_folder_with_other_things_is_left_alone(
    tensors: dict[str, Tensor], towers: tuple[object, ...], films: Path, tmp_path: Path, capsys: Any
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years")
    arguments = ["convert", "medclip", save(tensors, tmp_path), *towers, "--out", tmp_path / "home", "--films", films]
    assert main([*map(str, arguments)]) == 2
    assert "holds other things" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["thesis.txt"]


def test_films_that_are_none_are_said(
    tensors: dict[str, Tensor], towers: tuple[object, ...], tmp_path: Path, capsys: Any
) -> None:
    file = save(tensors, tmp_path)
    for folder in (tmp_path / "nowhere", tmp_path / "towers"):
        arguments = ["convert", "medclip", file, *towers, "--out", tmp_path / "out", "--films", folder]
        assert main([*map(str, arguments)]) == 2
        assert "--films" in capsys.readouterr().err


def test_a_file_that_was_cut_short_is_one_sentence(
    tensors: dict[str, Tensor], refused: Run, towers: tuple[object, ...], tmp_path: Path
) -> None:
    whole = save(tensors, tmp_path).read_bytes()
    for share in (0.1, 0.5, 0.99):
        (tmp_path / "pytorch_model.bin").write_bytes(whole[: int(share * len(whole))])
        assert "damaged or no PyTorch file" in refused("medclip", tmp_path / "pytorch_model.bin", *towers)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, tmp_path / "model.safetensors")
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    assert "damaged or no safetensors file" in refused("medclip", tmp_path / "model.safetensors", *towers)


def test_a_tensor_that_is_there_twice_or_no_plain_numbers_is_refused_by_name(
    tensors: dict[str, Tensor], refused: Run, towers: tuple[object, ...], tmp_path: Path
) -> None:
    name = "vision_model.projection_head.weight"
    assert "twice" in refused("medclip", save({**tensors, f"module.{name}": tensors[name]}, tmp_path), *towers)
    for odd in (tensors[name].to_sparse(), tensors[name].to("meta"), tensors[name].to(torch.complex64)):
        assert name in refused("medclip", save({**tensors, name: odd}, tmp_path), *towers)


@pytest.mark.parametrize(
    ("tower", "change"),
    [
        ("swin", {"embed_dim": 10_000_000}),
        ("swin", {"depths": [1, 1, 10_000_000, 1]}),
        ("swin", {"depths": []}),
        ("swin", {"num_heads": "many"}),
        ("swin", {"mlp_ratio": None}),
        ("clinicalbert", {"num_hidden_layers": 10_000_000}),
        ("clinicalbert", {"hidden_size": -1}),
        ("clinicalbert", {"num_attention_heads": True}),
        ("clinicalbert", {"num_attention_heads": 3}),
        ("clinicalbert", {"layer_norm_eps": "x"}),
        ("clinicalbert", {"pad_token_id": 1.5}),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, dict) else value,
)
def test_a_towers_config_of_nonsense_is_refused_before_a_model_is_built(
    tower: str,
    change: dict[str, Any],
    tensors: dict[str, Tensor],
    refused: Run,
    towers: tuple[object, ...],
    tmp_path: Path,
) -> None:
    path = tmp_path / "towers" / tower / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    sentence = refused("medclip", save(tensors, tmp_path), *towers)
    assert next(iter(change)) in sentence or "cannot be built" in sentence


def test_where_it_goes_is_looked_at_before_anything_is_read(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "taken.txt").write_text("words")
    for out, said in ((tmp_path / "taken.txt", "is a file"), (tmp_path / "bad name!", "name is letters")):
        assert main(["convert", "medclip", str(tmp_path / "absent.bin"), "--out", str(out)]) == 2
        assert said in capsys.readouterr().err
        assert main(["convert", "open-clip", str(tmp_path / "absent"), "--out", str(out)]) == 2
        assert said in capsys.readouterr().err


def test_an_import_replaces_a_checkpoint_as_a_whole_and_a_failed_one_leaves_it(
    tensors: dict[str, Tensor], towers: tuple[object, ...], films: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = [*map(str, ("medclip", save(tensors, tmp_path), *towers)), "--out", str(out), "--films", str(films)]
    assert main(["convert", *arguments]) == 0
    before = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    save(dict(list(tensors.items())[:-3]), tmp_path)
    assert main(["convert", *arguments]) == 2
    assert {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    save({**tensors, "logit_scale": torch.tensor(3.0)}, tmp_path)
    assert main(["convert", *arguments]) == 0
    assert (out / "model.safetensors").read_bytes() != before[Path("model.safetensors")]
    assert [path.name for path in tmp_path.glob("*out*")] == ["out"]
    assert not list(tmp_path.glob(".out*"))
