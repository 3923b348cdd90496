"""The five presets: what each trains, and the settings it starts from."""

from __future__ import annotations

from typing import Any

DESCRIPTIONS = {
    "demo": "New heads on synthetic phantoms with simulated gaze: two minutes, and maps that begin to point.",
    "probe": "Only the last linear layers, on frozen features: the quickest look at what a model knows.",
    "heads": "Heads, text projection and temperature, on frozen features: the usual first fine-tuning.",
    "lora": "Heads, and low-rank deltas on both towers: adapts the towers with few numbers. Wants a GPU.",
    "full": "Everything: towers, heads, temperature. Wants a GPU and much data.",
}

_VALUES: dict[str, dict[str, Any]] = {
    "demo": {
        "new_heads": True,
        "phantoms": 256,
        "validation_phantoms": 60,
        "epochs": 12,
        "batch": 32,
        "learning_rate": 2e-3,
        "contrastive_weight": 0.5,
        "label_alignment_weight": 0.5,
        "validate_every": 16,
        "best_by": "pointing",
        "precision": "float32",
        "patience": 0,
    },
    "probe": {"learning_rate": 1e-3, "epochs": 20, "batch": 64, "contrastive_weight": 0.0, "patience": 5},
    "heads": {},
    "lora": {"learning_rate": 2e-4, "tower_rate": 0.5, "epochs": 5, "batch": 16, "accumulation": 2, "augment": True},
    "full": {"learning_rate": 1e-4, "tower_rate": 0.1, "epochs": 10, "batch": 16, "accumulation": 2, "augment": True},
}


def preset_values(preset: str) -> dict[str, Any]:
    """What a preset sets apart from the defaults."""
    return dict(_VALUES[preset])
