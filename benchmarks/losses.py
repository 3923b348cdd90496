"""How much faster the batched losses are than a loop over studies, and what the gaze terms cost beside a training step.

    python benchmarks/losses.py [--repeats 5] [--threads 1] [--no-step]

Forward and backward, medians of alternating runs, at the paper's batch (40 studies, 14x14 patches, 1 to 12 sentences,
D = 512, half of the studies with gaze):
1. each term and the total against two loops over studies: the plain one, which indexes the batch where it needs a
   study, as the equations read (target for the total: at least 10 times), and one that takes the batch apart once, so
   that its backward writes no batch-sized gradient a pair. The second does the same arithmetic as the batched form;
   its ratio is bounded by the one matrix product that both must do;
2. values and gradients of all three, which must agree;
3. the gaze terms' share of a training step of Swin-Tiny and BERT-base with random weights (target: below 5 %).

One thread by default: on a shared machine, waiting for a second core measures the neighbours.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from egma.model import losses

STUDIES, PATCHES, SENTENCES, WIDTH = 40, 196, 12, 512
SCALE = 1 / 0.07
TOKENS = 24


@dataclass(frozen=True)
class Batch:
    """patches (B, N, D), sentences (B, M, D), mask (B, M), gaze (B, M, N), has_gaze (B,): half of the studies."""

    patches: Tensor
    sentences: Tensor
    mask: Tensor
    gaze: Tensor
    has_gaze: Tensor

    def clear(self) -> None:
        """Drop the gradients."""
        self.patches.grad = self.sentences.grad = None


def build_batch(seed: int = 0) -> Batch:
    """A seeded batch with 1 to 12 sentences a study."""
    generator = torch.Generator().manual_seed(seed)
    patches = F.normalize(torch.randn(STUDIES, PATCHES, WIDTH, generator=generator), dim=-1).requires_grad_()
    sentences = F.normalize(torch.randn(STUDIES, SENTENCES, WIDTH, generator=generator), dim=-1).requires_grad_()
    count = torch.randint(1, SENTENCES + 1, (STUDIES, 1), generator=generator)
    gaze = torch.rand(STUDIES, SENTENCES, PATCHES, generator=generator)
    return Batch(patches, sentences, torch.arange(SENTENCES) < count, gaze, torch.arange(STUDIES) % 2 == 0)


class Study(Protocol):
    """patches (N, D), real sentences (m, D), their heat (m, N), and whether the study was recorded."""

    @property
    def patches(self) -> Tensor: ...
    @property
    def sentences(self) -> Tensor: ...
    @property
    def heat(self) -> Tensor: ...
    @property
    def gazed(self) -> bool: ...


@dataclass(frozen=True)
class PlainStudy:
    """Study i of a batch: every look indexes the batch."""

    batch: Batch
    i: int

    @property
    def patches(self) -> Tensor:
        return self.batch.patches[self.i]

    @property
    def sentences(self) -> Tensor:
        return self.batch.sentences[self.i][self.batch.mask[self.i]]

    @property
    def heat(self) -> Tensor:
        return self.batch.gaze[self.i][self.batch.mask[self.i]]

    @property
    def gazed(self) -> bool:
        return bool(self.batch.has_gaze[self.i])


class TakenStudy(NamedTuple):
    """A study indexed once."""

    patches: Tensor
    sentences: Tensor
    heat: Tensor
    gazed: bool


Studies = Sequence[Study]


def plain_studies(batch: Batch) -> list[PlainStudy]:
    return [PlainStudy(batch, i) for i in range(len(batch.patches))]


def take_apart(batch: Batch) -> list[TakenStudy]:
    parts = zip(batch.patches.unbind(), batch.sentences.unbind(), batch.mask, batch.gaze, batch.has_gaze.tolist())
    return [TakenStudy(film, rows[keep], heat[keep], gazed) for film, rows, keep, heat, gazed in parts]


def loop_contrastive(studies: Studies) -> Tensor:
    """L_con, pair by pair."""
    i2t, t2i = [], []
    for film in studies:
        scores = [SCALE * film.patches @ report.sentences.T for report in studies]
        i2t.append(torch.stack([score.amax(dim=1).mean() for score in scores]))
        t2i.append(torch.stack([score.amax(dim=0).mean() for score in scores]))
    towards = torch.arange(len(studies))
    return (F.cross_entropy(torch.stack(i2t), towards) + F.cross_entropy(torch.stack(t2i).T, towards)) / 2


def loop_alignment(studies: Studies) -> Tensor:
    """L_EGF, study by study."""
    found = []
    for study in studies:
        if study.gazed:
            score, label = SCALE * study.sentences @ study.patches.T, losses.binarise_gaze(study.heat)
            found.append(0.8 * loop_row(score, label) + 0.2 * loop_row(score.T, label.T))
    return torch.stack(found).mean()


def loop_row(score: Tensor, label: Tensor) -> Tensor:
    repel = torch.log1p((score.exp() * ~label).sum(dim=1))
    return (repel + torch.log1p(((-score).exp() * label).sum(dim=1))).mean()


def loop_mapping(studies: Studies) -> Tensor:
    """L_EGM, study by study, with the rebuilt vectors formed."""
    found = []
    for study in studies:
        film, sentences = study.patches, study.sentences
        text, image = losses.gaze_mapping(film, sentences, study.heat if study.gazed else None)
        if len(sentences) == 1:
            found.append(0.3 * (text - sentences).square().sum())
        else:
            found.append(0.3 * loop_info_nce(text, sentences) + 0.7 * loop_info_nce(image, film))
    return torch.stack(found).mean()


def loop_info_nce(rebuilt: Tensor, original: Tensor) -> Tensor:
    logits, towards = SCALE * rebuilt @ original.T, torch.arange(len(original))
    return (F.cross_entropy(logits, towards) + F.cross_entropy(logits.T, towards)) / 2


def loop_total(studies: Studies) -> Tensor:
    """The method's total, study by study."""
    return loop_contrastive(studies) + loop_alignment(studies) + loop_mapping(studies)


