"""What the networks made of one clip, as numbers to look at: features, attention, occlusion, activations."""
