"""What the framework adds to a training step: the job's loop against a bare one on ready batches; target under 10 %.

The bare loop is plain torch: forward, losses, backward, clipping, AdamW. The job's step does the same and builds its
batch, goes through accelerate, looks for numbers that are none, writes its event and its heartbeat.

python benchmarks/train_step.py [--checkpoint egma-mini] [--rounds 30] [--batch 32]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from egma.finetune.batches import Batch, places_of_pass
from egma.finetune.loop import Loop, freeze_statistics
from egma.finetune.run import Run, build_optimizer, build_run
from egma.finetune.settings import build_settings
from egma.jobs import running

TARGET = 0.10
WARM_UP = 3


def main() -> None:
    """Print both steps and the overhead; interleaved, so that a busy machine weighs on both alike."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", default="egma-mini")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()
    changes = {
        "base": options.checkpoint,
        "batch": options.batch,
        "phantoms": 2 * options.batch,
        "validation_phantoms": 4,
        "epochs": 10_000,
    }
    settings = build_settings("demo", changes)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "run", settings.device) as job:
        run, other = (build_run(settings, job.device) for _ in range(2))
        loop, bare = Loop(run, job.folder, job), BareLoop(other)
        found: dict[str, list[float]] = {"bare": [], "job": [], "batch": []}
        for number in range(options.rounds + WARM_UP):
            batch_s, batch = timed(lambda number=number: bare.build(number))
            bare_s, _ = timed(lambda batch=batch: bare.step(batch))
            job_s, _ = timed(loop.step)
            if number >= WARM_UP:
                for name, seconds in (("bare", bare_s), ("job", job_s), ("batch", batch_s)):
                    found[name].append(seconds)
        job.finish({})
    report(found, run, options.rounds)


class BareLoop:
    """Plain torch, nothing around it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.optimizer = build_optimizer(run)
        self.trained = [each for each in run.learner.parameters() if each.requires_grad]

    def build(self, number: int) -> Batch:
        """The batch of a step, outside its time."""
        settings = self.run.settings
        places = places_of_pass(len(self.run.data.train), settings.batch, settings.seed, number)
        return self.run.train.build(places.tolist(), number, self.run.device)

    def step(self, batch: Batch) -> None:
        """One step."""
        self.run.learner.train()
        freeze_statistics(self.run.learner)
        self.run.learner(batch)["loss"].backward()
        torch.nn.utils.clip_grad_norm_(self.trained, self.run.settings.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.run.learner.model.clamp_logit_scale()


def report(found: dict[str, list[float]], run: Run, rounds: int) -> None:
    """Medians, and the median of each round's own ratio, which a burst of load does not move."""
    overhead = median(job / bare - 1 for job, bare in zip(found["job"], found["bare"]))
    batch, threads = run.settings.batch, torch.get_num_threads()
    print(f"{run.base.name} on {run.device}, {threads} threads, batch {batch}, {rounds} rounds")
    print(f"bare step        {median(found['bare']) * 1000:8.1f} ms   (baseline: plain torch, batch at hand)")
    batch_ms = median(found["batch"]) * 1000
    print(f"job's step       {median(found['job']) * 1000:8.1f} ms   of which its batch {batch_ms:.1f} ms")
    verdict = "met" if overhead < TARGET else "missed"
    print(f"overhead         {overhead:8.1%}      target under {TARGET:.0%}: {verdict}")


def timed(work):  # type: ignore[no-untyped-def]
    """(seconds, result) of one call."""
    started = time.perf_counter()
    result = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    main()
