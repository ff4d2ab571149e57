"""What a recording is of: music, or something that has no genre."""

from genre_models.sound.detector import KINDS, Sound, SoundDetector

__all__ = ["KINDS", "Sound", "SoundDetector"]
