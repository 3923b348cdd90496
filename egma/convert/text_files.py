"""The two files a checkpoint keeps of a text tower, config.json and tokenizer.json, from whatever its folder holds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from egma.config import TowerFiles
from egma.convert.tower_config import read_tower_config
from egma.convert.weight_files import read_json
from egma.digest import digest_file
from egma.errors import CheckpointError

TEXT_FOLDER = "text"
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt")
_UNPUBLISHED = ("_name_or_path",)  # a folder of whoever saved the tower


def read_text_config(folder: Path | None) -> dict[str, Any]:
    """The config.json of `--text-tower`, which must be a BERT's."""
    if folder is None:
        raise CheckpointError("--text-tower is missing: a folder with Bio_ClinicalBERT's config.json and vocab.txt")
    return read_tower_config(folder, "--text-tower", ("bert",))


def write_text_files(settings: dict[str, Any], tokenizer: Path, root: Path) -> TowerFiles:
    """Write both files under `root` and pin them.

    Args:
        settings: the tower's config.json.
        tokenizer: folder with a tokenizer.json, or with the vocab.txt of a BERT, as Bio_ClinicalBERT's.
        root: draft folder; the files go into its TEXT_FOLDER.
    """
    target = root / TEXT_FOLDER
    target.mkdir(exist_ok=True)
    kept = {name: value for name, value in settings.items() if name not in _UNPUBLISHED}
    (target / "config.json").write_text(json.dumps(kept, indent=1, sort_keys=True), encoding="utf-8")
    write_tokenizer(tokenizer, target)
    _check_vocabulary(target / "tokenizer.json", settings.get("vocab_size"))
    files = {name: digest_file(target / name) for name in ("config.json", "tokenizer.json")}
    return TowerFiles(None, TEXT_FOLDER, files)


def has_tokenizer(folder: Path) -> bool:
    """Whether the folder holds a tokenizer that `write_tokenizer` reads."""
    return any((folder / name).is_file() for name in TOKENIZER_FILES)


def write_tokenizer(source: Path, target: Path) -> None:
    """tokenizer.json into the folder `target`: copied, or built of a BERT's vocab.txt."""
    if (source / "tokenizer.json").is_file():
        shutil.copyfile(source / "tokenizer.json", target / "tokenizer.json")
    elif (source / "vocab.txt").is_file():
        _build_wordpieces(source).save(str(target / "tokenizer.json"))
    else:
        raise CheckpointError(f"the folder {source.name!r} holds neither tokenizer.json nor vocab.txt; add one")


def _build_wordpieces(folder: Path) -> Any:
    """BERT's tokenizer as transformers builds it: lower-cased unless tokenizer_config.json says otherwise.

    Bio_ClinicalBERT has a cased vocabulary and no tokenizer_config.json, so that its words are lower-cased all the
    same; MedCLIP and EGMA were trained that way.
    """
    from tokenizers import BertWordPieceTokenizer

    path = folder / "tokenizer_config.json"
    options = read_json(path, f"the tokenizer_config.json in {folder.name!r}") if path.is_file() else {}
    try:
        return BertWordPieceTokenizer(
            str(folder / "vocab.txt"),
            lowercase=bool(options.get("do_lower_case", True)),
            strip_accents=options.get("strip_accents"),
            handle_chinese_chars=bool(options.get("tokenize_chinese_chars", True)),
        )
    except Exception as error:  # the Rust side raises bare exceptions: no UTF-8, or no [CLS] and [SEP] in the list
        raise CheckpointError(f"the vocab.txt in {folder.name!r} is no BERT vocabulary: {str(error)[:80]}") from None


def _check_vocabulary(path: Path, size: Any) -> None:
    """Every token must have a row in the tower's table of words."""
    from tokenizers import Tokenizer

    try:
        highest = max(Tokenizer.from_file(str(path)).get_vocab(with_added_tokens=True).values(), default=0)
    except Exception as error:  # as above
        raise CheckpointError(f"tokenizer.json cannot be read: {str(error)[:80]}; copy it again") from None
    if isinstance(size, int) and highest >= size:
        raise CheckpointError(
            f"the tokenizer knows token {highest}, the text tower's config.json has {size} words: not one tower's"
        )
