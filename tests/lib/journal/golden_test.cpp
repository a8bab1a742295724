// Format 1.0, byte for byte: golden/make_golden.py writes a state folder from FORMAT.md alone; the
// writers make the same one, and recovery reads it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include "lib/journal/checkpoint.hpp"
#include "lib/journal/manifest.hpp"
#include "lib/journal/recovery.hpp"
#include "tests/lib/journal/state_files.hpp"
#include "tests/lib/journal/written_lane.hpp"

namespace claimgate::journal {
namespace {

constexpr std::uint32_t term = 5;
constexpr std::uint32_t channels = 17;
constexpr std::uint32_t removed = 2;
constexpr std::uint32_t updated = 1;
constexpr std::uint64_t first_handle = 0x1122'3344'5566'7700;
constexpr std::uint64_t first_lsn = 1001;
constexpr unsigned claims = 36;

Files golden_files() {
  return files_of(std::filesystem::path(CLAIMGATE_SOURCE_ROOT) / "tests/lib/journal/golden/1.0");
}

channel::ChannelTerms terms_of(std::uint32_t i) {
  channel::ChannelTerms terms = channel::make_terms(first_handle + i);
  if (i == channels) terms.cancel_after = channel::never;
  return terms;
}

channel::ChannelTerms raised_terms() {
  channel::ChannelTerms terms = channel::make_terms(first_handle + updated, 101);
  terms.funded.value += 5;
  return terms;
}

channel::ChannelView saved_view(std::uint32_t i) {
  channel::ChannelView view{.terms = terms_of(i), .incarnation = i + 1};
  if (i % 3 == 0) return view;
  view.held = {1000 + i};
  view.signature = channel::make_signature(1000 + i);
  view.lsn = 900 + i;
  view.last_activity = 799'000'000 + i;
  return view;
}

channel::Table empty_table() {
  return channel::Table::create(20, {1, 2}, memory::Pages::normal).value();
}

channel::Table saved_table() {
  channel::Table table = empty_table();
  for (std::uint32_t i = 0; i < channels; ++i)
    EXPECT_NE(table.restore(saved_view(i)).slot, channel::no_slot);
  return table;
}

void write_manifest_and_checkpoint(SimulatedDisk& disk) {
  const auto before = write_checkpoint(disk, test_uuid(), 4, 1, empty_table(), {});
  const auto now = write_checkpoint(disk, test_uuid(), 5, channels + 1, saved_table(), {});
  ASSERT_TRUE(before && now);
  Manifest manifest{.node_uuid = test_uuid(), .sequence = 1, .term = term - 1, .current = *before};
  manifest.lanes = {
      {.lane = provisioning_lane, .current_lsn = 30, .durable_lsn = 35, .term_lsn = 30},
      {.lane = 0, .current_lsn = 900, .durable_lsn = 950, .segment_in_use = 6, .term_lsn = 800}};
  ASSERT_TRUE(write_manifest(disk, manifest));
  manifest.term = term;
  manifest.previous = *before;
  manifest.current = *now;
  manifest.lanes = {{.lane = provisioning_lane,
                     .current_lsn = 40,
                     .previous_lsn = 30,
                     .durable_lsn = 41,
                     .segment_in_use = 3,
                     .term_lsn = 40},
                    {.lane = 0,
                     .current_lsn = 1000,
                     .previous_lsn = 900,
                     .durable_lsn = 1003,
                     .segment_in_use = 7,
                     .term_lsn = 1000}};
  ASSERT_TRUE(write_manifest(disk, manifest));
}

LaneWriter::Options lane_options(std::uint32_t lane, std::size_t record_bytes, std::uint64_t lsn) {
  return {.node_uuid = test_uuid(),
          .lane = lane,
          .record_bytes = record_bytes,
          .segment_bytes = small_segment_bytes,
          .term = term,
          .next_lsn = lsn,
          .frames_per_group = 1};
}

void append_golden_claim(LaneWriter& writer) {
  const std::uint64_t lsn = writer.next_lsn();
  const auto n = static_cast<std::uint32_t>(lsn - first_lsn);
  const std::uint32_t i = n % channels;
  const std::uint64_t before = n < channels ? saved_view(i).held.value : 2000 + n - channels;
  const channel::Signature signature = channel::make_signature(2000 + n);
  ClaimBytes bytes;
  write_claim_record(bytes.data(), {.lsn = lsn,
                                    .channel = {first_handle + i},
                                    .amount = {2000 + n},
                                    .previous = {before},
                                    .incarnation = i + 1,
                                    .slot = i,
                                    .time = 800'000'000 + n,
                                    .signature = signature.data()});
  writer.append(bytes.data());
}

void write_claim_lane(SimulatedDisk& disk) {
  WrittenLane lane(disk, lane_options(0, claim_record_bytes, first_lsn), 7);
  channel::LedgerTime now = 800'000'000;
  for (const unsigned count : {3u, claims - 3u, 0u}) {
    for (unsigned i = 0; i < count; ++i) append_golden_claim(lane.writer());
    lane.write(++now);
  }
}

void write_provisioning_lane(SimulatedDisk& disk) {
  WrittenLane lane(disk, lane_options(provisioning_lane, provisioning_record_bytes, 41), 3);
  ProvisioningRecord changes[] = {
      {.change = Change::add, .incarnation = channels + 1, .terms = terms_of(channels)},
      {.change = Change::update, .incarnation = updated + 1, .terms = raised_terms()},
      {.change = Change::remove, .incarnation = removed + 1, .terms = terms_of(removed)},
      {.change = Change::commit, .changes = 3}};
  for (ProvisioningRecord& change : changes) {
    change.lsn = lane.writer().next_lsn();
    change.batch = 41;
    std::array<std::byte, provisioning_record_bytes> bytes;
    write_provisioning_record(bytes.data(), change);
    lane.writer().append(bytes.data());
  }
  lane.write(0);
}

void expect_golden(const SimulatedDisk& disk, const std::string& path) {
  const Bytes expected = golden_files().at(path), made = files_of(disk).at(path);
  ASSERT_EQ(made.size(), expected.size()) << path;
  const auto differs = std::ranges::mismatch(made, expected).in1 - made.begin();
  EXPECT_EQ(differs, std::ssize(expected)) << path << " differs from this offset on";
}

TEST(JournalGolden, TheWritersMakeTheManifestAndTheCheckpoint) {
  SimulatedDisk disk(1);
  write_manifest_and_checkpoint(disk);
  expect_golden(disk, "MANIFEST");
  expect_golden(disk, "checkpoint-2.cgc");
}

TEST(JournalGolden, TheWriterMakesTheSegmentOfClaims) {
  SimulatedDisk disk(1);
  write_claim_lane(disk);
  expect_golden(disk, "lane-0/seg-7.jnl");
}

TEST(JournalGolden, TheWriterMakesTheSegmentOfChanges) {
  SimulatedDisk disk(1);
  write_provisioning_lane(disk);
  expect_golden(disk, "lane-provisioning/seg-3.jnl");
}

// Every channel as the golden folder leaves it; nothing where it has none of that number.
std::optional<channel::ChannelView> expected_view(std::uint32_t i) {
  if (i == removed || i > channels) return {};
  if (i == channels) return channel::ChannelView{.terms = terms_of(i), .incarnation = i + 1};
  channel::ChannelView view = saved_view(i);
  if (i == updated) view.terms = raised_terms();
  const std::uint32_t n = i + (i + 2 * channels < claims ? 2 * channels : channels);
  view.held = {2000 + n};
  view.signature = channel::make_signature(2000 + n);
  view.lsn = 0;
  view.last_activity = 800'000'000 + n;
  return view;
}

TEST(JournalGolden, RecoveryReadsTheFolder) {
  SimulatedDisk disk(1);
  put(disk, golden_files());
  channel::Table table = empty_table();
  const auto recovered = recover(disk, table);
  ASSERT_TRUE(recovered) << recovered.error().text();
  EXPECT_EQ(recovered->set_aside, "");
  EXPECT_EQ(recovered->manifest.node_uuid, test_uuid());
  EXPECT_EQ(recovered->base.generation, 5u);
  EXPECT_EQ(recovered->highest_term, term);
  EXPECT_EQ(recovered->next_incarnation, channels + 2);
  EXPECT_EQ(recovered->changes, 3u);
  EXPECT_EQ(recovered->changes_ignored, 0u);
  EXPECT_EQ(recovered->claims, claims - 2u);
  EXPECT_EQ(recovered->claims_ignored, 2u) << "of the channel that was removed";
  for (const RecoveredLane& lane : recovered->lanes) {
    const bool is_provisioning = lane.lane == provisioning_lane;
    EXPECT_EQ(lane.end.next_lsn, is_provisioning ? 45 : first_lsn + claims);
    EXPECT_EQ(lane.end.durable_lsn, is_provisioning ? 41 : first_lsn + claims - 1);
    EXPECT_EQ(lane.end.highest_segment, is_provisioning ? 3u : 7u);
    EXPECT_EQ(lane.end.torn_bytes, 0u);
  }
  ASSERT_EQ(table.size(), channels);
  for (std::uint32_t i = 0; i <= channels + 1; ++i) {
    const wire::ChannelHandle handle{first_handle + i};
    const auto at = table.find(handle, table.hash(handle), channel::no_slot);
    const auto expected = expected_view(i);
    ASSERT_EQ(at != channel::no_slot, expected.has_value()) << i;
    if (!expected) continue;
    EXPECT_TRUE(same_view(*table.view(at), *expected)) << i;
  }
}

}  // namespace
}  // namespace claimgate::journal
