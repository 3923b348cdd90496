"""What the recipe's own checkpoint tells of itself in its card: head, what it learned from, where it fails."""

# ruff: noqa: E501 - rows of Markdown tables cannot be wrapped

from __future__ import annotations

from typing import Any

from egma.checkpoints import Checkpoint
from egma.evaluation.card_figures import unmeasured_findings, weak_findings
from egma.model.presets import TRUNKS
from egma.wording import three_digits


def is_of_recipe(checkpoint: Checkpoint) -> bool:
    """Whether `egma.finetune.mini` made it, whose sources and steps this module tells."""
    return {"recipe", "films"} <= set(checkpoint.config.training)


def write_origin(checkpoint: Checkpoint) -> str:
    """Head and training."""
    return _head(checkpoint) + "\n\n" + _training(checkpoint.config.training)


def _head(checkpoint: Checkpoint) -> str:
    config = checkpoint.config
    return f"""# {checkpoint.name}

**Research use only. Not for diagnosis.** A small model of the EGMA method (arXiv 2403.12416): a frontal chest film and
sentences in one space of {config.embed_dim} dimensions, with a map of where each sentence is found.

| | |
|---|---|
| Checkpoint | `{checkpoint.hash[:16]}` |
| Image tower | {_tower(config.image)} at {config.image.input_px} px, trained |
| Text tower | {config.text.name} (all-MiniLM-L6-v2, package `{_package(config.text.source)}`, Apache-2.0 upstream), frozen; a projection is trained |
| Maps | cosine of patches with a sentence, display range {config.display_range[0]} to {config.display_range[1]} |
| Findings | {", ".join(config.classify)} |
| Licence | the project's own for the weights; each source below keeps its own |

**Intended use**: studying text-to-image grounding, trying the workbench, a start for fine-tuning. **Not intended**: any
decision about a patient, films of children, laterals, CT, other body parts."""


def _tower(image: Any) -> str:
    """Each trunk with the package that its ImageNet weights came from."""
    names = image.name.split("+")
    told = [f"{name} (ImageNet start: package `{TRUNKS[name].package}`)" if name in TRUNKS else name for name in names]
    return " beside ".join(told)


def _package(source: Any) -> str:
    return str(source.package) if source is not None else "none"


def _training(training: dict[str, Any]) -> str:
    films = training.get("films", {})
    excluded = films.get("excluded", {})
    left_out = ", ".join(f"{count} ({licence})" for licence, count in sorted(excluded.items())) or "none"
    validation = training.get("validation", {})
    return f"""## What it learned from

- {films.get("train", 0)} frontal films of the training split: NIH ChestX-ray14 (no restriction; attribution: NIH Clinical
  Center), the COVID-19 image repository of Hannover Medical School (CC BY 3.0) and those of the COVID-19 image collection
  whose own licence allows it. Their labels are text-mined or a diagnosis, and noisy.
- Left out for their licence (non-commercial or unstated): {left_out} films.
- {films.get("validation", 0)} validation films chose stopping points, patch share, calibration and display range. No test film chose anything.
- Sentences of {training.get("reports", 0)} Open-i reports (Indiana University, CC BY-NC-ND 4.0) as the package torchxrayvision carries
  them, labelled by rules for negation; no text of them is in this checkpoint, only weights of a projection that were
  fitted with them. Beside them, composed phrases for, against and on a side of every finding.
- Synthetic phantoms with known lesions. **Gaze is simulated** from their masks (fixations with one-degree spread and a
  bias to the centre); nobody's eyes were recorded. On real films, weak anatomical priors say where "left", "right" and
  zones may lie.
- {_trunks(training)}
- A film's vector is laid out by what those layers answer, each finding along an axis of the shared space, and stays so;
  sentences were trained to point along the axes. So films are told apart by label supervision, words by sentences.
- Seed {training.get("recipe", {}).get("seed", 0)}. On validation: macro AUROC {three_digits(validation.get("auroc"))}, phantoms pointed at {three_digits(validation.get("pointing"))}.
- Again: `python -m egma.finetune.mini --data FOLDER --out checkpoints/egma-mini`, then
  `python -m egma evaluate card egma-mini --data FOLDER`."""


def _trunks(training: dict[str, Any]) -> str:
    """How each image trunk came to be, and how well a layer of its own did on validation."""
    found = training.get("trunk_validation_auroc")
    trunks = training.get("recipe", {}).get("trunks", [])
    if not found or len(found) != len(trunks):
        return "The image trunk was taken from an earlier run of the first stage, of an epoch chosen on validation."
    told = [
        f"{trunk['name']} at {trunk['size_px']} px, {trunk['epochs']} epochs, seed {trunk['seed']}: "
        + ("taken from an earlier run of the recipe (`--work`)" if auroc is None else f"{auroc:.3f}")
        for trunk, auroc in zip(trunks, found)
    ]
    return "Image trunks, each with the validation AUROC of a layer of its own: " + "; ".join(told) + "."


def write_limits(checkpoint: Checkpoint, figures: dict[str, Any]) -> str:
    """Where it fails."""
    return f"""## Where it fails

- Not measured on films (fewer than 10 positives): {unmeasured_findings(checkpoint, figures)}.
- Lower end of the interval under 0.6: {weak_findings(figures)}.
- About a thousand films from two hospitals' archives: another scanner, age group or country is another matter.
- Maps were taught on phantoms; on films they are a hint of what the score rests on, not an outline. A strong patch
  may be a tube, a marker or a border.
- Infiltration, consolidation and pneumonia overlap in the labels, hence in the answers.
- It has never seen a lateral, and says something about any picture: heed the warning about the view."""
