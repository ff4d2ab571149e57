"""What is taken for a recording, what reading one may cost, and the error for what is none."""

MIN_S = 1  # shorter clips are refused; shortfalls and tails below it are not worth a word
MAX_S = 10 * 60  # longer recordings are read up to here

MIN_FILE_RATE = 4_000  # Hz; below it hardly any music is left
MAX_FILE_RATE = 400_000  # Hz; above it no recorder works
MAX_CHANNELS = 32
MAX_AMPLITUDE = 1e10  # full scale is 1; float files that hold 32-bit integers reach 2e9

# Ten minutes of any usual format take 6 s of a slow core and 300 MB at most; made-up files can ask for hours.
MAX_CPU_S = 15
MAX_WAIT_S = 120  # until a busy machine has spent them, or a disk has answered
MAX_MEMORY = 768 * 2**20  # bytes of address space


class AudioError(ValueError):
    """An input that cannot be used; its text is one sentence for a person: what is wrong, what to do."""
