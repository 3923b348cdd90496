"""BLEU, ROUGE-L, METEOR and their words equal the captioning toolkit's; labels agree with worked examples."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import numpy as np
import pytest
import torch

from egma.__main__ import main
from egma.errors import CheckpointError
from egma.evaluation.captions.chexbert import CONDITIONS, CheXbert
from egma.evaluation.captions.labels import label_by_rules, score_labels
from egma.evaluation.captions.meteor import find_jar, measure_meteor
from egma.evaluation.captions.ptb import PUNCTUATION, tokenize_texts
from egma.evaluation.captions.radgraph import measure_radgraph
from egma.evaluation.captions.scores import bleu, bleu_figures, rouge_figure, rouge_l
from egma.findings import FINDINGS

CASES = json.loads(Path(__file__).with_name("ptb_cases.json").read_text(encoding="utf-8"))
REFERENCES = (
    "The heart size is normal. Lungs are clear; no pneumothorax or effusion (see above).",
    "Small left-sided pleural effusion, 3.5 x 2.1 cm. No acute abnormality.",
    "There's mild cardiomegaly w/ vascular congestion. Follow-up in 3-4 weeks.",
    "1. Bibasilar atelectasis. 2. No focal consolidation.",
    "Stable PA/lateral chest. Tip of PICC line at T5-T6 level.",
    "No change since 11/24/2013.",
)
GENERATED = (
    "Heart size normal. The lungs are clear. No effusion.",
    "Moderate left pleural effusion. No pneumothorax.",
    "Mild cardiomegaly with pulmonary vascular congestion.",
    "Bibasilar atelectasis without focal consolidation.",
    "Stable chest. PICC line tip at T5-T6.",
    "",
)
# pycocoevalcap 1.2 on these pairs: PTBTokenizer, Bleu(4), Rouge, Meteor.
TOOLKIT_BLEU = (0.3610089554181077, 0.25015569257405373, 0.1339050729378082, 0.08758841840407287)
TOOLKIT_ROUGE = 0.44916237949972143
TOOLKIT_METEOR = 0.21418953009945169


def test_words_are_those_of_the_toolkits_tokenizer_on_every_recorded_text() -> None:
    texts = [text for text, _ in CASES]
    wanted = [words.split(" | ") for _, words in CASES]
    assert len(texts) > 1500
    assert tokenize_texts(texts) == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("PA/lateral views, 10.5 x 3 cm.", "pa/lateral views 10.5 x 3 cm"),
        ("It's 5% (approx.) and he doesn't.", "it 's 5 % -lrb- approx -rrb- and he does n't"),
        ("Dr. Smith vs. No. 5 [left]", "dr. smith vs. no. 5 -lsb- left -rsb-"),
        ("right-sided mid-to-lower lung", "right-sided mid-to-lower lung"),
        ("clear.Heart normal", "clear.heart normal"),
        ("...", ""),
        ("", ""),
    ],
)
def test_words_by_example(text: str, words: str) -> None:
    assert " ".join(tokenize_texts([text])[0]) == words


def test_a_line_break_inside_a_report_does_not_shift_the_others() -> None:
    assert tokenize_texts(["one\ntwo\r\nthree", "four\u2028five", "six"]) == [
        ["one", "two", "three"],
        ["four", "five"],
        ["six"],
    ]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("sign", ["a,", "<a ", "a.", "1,", "'", "a@", "a-", "https://", "((", "\u200b"])
def test_a_long_text_of_one_pattern_stays_cheap(sign: str) -> None:
    assert tokenize_texts([sign * 3_000, "after"])[1] == ["after"]


def test_words_equal_the_running_toolkit_on_openi_reports() -> None:
    jar = find_jar()
    if jar is None or which("java") is None:
        pytest.skip("pycocoevalcap or Java is not installed")
    from egma.data.openi import load_openi

    texts = [report.findings.replace("\n", " ") for report in load_openi()[:800] if report.findings]
    tokenizer = jar.parents[1] / "tokenizer" / "stanford-corenlp-3.4.1.jar"
    command = ["java", "-cp", str(tokenizer), "edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase"]
    done = subprocess.run(command, input="\n".join(texts).encode(), capture_output=True, check=True)
    lines = done.stdout.decode().split("\n")
    wanted = [[word for word in line.rstrip().split(" ") if word not in PUNCTUATION] for line in lines]
    assert tokenize_texts(texts) == wanted[: len(texts)]


def test_bleu_and_rouge_equal_the_toolkit() -> None:
    theirs, ours = tokenize_texts(REFERENCES), tokenize_texts(GENERATED)
    assert bleu(theirs, ours) == pytest.approx(TOOLKIT_BLEU, rel=1e-9)
    mean = sum(rouge_l(*pair) for pair in zip(theirs, ours, strict=True)) / len(ours)
    assert mean == pytest.approx(TOOLKIT_ROUGE, rel=1e-9)


def test_bleu_by_hand() -> None:
    # 2 of 3 words fit, 1 of 2 pairs, and the text is one word short of four.
    found = bleu([["a", "b", "c", "d"]], [["a", "b", "x"]])
    shortness = 2.718281828459045 ** (1 - 4 / 3)
    assert found[0] == pytest.approx(shortness * 2 / 3)
    assert found[1] == pytest.approx(shortness * (2 / 3 * 1 / 2) ** 0.5)


def test_rouge_by_hand() -> None:
    precision, recall = 2 / 3, 2 / 4
    wanted = (1 + 1.44) * precision * recall / (recall + 1.44 * precision)
    assert rouge_l(["a", "b", "c", "d"], ["a", "x", "c"]) == pytest.approx(wanted)
    assert rouge_l(["a"], []) == 0.0


def test_meteor_equals_the_toolkit_or_says_why_there_is_none() -> None:
    found = measure_meteor(tokenize_texts(REFERENCES), tokenize_texts(GENERATED))
    if find_jar() is None or which("java") is None:
        assert found.figure is None
        assert "Java" in found.reason or "pycocoevalcap" in found.reason
        return
    assert found.figure is not None
    assert found.figure.value == pytest.approx(TOOLKIT_METEOR, rel=1e-9)


def test_radgraph_is_none_and_says_why_where_the_package_is_missing_or_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if find_spec("radgraph") is None:
        assert measure_radgraph(REFERENCES, GENERATED) == (
            None,
            "RadGraph F1 needs the package radgraph and its weights: pip install radgraph",
        )
    (tmp_path / "radgraph.py").write_text("def F1RadGraph(**_):\n    raise OSError('no weights')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "radgraph", None)  # whatever is imported here is gone after the test
    monkeypatch.delitem(sys.modules, "radgraph")
    figure, reason = measure_radgraph(REFERENCES, GENERATED)
    assert figure is None and "failed (OSError)" in reason


def test_the_rules_label_a_report_by_its_sentences() -> None:
    found = label_by_rules(["Small pleural effusion. No pneumothorax.", "The lungs are clear.", ""])
    names = [[name for name, said in zip(FINDINGS, row, strict=True) if said] for row in found]
    assert names == [["Effusion"], ["No Finding"], []]


def test_label_f1_by_hand() -> None:
    references = ["Pleural effusion.", "Cardiomegaly.", "Cardiomegaly and pleural effusion."]
    generated = ["Pleural effusion.", "Pleural effusion.", "Cardiomegaly."]
    scores = score_labels(references, generated, label_by_rules, FINDINGS)
    # Effusion: 1 hit, 1 wrong, 1 missed. Cardiomegaly: 1 hit, 1 missed.
    assert scores.each == pytest.approx({"Cardiomegaly": 2 / 3, "Effusion": 1 / 2})
    assert scores.macro.value == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert scores.micro.value == pytest.approx(2 * 2 / (4 + 3))
    assert scores.support == {"Cardiomegaly": 2, "Effusion": 2}


def write_chexbert(path: Path, width: int = 64) -> Path:
    """Random weights in the layout of chexbert.pth, except that every report has an effusion."""
    from egma.model.bert import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=30522, hidden_size=width, num_hidden_layers=1, num_attention_heads=1, intermediate_size=32
    )
    state = {f"module.bert.{name}": tensor for name, tensor in BertModel(config).state_dict().items()}
    state["module.bert.pooler.dense.weight"] = torch.zeros(width, width)
    for place, name in enumerate(CONDITIONS):
        bias = torch.zeros(2 if name == "No Finding" else 4)
        bias[1 if name == "Pleural Effusion" else 0] = 100.0
        state[f"module.linear_heads.{place}.weight"] = torch.randn(len(bias), width)
        state[f"module.linear_heads.{place}.bias"] = bias
    torch.save({"model_state_dict": state}, path)
    return path


def test_chexbert_reads_its_authors_layout(tmp_path: Path) -> None:
    found = CheXbert(write_chexbert(tmp_path / "chexbert.pth"))(["Some report.", "Another, somewhat longer report."])
    assert found.shape == (2, 14)
    assert [CONDITIONS[column] for column in found[0].nonzero()[0]] == ["Pleural Effusion"]


def test_a_file_that_is_not_chexbert_is_refused_in_a_sentence(tmp_path: Path) -> None:
    torch.save({"model_state_dict": {"a": torch.zeros(2)}}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="word_embeddings"):
        CheXbert(tmp_path / "other.pth")
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(CheckpointError, match="no file of tensors"):
        CheXbert(tmp_path / "text.pth")


def write_pairs(path: Path, encoding: str = "utf-8") -> Path:
    with path.open("w", newline="", encoding=encoding) as stream:
        writer = csv.writer(stream)
        writer.writerow(["study", "truth", "draft"])
        writer.writerows((f"s{row}", *pair) for row, pair in enumerate(zip(REFERENCES, GENERATED, strict=True)))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_evaluate_reports_prints_the_contracts_names(
    encoding: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_pairs(tmp_path / "pairs.csv", encoding)
    command = ["evaluate", "reports", "--csv", str(table), "--reference-column", "truth", "--generated-column", "draft"]
    assert main([*command, "--json"]) == 0
    first = capsys.readouterr().out
    printed = json.loads(first)
    assert [printed[f"bleu_{order}"] for order in (1, 2, 3, 4)] == pytest.approx(TOOLKIT_BLEU, rel=1e-9)
    assert printed["rouge_l"] == pytest.approx(TOOLKIT_ROUGE, rel=1e-9)
    assert printed["n"] == len(REFERENCES)
    assert printed["meteor"] is not None or "METEOR" in printed["reasons"]["meteor"]
    assert printed["intervals"]["bleu_1"]["low"] <= printed["bleu_1"] <= printed["intervals"]["bleu_1"]["high"]
    assert printed["labels"]["rules"]["micro_f1"]["n"] == len(REFERENCES)
    assert main([*command, "--json"]) == 0
    assert capsys.readouterr().out == first


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"truth,draft\n", "no row"),
        (b"truth,other\na,b\n", "'draft' is missing"),
        (b"truth,draft,draft\na,b,c\n", "twice"),
        (b"truth,draft\na,b\n,c\n", "report 2: the reference is empty"),
        (b"truth,draft\na,b,c\n", "row 2: wanted 2 cells"),
        (b"truth,draft\n\xff\xfe\xfa,b\n", "not UTF-8"),
        (b"truth,draft\na\0,b\n", "zero bytes"),
        (b'truth,draft\n"a,b\n', "cannot|can be read|no table|wanted 2 cells"),
    ],
    ids=["empty", "no row", "no column", "twice", "no reference", "long row", "latin", "zeros", "open quote"],
)
def test_a_table_that_will_not_do_is_one_sentence(
    content: bytes, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import re

    (tmp_path / "pairs.csv").write_bytes(content)
    options = ["--reference-column", "truth", "--generated-column", "draft"]
    assert main(["evaluate", "reports", "--csv", str(tmp_path / "pairs.csv"), *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    assert re.search(sentence, captured.err)


def test_pairs_of_one_patient_are_drawn_together() -> None:
    right, wrong = ["the", "heart", "is", "enlarged", "."], ["no", "pneumothorax", "is", "seen", "."]
    references, generated = [right, right, wrong, wrong], [right, right, right, right]
    alone = rouge_figure(references, generated)
    together = rouge_figure(references, generated, np.array(["a", "a", "b", "b"]))
    assert alone.value == together.value
    # Two patients: half of the draws hold one of them twice, so the interval runs from the worse to the better one.
    assert (together.low, together.high) == (pytest.approx(rouge_l(wrong, right)), pytest.approx(1.0))
    assert bleu_figures(references, generated)[0] == bleu_figures(references, generated, np.arange(4))[0]
