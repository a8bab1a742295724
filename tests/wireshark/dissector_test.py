#!/usr/bin/env python3
"""deploy/wireshark/claimgate.lua under tshark: every field of a capture by claimgen, response times to
the nanosecond, retransmissions, and every kind of frame that is wrong.
usage: dissector_test.py CLAIMGEN CLAIMGATE_LUA

tshark says on standard error what a dissector does wrong, so that must stay empty. It also says there
that it runs as root; as root the test therefore runs it as nobody."""

import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import capture
from capture import claim, reply, request, unreachable, verdict

NOBODY = 65534


def not_run(reason):
    print(f"NOT RUN: wireshark: {reason}")
    sys.exit(77)


class Frame:
    """One frame as tshark sees it: the claims and verdicts in it, and the experts' words."""

    def __init__(self, packet):
        self.ours = packet.findall(".//proto[@name='claimgate']")
        self.items = [item for proto in self.ours for item in proto
                      if item.get("name") in ("claimgate.claim", "claimgate.verdict")]
        self.experts = sorted(field.get("name") for said in packet.iter("field")
                              if said.get("name") == "_ws.expert" for field in said
                              if field.get("name").startswith("claimgate."))
        text = ElementTree.tostring(packet, encoding="unicode")
        assert "Lua Error" not in text, text

    def fields(self, item):
        """Names and values as shown, without what experts say of them; bytes without the colons
        that tshark puts between them."""
        found, waiting = {}, list(self.items[item])
        for field in waiting:
            name, shown = field.get("name"), field.get("show")
            if not name.startswith("claimgate."):
                continue
            found[name] = shown.replace(":", "") if "signature" in name else shown
            waiting.extend(field)
        return found


class Tshark:
    def __init__(self, folder, lua):
        self.folder = folder
        self.lua = os.path.join(folder, "claimgate.lua")
        shutil.copyfile(lua, self.lua)

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, name, *options):
        drop = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        try:
            done = subprocess.run(
                ["tshark", "-n", "-X", f"lua_script:{self.lua}", "-r", self.path(name), *options],
                capture_output=True, text=True, env={**os.environ, "HOME": self.folder}, **drop)
        except PermissionError:
            not_run("as root tshark has to be run as nobody, and this root may not")
        assert done.stderr == "", done.stderr
        assert done.returncode == 0, done.returncode
        return done.stdout

    def frames(self, name, *options):
        # Two passes: in one nobody knows yet in which frame a claim will be answered.
        pdml = self.run(name, "-2", "-T", "pdml", *options)
        return [Frame(packet) for packet in ElementTree.fromstring(pdml)]

    def infos(self, name, *options):
        return self.run(name, "-T", "fields", "-e", "_ws.col.Info", *options).splitlines()

    def frames_of(self, frames, *options, **layout):
        capture.write(self.path("made.pcap"), frames, **layout)
        return self.frames("made.pcap", *options)


def equal(found, expected, what):
    assert found == expected, f"{what}:\n  found    {found}\n  expected {expected}"


# ---- a capture by claimgen --------------------------------------------------------------------

def runs(numbers):
    first, last = numbers[0], numbers[-1]
    return f"{first}..{last}" if last > first else str(first)


def info_of(payload, to_server):
    """Of a sender that counts its claims up."""
    if to_server:
        sequences = [struct.unpack_from(">I", payload, at + 9)[0]
                     for at in range(0, len(payload), capture.CLAIM_BYTES)]
        return f"{len(sequences)} claim{'s' * (len(sequences) > 1)}, {runs(sequences)}"
    codes = [payload[at + 21] for at in range(0, len(payload), capture.VERDICT_BYTES)]
    tally = ", ".join(f"{codes.count(code)} {capture.CODES[code]}" for code in sorted(set(codes)))
    return f"{len(codes)} verdict{'s' * (len(codes) > 1)}: {tally}"


