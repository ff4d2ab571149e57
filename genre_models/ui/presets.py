"""Beginnings to carry on, made for this app."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """Notes, and the key ("" leaves it to them), metre and tempo that go with them."""

    title: str
    notes: str
    key: str
    metre: str
    tempo: int  # quarter notes a minute

    @property
    def asks_for(self) -> str:
        """Key and metre for a person."""
        return f"{self.key or 'key from the notes'}, {self.metre}"


PRESETS = (
    Preset("Five wide steps", "A5 E5 C#5 B3 G6", "", "4/4", 120),
    Preset("Reel", "D5 F#5 A5 F#5 E5 F#5 E5 C#5 D5 B4 A4 F#4 G4 F#4 E4:1/4", "D major", "4/4", 190),
    Preset("Jig", "B4 G4 B4 D5:1/4 G5 F#5 E5 D5 C5 A4 F#4", "G major", "6/8", 170),
    Preset(
        "Slow air",
        "A4:1/4 C5:1/4 E5:1/4 D5:3/8 C5 B4:1/4 A4:1/4 B4 C5 A4:1/4 E4:3/4",
        "A minor",
        "3/4",
        84,
    ),
    Preset("Slip jig", "E4 G4 B4 B4 A4 G4 F#4:1/4 D4 E4 G4 B4 D5 C#5 A4 B4:3/8", "E dorian", "9/8", 180),
    Preset(
        "Hornpipe",
        "Bb4:3/16 C5:1/16 D5:3/16 Bb4:1/16 F5:1/4 D5:1/4 Eb5:3/16 D5:1/16 C5:3/16 A4:1/16 Bb4:1/4 F4:1/4",
        "Bb major",
        "4/4",
        144,
    ),
)
