"""A small keyboard to click notes in; the page's own script types them."""

from genre_models.melody.tune import SHARP_NAMES
from genre_models.ui.html import render

LENGTHS = (
    ("1/16", "sixteenth"),
    ("1/12", "triplet eighth"),
    ("1/8", "eighth"),
    ("3/16", "dotted eighth"),
    ("1/4", "quarter"),
    ("3/8", "dotted quarter"),
    ("1/2", "half"),
    ("3/4", "dotted half"),
    ("1", "whole"),
)


def keyboard() -> str:
    """Two octaves as HTML."""
    return render("melody_keyboard", names=SHARP_NAMES, lengths=LENGTHS)
