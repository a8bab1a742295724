// One lane read while a claimd appends to it: each record once, in LSN order, and none before the
// files state that it is durable (FORMAT.md, "Following a lane").
//
//   frame, whole, the next LSN ─► pending ─ a later frame, the manifest, or a new term states it ─►
//   delivered
//
// It reads files and nothing else. Whatever of a frame is half written, recycled or torn is known
// by the frame's own checksums, segment number, term and LSN, so nothing that is read has to be
// read again to be believed.
//
// Owner: one thread. Memory: a window of 64 KiB, and what is not yet stated.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "lib/journal/lane_scan.hpp"
#include "lib/journal/manifest.hpp"
#include "lib/journal/segment_reader.hpp"
#include "lib/journal/storage.hpp"

namespace claimgate::journal {

class LaneFollower {
 public:
  enum class State : std::uint8_t {
    following,  // everything stated so far is delivered
    unsure,     // what comes next is not there, though it may only be late: ask again
    lost,       // and will not come: recycled (its LSNs are at or below the checkpoint), or this
                // lane never was as far: it is of another history. restart() goes on
  };

  // What is delivered: records that are stated to be durable, or all that are there whole, which a
  // crash may take back.
  enum class Until : std::uint8_t { stated, whole };

  // Everything up to `after_lsn` is known.
  LaneFollower(Storage& storage, const Uuid& node_uuid, std::uint32_t lane, std::uint64_t after_lsn,
               Until until = Until::stated);

  // Delivers what has become known to be durable. `manifest` was read after the last poll. A
  // Failure: `deliver`'s, a newer version, a disk that does not read, or damage: a record that was
  // durable, that no checkpoint has, and that stays missing poll after poll.
  [[nodiscard]] Expected<State> poll(const Manifest& manifest, const DeliverRecord& deliver);
  // Everything up to `lsn` is known, whatever was before.
  void restart(std::uint64_t lsn);

  [[nodiscard]] std::uint32_t lane() const noexcept { return lane_; }
  // The last record delivered.
  [[nodiscard]] std::uint64_t lsn() const noexcept { return delivered_lsn_; }
  // The last record read, delivered or not.
  [[nodiscard]] std::uint64_t read_lsn() const noexcept { return next_ - 1; }

 private:
  // A segment with a header of its own, behind the one that is read.
  struct Candidate {
    SegmentHeader header;
    std::uint64_t bytes = 0;
    std::unique_ptr<File> file;
  };
  // The first LSN that is not known yet; frames before it are only passed on the way there.
  [[nodiscard]] std::uint64_t wanted() const noexcept {
    return next_ > delivered_lsn_ ? next_ : delivered_lsn_ + 1;
  }
  [[nodiscard]] Expected<void> find_first(const Manifest& manifest);
  // The three return whether there was anything new.
  [[nodiscard]] Expected<bool> read_on(const Manifest& manifest, const DeliverRecord& deliver);
  [[nodiscard]] Expected<bool> move_on(const Manifest& manifest, const DeliverRecord& deliver);
  [[nodiscard]] Expected<bool> take_frame(const Manifest& manifest);
  [[nodiscard]] Expected<std::uint64_t> pass_over();
  [[nodiscard]] Expected<std::optional<FrameHeader>> own_header(std::uint64_t offset);
  [[nodiscard]] Expected<std::vector<Candidate>> candidates(const Manifest& manifest);
  [[nodiscard]] Expected<void> note_statement(Candidate& candidate);
  void enter(Candidate candidate);
  [[nodiscard]] Expected<void> deliver_up_to(std::uint64_t lsn, const DeliverRecord& deliver);
  void drop_above(std::uint64_t lsn);
  [[nodiscard]] Expected<State> judge(const Manifest& manifest);

  Storage& storage_;
  const Uuid node_uuid_;
  const std::uint32_t lane_;
  const std::size_t record_bytes_;
  const std::uint32_t stamp_;
  const Until until_;
  AlignedBuffer window_{2 * frame_bytes_max};  // what each poll of an idle lane reads

  std::uint64_t delivered_lsn_;
  std::uint64_t next_;              // LSN of the frame looked for
  std::uint64_t stated_lsn_ = 0;    // durable, by frames and manifest of the term that is read
  std::uint64_t evidence_lsn_ = 0;  // durable, by all that was seen: up to here nothing may miss
  std::uint64_t segment_ = 0;       // that is read; 0: none
  std::uint32_t term_ = 0;
  std::uint64_t offset_ = 0;  // where the next frame begins
  std::unique_ptr<File> file_;
  std::optional<SegmentReader> reader_;
  std::vector<RecordPlace> pending_;  // read and not delivered, in order
  std::vector<std::byte> pending_bytes_;
  unsigned fruitless_ = 0;  // polls in which something was missing
};

}  // namespace claimgate::journal
