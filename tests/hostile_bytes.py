"""Sound files put together byte by byte, which promise or unpack to more than they are."""

import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile

from tests.audio_files import tone, write

RATE = 44_100
BRAND = b"qt  \0\0\2\0qt  "
PCM = b"sowt"  # 16 bits, little endian


def u32(*values: int) -> bytes:
    """Big endian."""
    return struct.pack(f">{len(values)}I", *values)


def atom(name: bytes, *content: bytes) -> bytes:
    """A box of an MP4 or MOV file."""
    body = b"".join(content)
    return u32(8 + len(body)) + name + body


def full_atom(name: bytes, *content: bytes) -> bytes:
    """The same with version 0 and no flags."""
    return atom(name, bytes(4), *content)


def entry(codec: bytes = PCM, channels: int = 2, rate: int = RATE) -> bytes:
    """A sample description."""
    return atom(codec, bytes(6), b"\0\1", bytes(8), struct.pack(">HHHHI", channels, 16, 0, 0, rate << 16))


def packed_entry(samples: int, packet_bytes: int) -> bytes:
    """One of QuickTime's version 1, with so many samples in a packet."""
    head = struct.pack(">HHIHHHHI", 1, 0, 0, 2, 16, 0, 0, RATE << 16)
    return atom(b"ima4", bytes(6), b"\0\1", head, u32(samples, packet_bytes, packet_bytes, 2))


def mov(tables: dict[bytes, bytes], sample_entry: bytes, data_reference: bytes = b"") -> bytes:
    """A MOV with one track; `tables` are what stands in stts, stsc, stsz and stco."""
    table = [full_atom(name, content) for name, content in tables.items()]
    samples = atom(b"stbl", full_atom(b"stsd", u32(1), sample_entry), *table)
    media = atom(
        b"mdia",
        full_atom(b"mdhd", u32(0, 0, RATE, RATE, 0)),
        full_atom(b"hdlr", b"mhlrsoun", bytes(13)),
        atom(b"minf", atom(b"dinf", full_atom(b"dref", data_reference)) if data_reference else b"", samples),
    )
    movie = full_atom(b"mvhd", u32(0, 0, RATE, RATE), bytes(80))
    header = atom(b"moov", movie, atom(b"trak", full_atom(b"tkhd", bytes(80)), media))
    return atom(b"ftyp", BRAND) + header + atom(b"mdat", b"\1\2" * 200_000)


def sample_tables(size: int, count: int, chunks: int = 1) -> dict[bytes, bytes]:
    """So many samples of one size in each of some chunks, without a byte of table for each."""
    return {
        b"stts": u32(1, count, 1),
        b"stsc": u32(1, 1, count, 1),
        b"stsz": u32(size, min(count * chunks, 2**32 - 1)),
        b"stco": u32(chunks, *[1000] * chunks),
    }


def crowded_mov(path: Path) -> None:
    """0.4 MB whose index takes gigabytes."""
    path.write_bytes(mov(sample_tables(1, 2_000_000_000, 12), packed_entry(160, 34)))


def elsewhere_mov(path: Path, other: Path) -> None:
    """A MOV whose sound lies in another file, by its absolute path."""
    name, place = other.name.encode(), str(other).encode()
    alias = bytes(10) + bytes(28) + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16)
    alias += struct.pack(">HH", 1, 1) + bytes(16) + struct.pack(">HH", 2, len(place)) + place
    alias += bytes(-len(place) % 2) + struct.pack(">HH", 0xFFFF, 0)
    reference = u32(1) + u32(12 + len(alias)) + b"alis" + bytes(4) + alias
    path.write_bytes(mov(sample_tables(4, 50_000), entry(), reference))


def zipped_mov(path: Path, copies: int = 120) -> None:
    """2 MB whose header is compressed and unpacks to 1.9 GB."""
    packer, zeros = zlib.compressobj(9), bytes(2**24)
    head = atom(b"moov", full_atom(b"mvhd", bytes(96)))
    start = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)  # may follow itself as it stands
    size = len(head) + copies * len(zeros)
    high, low = divmod(zlib.adler32(head), 2**16)
    checksum = (high + copies * len(zeros) * low) % 65_521 << 16 | low
    packed = start + again * copies + b"\3\0" + u32(checksum)
    compressed = atom(b"cmov", atom(b"dcom", b"zlib"), atom(b"cmvd", u32(size), packed))
    path.write_bytes(atom(b"ftyp", BRAND) + atom(b"moov", compressed))


def tagged_flac(path: Path, tags: int = 150_000) -> None:
    """A FLAC of 2 MB with so many tags that FFmpeg compares for minutes."""
    content = write(path, tone(RATE), RATE, "FLAC").read_bytes()
    start = 4
    while True:  # to the first frame
        last, size = content[start] & 128, int.from_bytes(content[start + 1 : start + 4], "big")
        start += 4 + size
        if last:
            break
    comments = struct.pack("<I", 0) + struct.pack("<I", tags)
    comments += b"".join(struct.pack("<I", 9) + b"%07x=1" % i for i in range(tags))
    block = bytes([4 | 128]) + len(comments).to_bytes(3, "big") + comments
    path.write_bytes(content[:4] + b"\0" + content[5:42] + block + content[start:])


def tagged_mp3(path: Path, tags: int = 60_000) -> None:
    """The same as an MP3."""
    sound = write(path, tone(RATE), RATE, "MP3").read_bytes()
    frames = b"".join(b"TXXX" + u32(12) + bytes(2) + b"\0%08x\0v\0" % i for i in range(tags))
    sizes = bytes(len(frames) >> shift & 127 for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\3\0\0" + sizes + frames + sound)


def hours_of_flac(path: Path) -> None:
    """Three hours of silence in 0.3 MB."""
    with soundfile.SoundFile(path, "w", 8_000, 1, format="FLAC") as file:
        for _ in range(18):
            file.write(np.zeros(600 * 8_000, np.float32))


def hours_of_mp3(path: Path) -> None:
    """Three hours of silence in 11 MB."""
    minute = write(path, np.zeros((60 * 8_000, 1), np.float32), 8_000, "MP3").read_bytes()
    path.write_bytes(minute * 180)


def hours_of_opus(path: Path) -> None:
    """Three hours of silence in packets of one byte, 1.3 MB."""
    with av.open(str(path), "w", format="webm") as output:
        stream = output.add_stream("libopus", rate=48_000, layout="mono")
        output.start_encoding()
        for place in range(0, 3 * 3_600_000, 60):  # milliseconds
            packet = av.Packet(b"\x18")  # 60 ms, nothing in it
            packet.stream, packet.pts, packet.dts, packet.duration = stream, place, place, 60
            packet.time_base = Fraction(1, 1000)
            output.mux(packet)


def promising(path: Path, kind: str, after: bytes, offset: int, value: bytes) -> None:
    """Two seconds of sound in one of libsndfile's kinds, with other bytes after a mark in its header."""
    content = bytearray(write(path, tone(RATE, 2), RATE, kind).read_bytes())
    place = content.index(after) + offset
    content[place : place + len(value)] = value
    path.write_bytes(content)
