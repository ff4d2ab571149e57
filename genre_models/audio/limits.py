"""What the models take for a clip, and the error for what is none."""

SAMPLE_RATE = 22_050  # Hz, of everything the models see
SEGMENT_S = 6
SEGMENT_SAMPLES = SEGMENT_S * SAMPLE_RATE  # 132,300: the notes cut a clip of 30 s into five
MIN_S = 1  # shorter clips are refused; shortfalls and tails below it are not worth a word
MAX_S = 10 * 60  # longer recordings are read up to here

MIN_FILE_RATE = 4_000  # Hz; below it hardly any music is left
MAX_FILE_RATE = 400_000  # Hz; above it no recorder works
MAX_CHANNELS = 32
MAX_AMPLITUDE = 1e10  # full scale is 1; float files that hold 32-bit integers reach 2e9


class AudioError(ValueError):
    """An input that cannot be used; its text is one sentence for a person: what is wrong, what to do."""