def batched_contrastive(batch: Batch) -> Tensor:
    return losses.contrastive_loss(*losses.instance_similarity(batch.patches, batch.sentences, batch.mask, SCALE))


def batched_alignment(batch: Batch) -> Tensor:
    labels = losses.binarise_gaze(batch.gaze)
    return losses.gaze_alignment_loss(batch.patches, batch.sentences, batch.mask, labels, batch.has_gaze, SCALE)


def batched_mapping(batch: Batch) -> Tensor:
    return losses.gaze_mapping_loss(batch.patches, batch.sentences, batch.mask, batch.gaze, batch.has_gaze, SCALE)


def batched_total(batch: Batch) -> Tensor:
    return losses.egma_loss(batch.patches, batch.sentences, batch.mask, batch.gaze, batch.has_gaze, SCALE).total


TERMS: dict[str, tuple[Callable[[Studies], Tensor], Callable[[Batch], Tensor]]] = {
    "L_con": (loop_contrastive, batched_contrastive),
    "L_EGF": (loop_alignment, batched_alignment),
    "L_EGM": (loop_mapping, batched_mapping),
    "total": (loop_total, batched_total),
}


def time_alternating(runs: dict[str, Callable[[], Tensor]], batch: Batch, repeats: int) -> dict[str, float]:
    """Median seconds of forward and backward, the runs taking turns; the first round does not count."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats + 1):
        for name, run in runs.items():
            batch.clear()
            start = time.perf_counter()
            run().backward()
            taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(times[1:]) for name, times in taken.items()}


def compare_terms(batch: Batch, repeats: int) -> dict[str, float]:
    """Print a line a term; the batched forms' seconds."""
    print(f"{'':6}{'plain loop':>14}{'taken apart':>14}{'batched':>14}{'ratios':>16}")
    batched_s = {}
    for name, (loop, batched) in TERMS.items():
        runs: dict[str, Callable[[], Tensor]] = {
            "plain": lambda loop=loop: loop(plain_studies(batch)),
            "apart": lambda loop=loop: loop(take_apart(batch)),
            "batched": lambda batched=batched: batched(batch),
        }
        check_agreement(name, runs, batch)
        took = time_alternating(runs, batch, repeats)
        cells = "".join(f"{took[run] * 1e3:11.1f} ms" for run in runs)
        print(
            f"{name:6}{cells}{took['plain'] / took['batched']:8.1f}{took['apart'] / took['batched']:8.1f}", flush=True
        )
        batched_s[name] = took["batched"]
    return batched_s


def check_agreement(name: str, runs: dict[str, Callable[[], Tensor]], batch: Batch) -> None:
    """Stop where the forms differ by more than rounding, in value or gradient."""
    found = []
    for run in runs.values():
        batch.clear()
        value = run()
        value.backward()
        found.append((value.detach(), batch.patches.grad, batch.sentences.grad))
    for other in found[:-1]:
        for mine, theirs in zip(found[-1], other):
            if not torch.allclose(mine, theirs, rtol=1e-3, atol=1e-5):
                raise SystemExit(f"{name}: the batched form differs from the loop by {(mine - theirs).abs().max():.2g}")


def time_step(studies: int, sentences: int) -> float:
    """Seconds of one forward and backward of Swin-Tiny (224 px) and BERT-base (random weights), the faster of two."""
    from egma.compat import ensure_torchvision

    ensure_torchvision()
    from transformers import BertConfig, BertModel, SwinConfig, SwinModel

    image, text = SwinModel(SwinConfig()).train(), BertModel(BertConfig()).train()
    pixels, tokens = torch.randn(studies, 3, 224, 224), torch.randint(0, 30000, (sentences, TOKENS))
    taken = []
    for _ in range(2):
        start = time.perf_counter()
        (image(pixels).last_hidden_state.mean() + text(tokens).last_hidden_state.mean()).backward()
        taken.append(time.perf_counter() - start)
    return min(taken)


def compare_step(batch: Batch, batched_s: dict[str, float]) -> None:
    """Print the gaze terms' share: both on their own (the total shares their cosines), beside a tenth of the batch."""
    tenth = STUDIES // 10
    towers_s = 10 * time_step(tenth, int(batch.mask.sum()) // 10)
    gaze_s = batched_s["L_EGF"] + batched_s["L_EGM"]
    step_s = towers_s + batched_s["L_con"] + gaze_s
    print(
        f"towers, {STUDIES} films and {int(batch.mask.sum())} sentences of {TOKENS} tokens: {towers_s:.1f} s "
        f"(ten times a step of {tenth} films)"
    )
    print(
        f"gaze terms: {gaze_s * 1e3:.1f} ms, {gaze_s / step_s:.2%} of the step; all losses "
        f"{batched_s['total'] / step_s:.2%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-step", action="store_true", help="leave the towers out")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    batch = build_batch()
    print(f"torch {torch.__version__}, {arguments.threads} thread(s), {int(batch.mask.sum())} sentences")
    batched_s = compare_terms(batch, arguments.repeats)
    if not arguments.no_step:
        compare_step(batch, batched_s)


if __name__ == "__main__":
    main()
