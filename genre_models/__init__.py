"""Deep learning on audio: networks that name a music genre, Transformers that carry tunes and texts on."""
