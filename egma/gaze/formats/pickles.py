"""CXR-P and CXR-A come as Python pickles, which can run programs when opened: refused, with the way to convert them."""

from __future__ import annotations

from typing import NoReturn

from egma.errors import GazeError
from egma.gaze.formats.head import Head

# Protocol 2 and later start with this byte and their number; 0 and 1 with the first opcode of a dict or list.
PROTO = 0x80
LAST_PROTOCOL = 5
OLD_STARTS = (b"(dp", b"(lp", b"}q", b"]q", b"ccollections\n", b"c__builtin__\n", b"cnumpy", b"cpandas", b"ccopy_reg")

CONVERT = (
    'python -c "import json, pickle; json.dump({str(k): [[float(n) for n in row] for row in v] for k, v in '
    "pickle.load(open('in.pkl', 'rb')).items()}, open('out.json', 'w'))\""
)


def matches(head: Head) -> bool:
    """Whether this is a pickle of any protocol."""
    data = head.data
    if len(data) > 1 and data[0] == PROTO and data[1] <= LAST_PROTOCOL:
        return True
    return data.startswith(OLD_STARTS)


def load(_head: Head) -> NoReturn:
    """Refuse it. The bytes are never unpickled."""
    raise GazeError(
        "the file is a Python pickle, as CXR-P and CXR-A come; a pickle can run programs when opened, so it is not "
        f"read. If you trust it, convert it yourself and open the result: {CONVERT}"
    )
