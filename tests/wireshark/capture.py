"""Captures for the dissector's test: written and read here from the layouts alone (lib/wire/FORMAT.md,
lib/capture/FORMAT.md), so that neither claimgen nor the dissector vouches for itself."""

import struct

CLAIM_BYTES, VERDICT_BYTES = 93, 33
CODES = ["ACCEPTED", "DUPLICATE", "STALE", "UNKNOWN_CHANNEL", "BAD_SIGNATURE", "OVER_FUNDS", "CLOSED",
         "BUSY", "MALFORMED", "COVERED", "MOVED"]
CLIENT, SERVER = "10.93.0.2", "10.93.0.1"
SECOND_NS = 1_000_000_000


def claim(handle=0x0102030405060708, sequence=1, drops=1000, signature=bytes(range(64)),
          stamp=1_735_689_600_000.0, type=0x01):
    stamp = stamp if isinstance(stamp, bytes) else struct.pack(">d", stamp)
    return struct.pack(">BQIQ", type, handle, sequence, drops) + signature + stamp


def verdict(handle=0x0102030405060708, sequence=1, drops=1000, code=0, flags=0, retry_after_ms=0,
            stamp=1_735_689_600_000.0, type=0x81):
    stamp = stamp if isinstance(stamp, bytes) else struct.pack(">d", stamp)
    return struct.pack(">BQIQBBH", type, handle, sequence, drops, code, flags, retry_after_ms) + stamp


def ipv4(protocol, payload, source, destination):
    def packed(address):
        return bytes(int(part) for part in address.split("."))
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0)
    header += packed(source) + packed(destination)
    total = sum(struct.unpack(">10H", header))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return header[:10] + struct.pack(">H", ~total & 0xFFFF) + header[12:] + payload


def udp(payload, source=CLIENT, destination=SERVER, source_port=40000, destination_port=9300):
    header = struct.pack(">HHHH", source_port, destination_port, 8 + len(payload), 0)
    return ethernet(ipv4(17, header + payload, source, destination))


def ethernet(packet):
    frame = bytes.fromhex("020000000001020000000002") + b"\x08\x00" + packet
    return frame + bytes(max(0, 60 - len(frame)))


def request(*claims, **ends):
    return udp(b"".join(claims), **ends)


def reply(*verdicts, port=40000, server_port=9300):
    return udp(b"".join(verdicts), SERVER, CLIENT, server_port, port)


def unreachable(frame):
    """What SERVER sends back about a frame that found nobody at its port."""
    return ethernet(ipv4(1, b"\x03\x03\x00\x00" + bytes(4) + frame[14:], SERVER, CLIENT))


def write(path, frames, step_ns=1_000_000, kept=()):
    """One frame every step_ns; of the first ones only as many bytes as `kept` says."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHIIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1))
        for number, frame in enumerate(frames):
            seconds, fraction = divmod(1_735_689_600 * SECOND_NS + number * step_ns, SECOND_NS)
            held = frame[:kept[number]] if number < len(kept) else frame
            out.write(struct.pack("<IIII", seconds, fraction, len(held), len(frame)) + held)


def read(path):
    """[(nanoseconds, source port, destination port, payload)] of a capture by claimgen."""
    with open(path, "rb") as file:
        data = file.read()
    scale = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}[struct.unpack_from("<I", data)[0]]
    at, frames = 24, []
    while at < len(data):
        seconds, fraction, kept, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16:at + 16 + kept]
        at += 16 + kept
        link = 18 if frame[12:14] == b"\x81\x00" else 14
        ip = link + (40 if frame[link] >> 4 == 6 else 20)
        source_port, destination_port, length = struct.unpack_from(">HHH", frame, ip)
        frames.append((seconds * SECOND_NS + fraction * scale, source_port, destination_port,
                       frame[ip + 8:ip + length]))
    return frames


def fields_of(frame):
    """The fields of a claim or verdict as the dissector names and shows them."""
    type, handle, sequence, drops = struct.unpack_from(">BQIQ", frame)
    fields = {"claimgate.type": f"0x{type:02x}", "claimgate.handle": f"0x{handle:016x}",
              "claimgate.shard": str(handle % 64), "claimgate.sequence": str(sequence),
              "claimgate.drops": str(drops)}
    if len(frame) == CLAIM_BYTES:
        fields["claimgate.signature"] = frame[21:85].hex()
        fields["claimgate.signature.r"] = frame[21:53].hex()
        fields["claimgate.signature.s"] = frame[53:85].hex()
    else:
        code, flags, retry_after_ms = struct.unpack_from(">BBH", frame, 21)
        fields["claimgate.code"] = str(code)
        fields["claimgate.flags"] = f"0x{flags:02x}"
        fields["claimgate.flags.durable"] = str(flags & 1)
        fields["claimgate.retry_after_ms"] = str(retry_after_ms)
    fields["claimgate.timestamp.raw"] = "0x" + frame[-8:].hex()
    return fields
