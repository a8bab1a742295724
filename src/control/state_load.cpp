#include "src/control/state_load.hpp"

#include <sodium.h>

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "lib/channel/snapshot.hpp"

namespace claimgate::control {

namespace {

using journal::Recovered;
using Seconds = std::chrono::duration<double>;

// Channels are open by the clock: one that is behind keeps them open beyond the time up to which
// their funds are sure.
void warn_about_the_clock(const channel::Table& table, std::int64_t now_unix_s) {
  std::int64_t last = 0;
  for (channel::SlotIndex slot = 0; slot < table.slots_used(); ++slot) {
    if (const auto view = table.view(slot)) {
      last = std::max<std::int64_t>(last, view->last_activity);
    }
  }
  last += channel::ledger_epoch_unix_s;
  if (last == channel::ledger_epoch_unix_s || now_unix_s >= last) return;
  spdlog::warn(
      "THE CLOCK IS WRONG: it is {} s behind the time at which the last claim was accepted. "
      "Channels would be served beyond their validity, and what they pay then may not be "
      "redeemable. Set the clock (timedatectl) and start claimd again",
      last - now_unix_s);
}

// Of a release before the journal.
Expected<channel::SnapshotHeader> take_over(const StateFolder& folder, channel::Table& table) {
  if (folder.was_running()) {
    spdlog::warn(
        "the claimd before this one, a release without a journal, did not stop cleanly: claims "
        "that it accepted and channels that it imported since its start are lost. Import the "
        "channels again; payers' next claims restore the amounts");
  }
  auto loaded = channel::load_snapshot(
      folder.table_file(), [&](const channel::ChannelView& saved) -> Expected<void> {
        channel::ChannelView view = saved;
        view.lsn = 0;  // what the file holds is durable, whatever LSNs come next
        const auto applied = table.restore(view);
        if (applied.slot != channel::no_slot) return {};
        return fail(fmt::format("the state file holds more channels than channels.capacity = {}",
                                table.capacity()),
                    folder.table_file(), "Raise channels.capacity");
      });
  if (!loaded) return std::unexpected(loaded.error());
  spdlog::info("{} channels taken over from {}", loaded->channels, folder.table_file());
  return loaded->header;
}

void log_recovery(const Recovered& recovered, const channel::Table& table,
                  const durability::KeeperOptions& options, Seconds took) {
  if (recovered.fresh) {
    spdlog::info("no journal yet: a new one begins with {} channels", table.size());
    return;
  }
  if (!recovered.set_aside.empty()) {
    spdlog::error(
        "the newest checkpoint cannot be used, and the one before it and a longer journal were "
        "read "
        "instead. Nothing is lost, but the disk is not to be trusted: {}",
        recovered.set_aside);
  }
  spdlog::info(
      "{} channels recovered in {:.2f} s: checkpoint {} and {} claims and {} changes of channels "
      "after it",
      table.size(), took.count(), recovered.base.generation, recovered.claims, recovered.changes);
  if (recovered.changes_ignored > 0) {
    spdlog::warn(
        "{} changes of channels belonged to an import that had not ended: none of it has happened. "
        "Import again",
        recovered.changes_ignored);
  }
  if (options.release == durability::Release::at_once) {
    spdlog::warn(
        "durability.mode = \"async\": what was accepted in the last {} ms before a crash may be "
        "lost",
        options.async_max.count());
  }
}

}  // namespace

Expected<std::unique_ptr<durability::Keeper>> load_state(const StateFolder& folder,
                                                         journal::PosixStorage& storage,
                                                         const durability::KeeperOptions& wanted,
                                                         channel::Table& table,
                                                         std::int64_t now_unix_s) {
  durability::KeeperOptions options = wanted;
  randombytes_buf(options.journal.new_node_uuid.data(), options.journal.new_node_uuid.size());
  std::uint32_t next_incarnation = 1;
  // A file that was made and never written is no journal yet.
  const auto manifest = journal::read_manifest(storage);
  if (!manifest) return std::unexpected(manifest.error());
  if (!*manifest && folder.has_table()) {
    const auto header = take_over(folder, table);
    if (!header) return std::unexpected(header.error());
    next_incarnation = header->next_incarnation;
    options.journal.new_node_uuid = header->node_uuid;
  }
  const auto began = std::chrono::steady_clock::now();
  Recovered recovered;
  auto keeper = durability::Keeper::open(storage, options, table, next_incarnation, recovered);
  if (!keeper) return std::unexpected(keeper.error());
  log_recovery(recovered, table, options, std::chrono::steady_clock::now() - began);
  if (folder.has_table()) {
    if (auto aside = folder.put_table_aside(); !aside) return std::unexpected(aside.error());
  }
  if (!storage.direct()) {
    spdlog::warn(
        "the state folder's file system does not take O_DIRECT: the journal goes through the page "
        "cache, which is slower. Put node.state_dir on ext4 or xfs");
  }
  warn_about_the_clock(table, now_unix_s);
  return keeper;
}

}  // namespace claimgate::control
