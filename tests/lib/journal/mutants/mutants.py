"""The journal with one mistake in it, many times over.

"Nothing lost" means something only beside mistakes that are caught. Each mutant is a source file in
which a text, that stands there exactly once, is replaced by another; mutant_main.cpp runs the
simulation over it. `list` prints "name file", `write NAME ROOT OUT` writes the mutated source.
"""

import pathlib
import sys

JOURNAL = "lib/journal/"
SIMULATION = "tests/lib/journal/simulation.cpp"

# name: (file, what stands there, what stands there instead, and so on by twos)
MUTANTS = {
    "checkpoint-not-synced": (
        JOURNAL + "checkpoint.cpp",
        "if (auto synced = (*file)->sync(); !synced) return std::unexpected(synced.error());",
        "",
    ),
    "manifest-not-synced": (
        JOURNAL + "manifest.cpp",
        "  const auto done = (*file)->sync();",
        "  const auto done = Expected<void>{};",
    ),
    "provisioning-not-synced": (
        JOURNAL + "journal.cpp",
        "group->file->write_durably(group->offset, group->bytes)",
        "group->file->write(group->offset, group->bytes)",
    ),
    "acknowledged-before-the-sync": (
        JOURNAL + "lane_writer.cpp",
        "  ++under_way_;\n",
        "  ++under_way_;\n  durable_lsn_.store(group.last_lsn, std::memory_order_release);\n",
    ),
    "acknowledged-out-of-order": (
        JOURNAL + "lane_writer.cpp",
        "  cells_[group.number].done = true;\n",
        "  cells_[group.number].done = true;\n"
        "  durable_lsn_.store(std::max(durable_lsn(), group.last_lsn));\n",
    ),
    "duplicate-answered-at-once": (
        SIMULATION,
        "push_back({held.lsn, i, held.incarnation, held.amount})",
        "push_front({0, i, held.incarnation, held.amount})",
    ),
    "frame-crc-ignored": (
        JOURNAL + "layout.cpp",
        "  return get<std::uint32_t>(frame, at_body_crc) ==\n",
        "  return true || get<std::uint32_t>(frame, at_body_crc) ==\n",
    ),
    "record-crc-not-masked": (
        JOURNAL + "layout.cpp",
        "return std::rotr(memory::crc32c(bytes), 15) + 0x7C3D'51B9;",
        "return memory::crc32c(bytes);",
    ),
    "stale-frames-believed": (
        JOURNAL + "lane_scan.cpp",
        "header->stamp != stamp_ || header->segment != facts.segment",
        "header->stamp != stamp_",
        "if (!header || header->first_lsn != next_ || header->term != facts.term) return 0;",
        "if (!header) return 0;\n    next_ = header->first_lsn;",
    ),
    "last-writer-wins": (
        JOURNAL + "recovery.cpp",
        "table_.slot(slot).amount < record.amount.value;",
        "table_.slot(slot).amount != record.amount.value;",
        "if (raises) table_.commit(slot, record.amount, entry.signature.data(), 0, record.time);",
        "if (raises) {\n"
        "            auto view = *table_.view(slot);\n"
        "            view.held = record.amount;\n"
        "            view.signature = entry.signature;\n"
        "            table_.remove(view.terms.id);\n"
        "            (void)table_.restore(view);\n"
        "          }",
    ),
    "incarnations-mixed": (
        JOURNAL + "recovery.cpp",
        "table_.slot(slot).incarnation == record.incarnation &&",
        "",
    ),
    "import-without-commit-counts": (
        JOURNAL + "recovery.cpp",
        "if (!committed.contains(record->batch) || gone.contains(record->incarnation)) return {};",
        "if (gone.contains(record->incarnation)) return {};",
    ),
    "provisioning-visible-before-durable": (
        JOURNAL + "journal.cpp",
        "  staged_ = 0;\n  return write_provisioning_group();",
        "  staged_ = 0;\n  return {};",
    ),
    "checkpoint-in-place": (
        JOURNAL + "checkpoint.cpp",
        "constexpr unsigned files = 3;",
        "constexpr unsigned files = 1;",
    ),
    "recycled-before-the-checkpoint-is-durable": (
        JOURNAL + "journal.cpp",
        "  auto written = write_checkpoint(storage_, manifest_.node_uuid, "
        "manifest_.current.generation + 1,\n                                  next_incarnation, table, pace);",
        "  for (std::size_t i = 0; i < lanes_.size(); ++i) {\n"
        "    lanes_[i]->shelf.release_below(held[i]);\n"
        "    (void)lanes_[i]->shelf.tend();\n  }\n"
        "  auto written = write_checkpoint(storage_, manifest_.node_uuid, "
        "manifest_.current.generation + 1,\n                                  next_incarnation, table, pace);",
    ),
    "checkpoint-claims-what-came-after-it": (
        JOURNAL + "journal.cpp",
        "    entry.current_lsn = held[i];\n",
        "    entry.current_lsn = lsn_held(i);\n",
    ),
    "segment-number-used-again": (
        JOURNAL + "journal.cpp",
        "      end.highest_segment + 1,\n",
        "      std::max<std::uint64_t>(end.highest_segment, 1),\n",
    ),
    "missing-records-taken-for-a-tear": (
        JOURNAL + "lane_scan.cpp",
        "if (end_.durable_lsn >= end_.next_lsn) return std::unexpected(missing(end_.durable_lsn));",
        "",
    ),
    # Shown to be harmless. A higher amount supersedes a lower one, so neither the order of the lanes
    # nor a repetition matters.
    # A frame's LSN and term already tell it from what a recycled file kept: LSNs never repeat within
    # a term.
    "harmless-frames-without-a-segment-number": (
        JOURNAL + "lane_scan.cpp",
        "header->stamp != stamp_ || header->segment != facts.segment",
        "header->stamp != stamp_",
    ),
    "harmless-lanes-in-reverse-order": (
        JOURNAL + "recovery.cpp",
        "    for (RecoveredLane& lane : out_.lanes) {\n"
        "      if (lane.lane == provisioning_lane) continue;\n",
        "    for (std::size_t i = out_.lanes.size(); i-- > 0;) {\n"
        "      RecoveredLane& lane = out_.lanes[i];\n"
        "      if (lane.lane == provisioning_lane) continue;\n",
    ),
    "harmless-claims-replayed-twice": (
        JOURNAL + "recovery.cpp",
        "      if (auto done = replay_claims(lane); !done) return std::unexpected(done.error());\n",
        "      if (auto done = replay_claims(lane); !done) return std::unexpected(done.error());\n"
        "      if (auto done = replay_claims(lane); !done) return std::unexpected(done.error());\n",
    ),
}


def mutated(name, root):
    path, *changes = MUTANTS[name]
    text = (pathlib.Path(root) / path).read_text()
    for there, instead in zip(changes[::2], changes[1::2]):
        if text.count(there) != 1:
            sys.exit(f"mutant {name}: a text stands {text.count(there)} times in {path}, not once")
        text = text.replace(there, instead)
    return text


def main():
    if sys.argv[1:] == ["list"]:
        for name, (path, *_) in MUTANTS.items():
            print(name, path)
    elif len(sys.argv) == 5 and sys.argv[1] == "write":
        pathlib.Path(sys.argv[4]).write_text(mutated(sys.argv[2], sys.argv[3]))
    else:
        sys.exit(__doc__)


main()
