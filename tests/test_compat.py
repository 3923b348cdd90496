"""torchvision imports beside this torch, once and for all, and a matching pair is left alone."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import REPOSITORY


def run_code(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_torchvision_and_what_stands_on_it_import_after_mending() -> None:
    code = (
        "from egma.compat import ensure_torchvision; ensure_torchvision(); ensure_torchvision()\n"
        "import torchvision.transforms.v2, timm, open_clip\n"
        "from transformers import BertModel; print(BertModel.__name__)"
    )
    assert run_code(code) == "BertModel"


def test_another_failure_of_torchvision_is_not_hidden() -> None:
    code = (
        "import importlib\nfrom egma import compat\n"
        "def broken(name): raise RuntimeError('libcudart is missing')\n"
        "importlib.import_module = broken\n"
        "try: compat.ensure_torchvision()\n"
        "except RuntimeError as error: print(error)"
    )
    assert run_code(code) == "libcudart is missing"


def test_a_torchvision_that_imports_is_left_alone() -> None:
    code = (
        "import sys, types; sys.modules['torchvision'] = types.ModuleType('torchvision')\n"
        "from egma.compat import ensure_torchvision; ensure_torchvision(); print('torch' in sys.modules)"
    )
    assert run_code(code) == "False"
