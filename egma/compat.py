"""Makes torchvision importable beside a CPU build of torch, so that timm, open_clip and transformers are.

The registry's torchvision 0.28.0 is built against a torch with CUDA. Beside a CPU torch its compiled part is not
loaded, and the import dies at `operator torchvision::nms does not exist`, taking with it every library that imports
torchvision. Declaring the two schemas its Python side registers fake kernels for is enough for transforms, models and
all that stands on them; `ops.nms` itself stays unusable.
"""

from __future__ import annotations

import importlib
import sys
import threading

_SCHEMAS = ("nms", "qnms")
_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_MISSING = "torchvision::nms does not exist"
_lock = threading.Lock()


def ensure_torchvision() -> None:
    """Import torchvision, mended only where it does not match torch. Call before timm, open_clip and transformers."""
    with _lock:
        try:
            importlib.import_module("torchvision")
        except RuntimeError as error:
            if _MISSING not in str(error):
                raise
            _declare_schemas()
            importlib.import_module("torchvision")


def _declare_schemas() -> None:
    import torch

    for name in [name for name in sys.modules if name == "torchvision" or name.startswith("torchvision.")]:
        del sys.modules[name]
    for name in _SCHEMAS:
        torch.library.define(f"torchvision::{name}", _SIGNATURE)
