#!/usr/bin/env python3
"""Writes a state folder from lib/journal/FORMAT.md alone, without claimgate's code.

Usage: make_golden.py FOLDER. What it tells is in golden_test.cpp, too.
"""

import pathlib
import struct
import sys

PAGE = 4096
SEGMENT_BYTES = 9 * PAGE
UUID = bytes(range(0x10, 0x20))
TERM = 5
PROVISIONING = 0xFFFFFFFF
NONE = 0xFFFFFFFF  # no Expiration, no CancelAfter
CHANNELS = 17  # one page of a checkpoint full, and part of another
FIRST_HANDLE = 0x1122334455667700
ADD, UPDATE, REMOVE, COMMIT = 1, 2, 3, 4


def crc32c_table() -> list[int]:
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


CRC32C = crc32c_table()


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC32C[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def placed(size: int, fields: dict[int, bytes]) -> bytes:
    out = bytearray(size)
    for at, field in fields.items():
        assert at + len(field) <= size and not any(out[at : at + len(field)])
        out[at : at + len(field)] = field
    return bytes(out)


def u16(value: int) -> bytes:
    return struct.pack("<H", value)


def u32(value: int) -> bytes:
    return struct.pack("<I", value)


def u64(value: int) -> bytes:
    return struct.pack("<Q", value)


def sealed_page(fields: dict[int, bytes]) -> bytes:
    page = placed(PAGE, fields)
    return page[:8] + u32(crc32c(page[12:])) + page[12:]


# ---- channels -------------------------------------------------------------------------------


class Terms:
    """The channel that the tests' make_terms() makes of a handle."""

    def __init__(self, handle: int, ledger: int = 100):
        self.handle = handle
        self.id = handle.to_bytes(8, "big") + bytes([handle * 7 & 0xFF]) * 24
        ed25519 = handle % 2 == 1
        self.key_type = 2 if ed25519 else 1
        self.key = (bytes([handle * 13 & 0xFF]) * (32 if ed25519 else 64)).ljust(64, b"\0")
        self.source = bytes([handle * 3 + 1 & 0xFF]) * 20
        self.destination = bytes([handle % 3 + 1]) * 20
        self.funded = 1_000_000 + handle % 1000
        self.balance = handle % 100
        self.expiration = 900_000_000 + handle % 50
        self.cancel_after = 910_000_000 + handle % 50
        self.valid_until = self.expiration - 600
        self.settle_delay = 3600 + handle % 10
        self.ledger = ledger
        self.tag = handle * 5 & 0xFFFF
        self.service_class = handle % 4


def signature(amount: int) -> bytes:
    return b"".join(u64(amount * 0x9E3779B97F4A7C15 + i & 2**64 - 1) for i in range(8))


def held_at_first(i: int) -> int:
    return 1000 + i if i % 3 else 0


def state_record(i: int) -> bytes:
    terms, held = Terms(FIRST_HANDLE + i), held_at_first(i)
    return placed(268, {
        0: terms.id, 32: terms.key, 96: terms.source,
        116: signature(held) if held else b"",
        180: u64(terms.funded), 188: u64(terms.balance), 196: u64(held),
        204: u64(900 + i if held else 0),
        212: u32(terms.expiration), 216: u32(terms.cancel_after), 220: u32(terms.valid_until),
        224: u32(terms.settle_delay), 228: u32(terms.ledger), 232: u32(i + 1),
        236: u32(799_000_000 + i if held else 0),
        240: u16(terms.tag), 242: bytes([terms.service_class, terms.key_type]),
        244: terms.destination,
    })


# ---- MANIFEST, checkpoint -------------------------------------------------------------------


def checkpoint_stamp(generation: int) -> int:
    return crc32c(UUID + u64(generation))


def checkpoint_entry(generation: int, channels: int, next_incarnation: int) -> bytes:
    stamp = checkpoint_stamp(generation) if generation else 0
    return struct.pack("<QQIIQ", generation, channels, stamp, next_incarnation, 0)


def lane_entry(lane: int, this: int, before: int, durable: int, segment: int, term: int) -> bytes:
    return struct.pack("<IIQQQQQ", lane, 0, this, before, durable, segment, term)


def manifest_page(sequence: int, term: int, this: bytes, before: bytes, lanes: list[bytes]) -> bytes:
    fields = {0: b"CGMANIF\0", 12: u16(1), 32: UUID, 48: u64(sequence), 56: u32(term),
              60: u32(len(lanes)), 64: this, 96: before}
    return sealed_page(fields | {128 + 48 * i: lane for i, lane in enumerate(lanes)})


def manifest() -> bytes:
    pages = {
        2: manifest_page(2, TERM - 1, checkpoint_entry(4, 0, 1), checkpoint_entry(0, 0, 1),
                         [lane_entry(PROVISIONING, 30, 0, 35, 0, 30),
                          lane_entry(0, 900, 0, 950, 6, 800)]),
        3: manifest_page(3, TERM, checkpoint_entry(5, CHANNELS, CHANNELS + 1),
                         checkpoint_entry(4, 0, 1),
                         [lane_entry(PROVISIONING, 40, 30, 41, 3, 40),
                          lane_entry(0, 1000, 900, 1003, 7, 1000)]),
    }
    return b"".join(page for _, page in sorted(pages.items(), key=lambda each: each[0] % 2))


def checkpoint(generation: int) -> bytes:
    out = b""
    for page, first in enumerate(range(0, CHANNELS, 15)):
        here = range(first, min(first + 15, CHANNELS))
        fields = {0: b"CGCHKPT\0", 12: u32(len(here)), 16: u64(page), 24: u64(generation),
                  32: u32(checkpoint_stamp(generation))}
        out += sealed_page(fields | {64 + 268 * (i - first): state_record(i) for i in here})
    return out


# ---- lanes ----------------------------------------------------------------------------------


def check(record: bytes) -> bytes:
    crc = crc32c(record)
    return u32((crc >> 15 | crc << 17) + 0x7C3D51B9 & 0xFFFFFFFF)


def checked(size: int, fields: dict[int, bytes]) -> bytes:
    record = placed(size - 4, fields)
    return record + check(record)


def claim(lsn: int) -> bytes:
    n = lsn - 1001
    i, amount = n % CHANNELS, 2000 + n
    before = 2000 + n - CHANNELS if n >= CHANNELS else held_at_first(i)
    return checked(128, {0: u32(i), 4: u32(i + 1), 8: u64(lsn), 16: u64(FIRST_HANDLE + i),
                         24: u64(amount), 32: u64(before), 40: signature(amount),
                         104: u32(800_000_000 + n)})


def change(lsn: int, kind: int, incarnation: int = 0, terms: Terms | None = None,
           changes: int = 0) -> bytes:
    fields = {0: bytes([kind]), 4: u32(incarnation), 8: u64(lsn), 16: u64(41), 24: u64(changes)}
    if kind in (ADD, UPDATE, REMOVE):
        fields |= {48: terms.id}
    if kind in (ADD, UPDATE):
        fields |= {1: bytes([terms.key_type, terms.service_class]),
                   32: u64(terms.funded), 40: u64(terms.balance), 80: terms.key,
                   144: terms.source, 164: terms.destination, 184: u32(terms.expiration),
                   188: u32(terms.cancel_after), 192: u32(terms.valid_until),
                   196: u32(terms.settle_delay), 200: u32(terms.ledger), 204: u16(terms.tag)}
    return checked(256, fields)


def changes() -> list[bytes]:
    added = Terms(FIRST_HANDLE + CHANNELS)
    added.cancel_after = NONE
    raised = Terms(FIRST_HANDLE + 1, ledger=101)
    raised.funded += 5
    return [change(41, ADD, CHANNELS + 1, added),
            change(42, UPDATE, 2, raised),
            change(43, REMOVE, 3, Terms(FIRST_HANDLE + 2)),
            change(44, COMMIT, changes=3)]


def frame(lane: int, segment: int, lsn: int, durable: int, time: int, records: list[bytes]) -> bytes:
    body = b"".join(records)
    size = -(-(64 + len(body)) // PAGE) * PAGE
    body = body.ljust(size - 64, b"\0")
    header = placed(60, {0: b"CGFR", 4: u16(1), 6: u16(len(records)), 8: u32(size),
                         12: u32(crc32c(UUID + u32(lane))), 16: u64(segment), 24: u64(lsn),
                         32: u64(durable), 40: u32(TERM), 44: u32(time), 56: u32(crc32c(body))})
    return header + u32(crc32c(header)) + body


def segment(lane: int, number: int, record_bytes: int, lsn: int, frames: list[bytes]) -> bytes:
    header = sealed_page({0: b"CGLANE\0\0", 12: u16(1), 32: UUID, 48: u32(lane),
                          52: u32(record_bytes), 56: u64(number), 64: u64(SEGMENT_BYTES),
                          72: u64(lsn), 80: u32(TERM)})
    return (header + b"".join(frames)).ljust(SEGMENT_BYTES, b"\0")


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    claims = [frame(0, 7, 1001, 1000, 800_000_001, [claim(lsn) for lsn in range(1001, 1004)]),
              frame(0, 7, 1004, 1003, 800_000_002, [claim(lsn) for lsn in range(1004, 1037)]),
              frame(0, 7, 1037, 1036, 800_000_003, [])]
    files = {
        "MANIFEST": manifest(),
        "checkpoint-2.cgc": checkpoint(5),
        "lane-0/seg-7.jnl": segment(0, 7, 128, 1001, claims),
        "lane-provisioning/seg-3.jnl": segment(
            PROVISIONING, 3, 256, 41, [frame(PROVISIONING, 3, 41, 40, 0, changes())]),
    }
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


if __name__ == "__main__":
    main()
