"""The layers hold: the core knows no page, imports stay light, nothing reaches outside."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

HEAVY = (
    "torch",
    "torchvision",
    "transformers",
    "timm",
    "open_clip",
    "pydicom",
    "gradio",
    "matplotlib",
    "faiss",
    "numpy",
)


def modules_of(package: str) -> list[Path]:
    return sorted((REPOSITORY / package).rglob("*.py"))


def imported_names(module: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("module", modules_of("egma"), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_the_core_imports_neither_the_page_nor_gradio(module: Path) -> None:
    roots = {name.split(".")[0] for name in imported_names(module)}
    assert not roots & {"gradio", "app"}


@pytest.mark.parametrize("package", ["egma", "app"])
def test_only_the_tests_assert(package: str) -> None:
    for module in modules_of(package):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)], module


def test_importing_egma_loads_nothing_heavy() -> None:
    code = f"import sys, egma, egma.__main__; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout.strip() == "[]"


def test_every_public_name_of_egma_resolves() -> None:
    import egma

    assert all(getattr(egma, name) is not None for name in egma.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = egma.nonsense


def test_the_package_app_wins_over_the_file_app_py() -> None:
    code = "import app; print(app.__file__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout.strip().endswith("app/__init__.py")


def test_the_page_is_built_before_anything_of_a_model_is_imported() -> None:
    """The model loads behind the page: who imports torch with it makes every start seconds slower."""
    slow = [*(name for name in HEAVY if name not in ("gradio", "numpy")), "scipy", "accelerate", "peft", "polars"]
    code = f"import sys, app.page; print([name for name in {slow!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout.strip() == "[]"
