"""Where the files lie that come with the app."""

from pathlib import Path

ASSETS = Path(__file__).resolve().parent.parent / "assets"
BUNDLED_WEIGHTS = ASSETS / "weights"
METRICS = ASSETS / "metrics"
