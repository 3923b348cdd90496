"""The device that is asked for, or one clear sentence."""

from __future__ import annotations

import pytest
import torch

from egma.device import choose_device
from egma.errors import SettingsError


def test_auto_always_finds_a_device() -> None:
    assert choose_device("auto").type in ("cpu", "cuda", "mps")
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["tpu", "", "cuda:x", "cpu:1", "auto:0"])
def test_an_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="wanted one of auto, cpu, cuda, mps"):
        choose_device(name)


def test_a_gpu_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match="cuda:99 was asked for"):
        choose_device("cuda:99")
