#include "src/control/table_load.hpp"

#include <sodium.h>

#include <chrono>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace claimgate::control {

namespace {

// Channels are open by the clock: one that is behind keeps them open beyond the time up to which
// their funds are sure.
void warn_about_the_clock(std::int64_t saved_at_unix_s, std::int64_t now_unix_s) {
  if (now_unix_s >= saved_at_unix_s) return;
  spdlog::warn(
      "THE CLOCK IS WRONG: it is {} s behind the time at which the state file was saved. Channels "
      "would be served beyond their validity, and what they pay then may not be redeemable. Set "
      "the clock (timedatectl) and start claimd again",
      saved_at_unix_s - now_unix_s);
}

}  // namespace

Expected<channel::SnapshotHeader> load_table(const StateFolder& folder, channel::Table& table,
                                             std::int64_t now_unix_s) {
  if (folder.was_running()) {
    spdlog::warn(
        "the claimd before this one did not stop cleanly: claims that it accepted and "
        "channels that it imported since its start are lost. Import the channels again; "
        "payers' next claims restore the amounts");
  }
  if (!folder.has_table()) {
    channel::SnapshotHeader header;
    randombytes_buf(header.node_uuid.data(), header.node_uuid.size());
    spdlog::info("no state file yet: starting with no channels");
    return header;
  }
  const auto began = std::chrono::steady_clock::now();
  auto loaded = channel::load_snapshot(
      folder.table_file(), [&](const channel::ChannelView& saved) -> Expected<void> {
        // The gate counts LSNs from 0 again, and what the file holds is durable. With its old LSN
        // a channel's replies would wait for a number that the gate has not reached yet.
        channel::ChannelView view = saved;
        view.lsn = 0;
        const auto applied = table.restore(view);
        if (applied.slot != channel::no_slot) return {};
        return fail(fmt::format("the state file holds more channels than channels.capacity = {}",
                                table.capacity()),
                    folder.table_file(), "Raise channels.capacity");
      });
  if (!loaded) return std::unexpected(loaded.error());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  spdlog::info("{} channels loaded from {} in {:.2f} s", loaded->channels, folder.table_file(),
               took.count());
  warn_about_the_clock(loaded->header.saved_at_unix_s, now_unix_s);
  return loaded->header;
}

}  // namespace claimgate::control
