"""Any sound file -> mono waveforms, decoded in a process of its own. Numbers only: no PyTorch here.

`read` is what everything uses: no file can crash, stop or fill up the program that calls it. `decode` is the
same in the calling process. In the processes of a pool `read_here` makes `read` do without another one.
"""

from genre_models.decoding.limits import MAX_S, MIN_S, AudioError
from genre_models.decoding.mix import Decoded, decode
from genre_models.decoding.pool import read, read_here

__all__ = ["MAX_S", "MIN_S", "AudioError", "Decoded", "decode", "read", "read_here"]
