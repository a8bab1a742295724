// A checkpoint: every channel of the table, with its held claim, as of some moment or later.
//
// Three files take turns, so that the one being written never is one that counts: the manifest
// names two. Written while claims flow: each channel is consistent in itself (Table::view), and
// what changed behind the writer's back is in the journal, which recovery merges on top.
//
// Control thread. Layout in FORMAT.md: pages of 15 records like the state file's.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "lib/channel/table.hpp"
#include "lib/journal/manifest.hpp"
#include "lib/journal/storage.hpp"

namespace claimgate::journal {

[[nodiscard]] std::string checkpoint_path(std::uint64_t generation);

// Called between two writes, with the bytes written since: to wait, so that the disk is not taken
// from the journal, and to give up (a Failure ends the checkpoint; the one before goes on
// counting).
using Pace = std::function<Expected<void>(std::size_t bytes)>;

// Writes the file of `generation` (> 0) and syncs it. `next_incarnation` goes into the reference,
// which counts from the moment in which a manifest that names it is durable.
[[nodiscard]] Expected<CheckpointRef> write_checkpoint(Storage& storage, const Uuid& node_uuid,
                                                       std::uint64_t generation,
                                                       std::uint32_t next_incarnation,
                                                       const channel::Table& table,
                                                       const Pace& pace);

// Verifies the whole file, then delivers every channel. A Failure names file and offset: it is not
// the one that `ref` means, or is damaged anywhere; or it is what `deliver` returned.
// Generation 0 has no channels.
[[nodiscard]] Expected<void> read_checkpoint(
    Storage& storage, const Uuid& node_uuid, const CheckpointRef& ref,
    const std::function<Expected<void>(const channel::ChannelView&)>& deliver);

// The file of `ref`, verified, for another storage and perhaps another node. Made anew there, and
// synced; it is what is returned.
[[nodiscard]] Expected<CheckpointRef> copy_checkpoint(Storage& from, const Uuid& from_uuid,
                                                      const CheckpointRef& ref, Storage& to,
                                                      const Uuid& to_uuid, const Pace& pace);

// Verifies every page and record of the file, and hands each fault to `report`, named as above;
// what that returns as a Failure ends it. Returned is what kept it from looking: a file that does
// not open or read. `pace` is called as it goes on, where it is given.
[[nodiscard]] Expected<void> verify_checkpoint(
    Storage& storage, const Uuid& node_uuid, const CheckpointRef& ref,
    const std::function<Expected<void>(const Failure&)>& report, const Pace& pace);

// Bytes that a checkpoint of so many channels takes.
[[nodiscard]] std::uint64_t checkpoint_bytes(std::uint64_t channels) noexcept;

}  // namespace claimgate::journal
