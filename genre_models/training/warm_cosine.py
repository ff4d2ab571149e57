"""A learning rate that rises at first and then falls as a cosine (Loshchilov and Hutter, "SGDR", 2017)."""

import math


def warm_cosine(step: int, steps: int, warm_up: int, last: float) -> float:
    """Share of the highest rate in a step, from 0 on: up over `warm_up` steps, down to `last` at the end."""
    fallen = (1 + math.cos(math.pi * step / steps)) / 2
    return min(1.0, (step + 1) / warm_up) * (last + (1 - last) * fallen)
