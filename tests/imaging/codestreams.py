"""Compressed frames for which no encoder is installed: small, made by OpenJPH 0.26 and libjpeg-turbo 3, as base64."""

from __future__ import annotations

import base64

import numpy as np

# HTJ2K, lossless, 12 bits: 16 rows x 24 columns of (97 x + 61 y) mod 4096.
HTJ2K_LOSSLESS = base64.b64decode(
    "/0//UQApQAAAAAAYAAAAEAAAAAAAAAAAAAAAGAAAABAAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgABAAUEBEAB/1wAEyCIkJCQkJCQkJCQkJCQ"
    "iIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAJkAAf+TwAAmh/cFB3QAwAATAPz8Awd0AMAAEsAAE4DtAId0AFrU4gCiNADAABPAABVA"
    "dNP9ggt0ACqqUPEAEIB3VgDAABUwAAV4srKystpxgnUAECEgICAg/uAY9jGB7LgAwAAr4AAWwEAgEAgEAoHz+np6cQJ4AHgcx3Ecx3Ecx/8QAQge/YQg"
    "e/YQgey/AP/Z"
)
# JPEG extended, 12 bits, quality 95: 16 rows x 24 columns of 100 (x + y).
JPEG_12_BIT = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDAsKDAkK"
    "Cgr/wQALDAAQABgBAREA/8QAFQABAQAAAAAAAAAAAAAAAAAADA3/xAAbEAABBAMAAAAAAAAAAAAAAAALACg3RVRicv/aAAgBAQAAPwCV3g4QcMQNAwaL"
    "nVMgAcIOGIGgYNFzqmQAOEHDEDQMGi51Q38HCDhiBoGDRc6pkADhBwxA0DBoudUyABwg4YgaBg0XOq//2Q=="
)

_ROWS, _COLUMNS = np.mgrid[0:16, 0:24]
HTJ2K_VALUES = ((_COLUMNS * 97 + _ROWS * 61) % 4096).astype(np.uint16)
JPEG_12_BIT_VALUES = (100 * (_COLUMNS + _ROWS)).astype(np.uint16)
