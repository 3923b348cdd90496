"""Files that must be refused in one sentence: bombs, two-faced files, cut ones. Small on disk, large when trusted."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from egma.testing.dicom import build_bytes, build_dataset, write_dicom


def write_deflated_bomb(path: Path, megabytes: int = 2000) -> Path:
    """A deflated DICOM film of a few hundred kB or MB whose data set unpacks to `megabytes` MB of zeros."""
    head = build_bytes(build_dataset(np.zeros((8, 8), np.uint16)), None, DeflatedExplicitVRLittleEndian)
    (length,) = struct.unpack_from("<I", head, 140)
    element = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, megabytes * 1_000_000)
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    inner = zlib.decompress(head[144 + length :], -zlib.MAX_WBITS)
    block = bytes(1_000_000)
    parts = [deflater.compress(inner + element), *(deflater.compress(block) for _ in range(megabytes))]
    path.write_bytes(head[: 144 + length] + b"".join(parts) + deflater.flush())
    return path


def write_size_bomb(path: Path, rows: int = 65535, columns: int = 65535, frames: int | None = None) -> Path:
    """A DICOM film that declares far more pixels than it holds."""
    tags = {"Rows": rows, "Columns": columns, "NumberOfFrames": frames}
    return write_dicom(path, np.zeros((8, 8), np.uint16), tags=tags)


def write_rle_bomb(path: Path, side: int = 20_000) -> Path:
    """An RLE film of a few hundred kB that declares and unpacks to `side` x `side` pixels."""
    dataset = build_dataset(np.zeros((8, 8), np.uint8), tags={"Rows": side, "Columns": side})
    runs = b"\x81\x00" * (side * side // 128)
    frame = struct.pack("<16I", 1, 64, *([0] * 14)) + runs
    from pydicom.encaps import encapsulate

    dataset.add_new("PixelData", "OB", encapsulate([frame + b"\0" * (len(frame) % 2)]))
    dataset["PixelData"].is_undefined_length = True
    path.write_bytes(build_bytes(dataset, None, RLELossless))
    return path


def write_polyglot(path: Path, face: bytes = b"MZ\x90\x00") -> Path:
    """A valid DICOM film whose preamble starts another file type."""
    return write_dicom(path, np.zeros((8, 8), np.uint16), preamble=face.ljust(128, b"\0"))


def write_truncated(path: Path, keep: float = 0.5) -> Path:
    """A film of which only the first share of the bytes arrived."""
    ramp = np.arange(128 * 128, dtype=np.uint16).reshape(128, 128)
    data = build_bytes(build_dataset(ramp), ramp)
    path.write_bytes(data[: int(len(data) * keep)])
    return path


def write_png_bomb(path: Path, side: int = 12_000) -> Path:
    """A grey PNG of `side` x `side` black pixels: a few hundred kB."""
    deflater = zlib.compressobj(9)
    row = bytes(side + 1)
    data = b"".join(deflater.compress(row) for _ in range(side)) + deflater.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks))
    return path


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
