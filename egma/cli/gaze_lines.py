"""The answer of `python -m egma gaze` as lines for people."""

from __future__ import annotations

from typing import Any

from egma.cli.gaze_expected import print_expected
from egma.wording import counted, three_digits


def print_lines(result: dict[str, Any]) -> None:
    """Print what a recording holds, then regions, measures and expected gaze where they were asked for."""
    if "fixations" in result:
        _print_recording(result)
    if "expected" in result:
        print_expected(result["expected"])


def _print_recording(result: dict[str, Any]) -> None:
    label = "simulated recording" if result["simulated"] else "recording"
    print(f"{result['source']} {label}: {counted(result['fixations'], 'fixation')} in {result['duration_s']:.1f} s")
    if result["samples"]:
        print(f"from {result['samples']} samples")
    if result["off_image"]:
        print(f"{result['off_image']} of them off the film or in a blink")
    for sentence in result["sentences"]:
        print(f"  {sentence['start_s']:7.2f} s  {sentence['fixations']:3d} fixations  {sentence['text']}")
    for region in result.get("regions", []):
        first = region["first_look_s"]
        when = "never looked at" if first is None else f"first look {first:.2f} s"
        print(
            f"  {region['region']}: {when}, dwell {region['dwell_s']:.2f} s ({region['dwell_share']:.0%}), "
            f"{region['visits']} visits, coverage {region['coverage']:.0%}"
        )
    for row in result.get("measures", []):
        print(f"  {row['sentence']}")
        for name, values in row["values"].items():
            model, ceiling, floor = (three_digits(values[each]) for each in ("model", "ceiling", "floor"))
            print(f"    {name}: {model}, ceiling {ceiling}, floor {floor}")
