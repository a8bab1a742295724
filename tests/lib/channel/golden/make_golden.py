#!/usr/bin/env python3
"""Writes the golden state file from lib/channel/FORMAT.md alone, without claimgate's code.

Usage: make_golden.py FILE [FORMAT]: format 2 unless told otherwise; 1 is the one that went before.
The channels are those of snapshot_test.cpp's golden_channels().
"""

import struct
import sys

PAGE = 4096
RECORD_BYTES = {1: 252, 2: 268}
RECORDS_PER_PAGE = {1: 16, 2: 15}
CHANNELS = 17  # one page full, and part of another


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def seal(magic: bytes, body: bytes) -> bytes:
    """body: what lies from offset 12 on."""
    body = body.ljust(PAGE - 12, b"\0")
    return magic + struct.pack("<I", crc32c(body)) + body


def record(i: int, major: int) -> bytes:
    ed25519 = i % 2 == 1
    key = bytes([i + 1]) * (32 if ed25519 else 64)
    out = bytes([i]) * 8 + bytes([i + 0x40]) * 24 + key.ljust(64, b"\0") + bytes([i + 0x80]) * 20
    held = 1000 + i if i % 3 else 0
    out += bytes([i + 0x20]) * 64 if held else bytes(64)
    out += struct.pack("<QQQQ", 10**17 - i, i, held, 0x1_0000_0000 + i if held else 0)
    expiration = 0xFFFFFFFF if i % 4 == 0 else 900_000_000 + i
    out += struct.pack("<IIIIIII", expiration, 910_000_000 + i, 800_000_000 + i, 3600 + i,
                       90_000_000 + i, i + 1, 799_000_000 + i if held else 0)
    out += struct.pack("<HBB", 0x1200 + i, i % 5, 2 if ed25519 else 1)
    if major > 1:
        out += bytes([i % 2 + 0xD0]) * 20
    return out.ljust(RECORD_BYTES[major], b"\0")


def main() -> None:
    major = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    per_page = RECORDS_PER_PAGE[major]
    pages = -(-CHANNELS // per_page)
    identity = bytes(range(16)) + struct.pack("<IIq", CHANNELS + 1, 0, 1_800_000_000)
    header = struct.pack("<HHQIIQQ", major, 0, 0, PAGE, RECORD_BYTES[major], CHANNELS, pages)
    header += identity
    with open(sys.argv[1], "wb") as file:
        file.write(seal(b"CGTABLE\0", header))
        for page in range(pages):
            first = page * per_page
            here = range(first, min(first + per_page, CHANNELS))
            body = struct.pack("<IQI", len(here), page + 1, crc32c(identity)).ljust(52, b"\0")
            file.write(seal(b"CGPAGE\0\0", body + b"".join(record(i, major) for i in here)))


if __name__ == "__main__":
    main()