def every_field_of_a_capture_by_claimgen(tshark, claimgen, delay_ns, *options):
    made = subprocess.run(
        [claimgen, "pcap", "--seed", "7", "--channels", "40", "--claims", "300", "--verdicts",
         f"{delay_ns}ns", "--json", "--out", tshark.path("claimgen.pcap"), *options],
        check=True, capture_output=True, text=True)
    summary = json.loads(made.stdout)
    os.chmod(tshark.path("claimgen.pcap"), 0o644)
    written = capture.read(tshark.path("claimgen.pcap"))
    frames = tshark.frames("claimgen.pcap")
    equal(len(frames), len(written), "frames")
    equal(tshark.infos("claimgen.pcap"),
          [info_of(payload, 9300 <= port <= 9364) for _, _, port, payload in written], "info column")

    asked, answered, codes = {}, {}, {}  # sequence -> frame, time; code -> how many
    for number, (time_ns, _, port, payload) in enumerate(written, 1):
        size = capture.CLAIM_BYTES if 9300 <= port <= 9364 else capture.VERDICT_BYTES
        for at in range(0, len(payload), size):
            (asked if size == capture.CLAIM_BYTES else answered)[payload[at + 9:at + 13]] = (
                number, time_ns)
    for number, (frame, (_, _, port, payload)) in enumerate(zip(frames, written), 1):
        to_server = 9300 <= port <= 9364
        size = capture.CLAIM_BYTES if to_server else capture.VERDICT_BYTES
        equal(len(frame.items), len(payload) // size, f"claims and verdicts of frame {number}")
        for i in range(len(frame.items)):
            part = payload[i * size:(i + 1) * size]
            expected = capture.fields_of(part)
            sequence = part[9:13]
            if to_server:
                expected["claimgate.response_in"] = str(answered[sequence][0])
            else:
                expected["claimgate.request_in"] = str(asked[sequence][0])
                expected["claimgate.response_time"] = f"{delay_ns / 1e9:.9f}"
                equal(answered[sequence][1] - asked[sequence][1], delay_ns, "claimgen's delay")
                name = capture.CODES[part[21]]
                codes[name] = codes.get(name, 0) + 1
            found = frame.fields(i)
            time, ms = found.pop("claimgate.timestamp", None), found.pop("claimgate.timestamp.ms")
            [stamp] = struct.unpack(">d", part[-8:])  # claimgen also sends what is no time
            equal(time is not None, 0 <= stamp < 4_102_444_800_000, f"{stamp} as {time}")
            assert time is None or abs(float(ms) - stamp) < 0.01, (time, ms)
            equal(found, expected, f"frame {number}, {i + 1}")
    equal(codes, summary["verdicts"], "verdicts by code")


# ---- captures made here -----------------------------------------------------------------------

def a_claim_sent_again_is_marked_and_its_verdict_goes_to_the_first_without_one(tshark):
    other = {"source_port": 40001}
    frames = tshark.frames_of([
        request(claim(), claim(sequence=2)),      # 1
        request(claim(sequence=2)),               # 2: again
        request(claim()),                         # 3: again
        reply(verdict()),                         # 4: of 1
        reply(verdict()),                         # 5: of 3
        request(claim(stamp=5.0)),                # 6: again, with another timestamp
        reply(verdict(stamp=5.0)),                # 7: of 6
        request(claim(), **other),                # 8: another client's own
        reply(verdict(), port=40001),             # 9: of 8
        request(claim(drops=1001)),               # 10: another amount is another claim
        reply(verdict(drops=1001, stamp=-1.0)),   # 11: of 10, although the timestamp was changed
        reply(verdict(), port=40002),             # 12: nobody asked
    ])

    def links(number, item=0):
        wanted = ("request_in", "response_in", "response_time", "retransmission_of")
        fields = frames[number - 1].fields(item)
        return {name: fields[f"claimgate.{name}"] for name in wanted if f"claimgate.{name}" in fields}

    expected = {
        1: {"response_in": "4"},
        2: {"retransmission_of": "1"},
        3: {"retransmission_of": "1", "response_in": "5"},
        4: {"request_in": "1", "response_time": "0.003000000"},
        5: {"request_in": "3", "response_time": "0.002000000"},
        6: {"retransmission_of": "1", "response_in": "7"},
        7: {"request_in": "6", "response_time": "0.001000000"},
        8: {"response_in": "9"},
        9: {"request_in": "8", "response_time": "0.001000000"},
        10: {"response_in": "11"},
        11: {"request_in": "10", "response_time": "0.001000000"},
        12: {},
    }
    equal({number: links(number) for number in expected}, expected, "links")
    equal(links(1, 1), {}, "a claim whose verdict never comes")
    equal({number: frames[number - 1].experts for number in expected if frames[number - 1].experts},
          {1: ["claimgate.response.missing"],
           2: ["claimgate.response.missing", "claimgate.retransmission"],
           3: ["claimgate.retransmission"], 6: ["claimgate.retransmission"],
           12: ["claimgate.request.missing"]}, "experts")
    infos = tshark.infos("made.pcap")
    equal(infos[:4], ["2 claims, 1..2", "1 claim, 2 [1 sent before]", "1 claim, 1 [1 sent before]",
                      "1 verdict: 1 ACCEPTED"], "info column")


def impossible_fields_are_named(tshark):
    cases = [
        (request(claim(drops=0)), ["claimgate.drops.impossible"]),
        (request(claim(drops=10**17)), []),
        (request(claim(drops=10**17 + 1)), ["claimgate.drops.impossible"]),
        (request(claim(drops=2**64 - 1, handle=2**64 - 1, sequence=2**32 - 1)),
         ["claimgate.drops.impossible"]),
        (request(claim(sequence=2, type=0x02)), ["claimgate.type.wrong"]),
        (request(claim(sequence=3, type=0x81)), ["claimgate.type.wrong"]),
        (reply(verdict(sequence=7, type=0x01)), ["claimgate.request.missing", "claimgate.type.wrong"]),
        (reply(verdict(sequence=7, code=11)), ["claimgate.code.unknown", "claimgate.request.missing"]),
        (reply(verdict(sequence=7, code=255)), ["claimgate.code.unknown", "claimgate.request.missing"]),
        (reply(verdict(sequence=7, code=7, retry_after_ms=20)),
         ["claimgate.code.busy", "claimgate.request.missing"]),
        (reply(verdict(sequence=7, retry_after_ms=20)),
         ["claimgate.request.missing", "claimgate.retry_after_ms.unasked"]),
        (reply(verdict(sequence=7, flags=0xFE)),
         ["claimgate.flags.unknown", "claimgate.request.missing"]),
        (reply(verdict(sequence=7, flags=1)), ["claimgate.request.missing"]),
    ]
    frames = tshark.frames_of([frame for frame, _ in cases])
    for number, (frame, (_, expected)) in enumerate(zip(frames, cases), 1):
        found = [name for name in frame.experts if name != "claimgate.response.missing"]
        equal(found, expected, f"experts of frame {number}")
    equal(frames[3].fields(0)["claimgate.drops"], str(2**64 - 1), "drops are unsigned 64 bits")
    equal(frames[3].fields(0)["claimgate.handle"], "0x" + "f" * 16, "so are handles")
    equal(frames[12].fields(0)["claimgate.flags.durable"], "1", "durable")
    equal(frames[9].fields(0)["claimgate.retry_after_ms"], "20", "retry after")
    equal(tshark.infos("made.pcap")[7:9], ["1 verdict: 1 code 11", "1 verdict: 1 code 255"], "info")


def sizes_that_no_datagram_has_are_malformed_and_what_is_whole_is_shown(tshark):
    whole = b"".join(claim(sequence=i) for i in range(17))
    sizes = [1, 92, 94, 2 * 93 - 1, 15 * 93 + 1, 16 * 93]
    frames = tshark.frames_of([request(whole[:size]) for size in sizes])
    for size, frame in zip(sizes, frames):
        assert "claimgate.size.malformed" in frame.experts, (size, frame.experts)
        equal(len(frame.items), min(size // 93, 15), f"whole claims in {size} bytes")
    verdicts = b"".join(verdict(sequence=i) for i in range(17))
    sizes = [1, 32, 34, 15 * 33 + 1, 16 * 33]
    frames = tshark.frames_of([reply(verdicts[:size]) for size in sizes])
    for size, frame in zip(sizes, frames):
        assert "claimgate.size.malformed" in frame.experts, (size, frame.experts)
        equal(len(frame.items), min(size // 33, 15), f"whole verdicts in {size} bytes")
    equal(tshark.infos("made.pcap")[2], "1 verdict: 1 ACCEPTED [malformed: 34 bytes]", "info column")
    tshark.frames_of([request(b"")])  # nothing at all is nothing to say


def a_capture_that_cut_the_frames_shows_what_is_left(tshark):
    frame = request(*(claim(sequence=i) for i in range(3)))
    kept = range(43, len(frame))
    for held, seen in zip(kept, tshark.frames_of([frame] * len(kept), kept=kept)):
        equal(len(seen.items), (held - 42) // 93, f"claims in {held} bytes")
        assert "claimgate.size.cut" in seen.experts, held
        assert "claimgate.size.malformed" not in seen.experts, held


def timestamps_that_are_no_time_are_shown_as_they_are(tshark):
    stamps = [("Jan  1, 1970 00:00:00.000000000 UTC", 0.0),
              ("Jan  1, 2025 00:00:00.001500000 UTC", 1_735_689_600_001.5),
              ("Dec 31, 2099 23:59:59.999999023 UTC", 4_102_444_799_999.9990234375),
              (None, 4_102_444_800_000.0), (None, -1.0), (None, 1e308), (None, float("inf")),
              (None, float("-inf")), (None, bytes.fromhex("7ff8000000000001")),
              (None, bytes.fromhex("fff0000000000001")), (None, b"\xff" * 8),
              ("Jan  1, 1970 00:00:00.000000000 UTC", bytes(7) + b"\x01")]
    frames = tshark.frames_of([request(claim(sequence=i, stamp=stamp))
                               for i, (_, stamp) in enumerate(stamps)])
    for frame, (expected, stamp) in zip(frames, stamps):
        fields = frame.fields(0)
        equal(fields.get("claimgate.timestamp"), expected, str(stamp))
        raw = stamp if isinstance(stamp, bytes) else struct.pack(">d", stamp)
        equal(fields["claimgate.timestamp.raw"], "0x" + raw.hex(), str(stamp))


def other_ports_are_taken_by_decode_as_and_by_preference(tshark):
    frames = [request(claim(), destination_port=5000), reply(verdict(), server_port=5000)]
    assert not any(frame.items for frame in tshark.frames_of(frames))
    found = tshark.frames_of(frames, "-d", "udp.port==5000,claimgate")
    equal(found[1].fields(0).get("claimgate.response_time"), "0.001000000", "decode as")
    found = tshark.frames_of(frames, "-o", "claimgate.port:4990")
    equal(found[1].fields(0).get("claimgate.response_time"), "0.001000000", "preference")
    edges = [request(claim(), destination_port=port) for port in (9299, 9300, 9364, 9365)]
    equal([len(frame.items) for frame in tshark.frames_of(edges)], [0, 1, 1, 0], "our ports")
    found = tshark.frames("made.pcap", "-o", "claimgate.port:9301")
    equal([len(frame.items) for frame in found], [0, 0, 1, 1], "our ports, one higher")


def a_quoted_claim_is_no_claim_sent(tshark):
    sent = request(claim())
    frames = tshark.frames_of([sent, unreachable(sent), reply(verdict())])
    equal(frames[2].fields(0)["claimgate.request_in"], "1", "request")
    equal([frame.experts for frame in frames], [[], [], []], "experts")
    assert "unreachable" in tshark.infos("made.pcap")[1]


def no_bytes_break_the_dissector(tshark):
    chance = random.Random(20260101)
    frames = []
    for _ in range(500):
        parts = [chance.choice((claim, verdict))(sequence=chance.randrange(4))
                 for _ in range(chance.randrange(1, 4))]
        payload = bytearray(b"".join(parts))
        for _ in range(chance.randrange(0, 6)):
            payload[chance.randrange(len(payload))] = chance.randrange(256)
        del payload[chance.choice((len(payload), chance.randrange(len(payload)))):]
        ports = chance.choice(((40000, 9300), (9300, 40000), (9300, 9301), (9364, 1)))
        frames.append(capture.udp(bytes(payload), capture.CLIENT, capture.SERVER, *ports))
    tshark.frames_of(frames)
    tshark.infos("made.pcap")


def main():
    claimgen, lua = sys.argv[1:]
    if shutil.which("tshark") is None:
        not_run("tshark is missing")
    version = subprocess.run(["tshark", "--version"], capture_output=True, text=True).stdout
    if "with Lua" not in version.replace("\n", " "):
        not_run("this tshark was built without Lua")
    with tempfile.TemporaryDirectory(prefix="claimgate-wireshark-") as folder:
        os.chmod(folder, 0o755)
        tshark = Tshark(folder, lua)
        every_field_of_a_capture_by_claimgen(tshark, claimgen, 250_000, "--timestamps", "ns")
        every_field_of_a_capture_by_claimgen(tshark, claimgen, 1_234_567_000, "--timestamps", "us",
                                             "--udp-port", "shards", "--local-ip", "fd00:93::2",
                                             "--peer-ip", "fd00:93::1", "--vlan", "7")
        for test in (a_claim_sent_again_is_marked_and_its_verdict_goes_to_the_first_without_one,
                     impossible_fields_are_named,
                     sizes_that_no_datagram_has_are_malformed_and_what_is_whole_is_shown,
                     a_capture_that_cut_the_frames_shows_what_is_left,
                     timestamps_that_are_no_time_are_shown_as_they_are,
                     other_ports_are_taken_by_decode_as_and_by_preference,
                     a_quoted_claim_is_no_claim_sent,
                     no_bytes_break_the_dissector):
            print(test.__name__.replace("_", " "))
            test(tshark)
    print("wireshark: every frame is what it should be")


if __name__ == "__main__":
    main()
