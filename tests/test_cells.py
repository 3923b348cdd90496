"""Cells that a spreadsheet must not run, and numbers that must stay numbers."""

from __future__ import annotations

import csv
import io

import pytest

from egma.cells import csv_text, safe_cell


@pytest.mark.parametrize(
    "cell",
    [
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1+1",
        "\u00a0=1",
        " \t=1",
        "\0=1",
        "=",
        "-",
    ],
)
def test_a_cell_that_starts_a_formula_is_text(cell):
    assert safe_cell(cell).startswith("'")


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("No effusion.", "No effusion."),
        (-0.25, "-0.25"),
        (7, "7"),
        (None, ""),
        ("", ""),
        ("\u00a0a", "\u00a0a"),
        ("a=b", "a=b"),
        ("5-6", "5-6"),
    ],
)
def test_other_cells_stay_as_they_are(cell, written):
    assert safe_cell(cell) == written


def test_a_file_reads_back_whatever_its_cells_hold():
    rows = [("CXR1", 'He said "clear", then\nleft.'), ("=1", "a,b;c")]
    read = list(csv.reader(io.StringIO(csv_text(("id", "-text"), rows), newline="")))
    assert read == [["id", "'-text"], ["CXR1", 'He said "clear", then\nleft.'], ["'=1", "a,b;c"]]
