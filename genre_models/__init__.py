"""Deep learning on audio: four networks that name a music genre, from file to report."""
