"""What the models take for a clip."""

SAMPLE_RATE = 22_050  # Hz, of everything the models see
SEGMENT_S = 6
SEGMENT_SAMPLES = SEGMENT_S * SAMPLE_RATE  # 132,300: the notes cut a clip of 30 s into five
