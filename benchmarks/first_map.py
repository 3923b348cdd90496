"""Film to first map, 1024x1024 JPEG DICOM: target 1.0 s in all, with what each part of it takes.

    python benchmarks/first_map.py [--film FILE.dcm] [--checkpoint egma-mini] [--rounds 10]

Without a film, noise in memory is used and reading is left out. Loading in a fresh process is timed too.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks._subject import load_subject, random_film
from egma.inference.engine import Engine
from egma.types import Study

TARGET_MS = 1000.0
_PARTS = ("read and decode", "pixel hash", "to model's size", "image tower", "phrase and map", "map in source pixels")
_FRESH = "import time; t = time.perf_counter(); import egma; egma.load_engine({name!r}); print(time.perf_counter() - t)"


def main() -> None:
    """Print the parts, their sum and the target; the image tower alone is the baseline."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--film", type=Path, default=_default_film())
    parser.add_argument("--checkpoint", default="egma-mini")
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    engine = load_subject(options.checkpoint)
    engine.warm_up()
    rows = [time_parts(engine, options.film, number) for number in range(options.rounds + 1)][1:]
    tower = [time_tower(engine, number) for number in range(options.rounds)]
    what = options.film.name if options.film else "noise in memory"
    print(f"{engine.checkpoint.name} on {engine.device}, {torch.get_num_threads()} threads, {what}, median ms")
    print(f"{'image tower alone':<22}{median(tower):9.1f}   (baseline)")
    for place, part in enumerate(_PARTS):
        print(f"{part:<22}{median(row[place] for row in rows):9.1f}")
    print(f"{'film to first map':<22}{median(sum(row) for row in rows):9.1f}   target {TARGET_MS:.0f}")
    if engine.checkpoint.folder and engine.checkpoint.folder.is_dir():
        done = subprocess.run(
            [sys.executable, "-c", _FRESH.format(name=str(engine.checkpoint.folder))],
            cwd=Path(__file__).resolve().parents[1],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        print(f"{'load in a fresh process':<22}{1000 * float(done.stdout):8.0f}   target 5000")


def time_parts(engine: Engine, film: Path | None, number: int) -> list[float]:
    """Milliseconds of each part for one film that the engine has not seen."""
    marks = [time.perf_counter()]
    study = _open(film, number)
    marks.append(time.perf_counter())
    _ = study.key
    marks.append(time.perf_counter())
    engine._to_model(study)
    marks.append(time.perf_counter())
    engine._films.clear()
    engine.embed_studies([study])
    marks.append(time.perf_counter())
    (found,) = engine.ground(study, [f"left pleural effusion {number}"])
    marks.append(time.perf_counter())
    _ = found.cosine
    marks.append(time.perf_counter())
    parts = [1000 * (later - earlier) for earlier, later in pairwise(marks)]
    parts[3] -= parts[2]  # embed_studies brings the film to the model's size again
    return parts


def time_tower(engine: Engine, number: int) -> float:
    """Milliseconds of the image tower on pixels that lie ready."""
    side = engine.checkpoint.config.image.input_px
    pixels = torch.from_numpy(random_film(side, number).pixels)[None]
    start = time.perf_counter()
    with torch.inference_mode():
        engine._model.embed_images(pixels.to(engine.device))
    return 1000 * (time.perf_counter() - start)


def _open(film: Path | None, number: int) -> Study:
    if film is None:
        return random_film(1024, number)
    import egma

    return egma.load_study(film)


def _default_film() -> Path | None:
    film = Path(__file__).resolve().parents[2] / "shared" / "data" / "dicom" / "siim_pneumothorax_1.dcm"
    return film if film.is_file() else None


if __name__ == "__main__":
    main()
