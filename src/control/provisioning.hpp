// Provisioning: the control plane's way to the workers' channel tables.
//
//   plan ─► record() ─► commit() ─► apply() ─► applied()
//             journal     on disk     worker      a checkpoint may rely on it
//
// Changes are durable before a worker sees them. They travel as commands over bounded rings to the
// worker that owns the channel; readings of single channels are taken from the slots under their
// sequence locks. One control thread at a time (the admin server's).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "lib/channel/table.hpp"
#include "lib/channel/terms.hpp"
#include "lib/failure/failure.hpp"
#include "src/control/change_plan.hpp"
#include "src/pipeline/command.hpp"

namespace claimgate::nic {
class CommandRing;
}

namespace claimgate::durability {
class Keeper;
}

namespace claimgate::control {

class Provisioning {
 public:
  // `table` is read only through view().
  Provisioning(nic::CommandRing& ring, const channel::Table& table, durability::Keeper& keeper);
  Provisioning(const Provisioning&) = delete;
  Provisioning& operator=(const Provisioning&) = delete;
  ~Provisioning();

  // Whether the worker has answered all that it was sent; waits `patience_late` for it. What is
  // planned while it has not may count on channels that are about to change.
  [[nodiscard]] Expected<void> settle();
  // Hands `changes` to the journal, as a part of the batch that commit() makes durable, all of it
  // or nothing. New channels are given their incarnations. Fails where the journal does, and once
  // the incarnations have run out: 2^32 - 2 channels have then been new here. The batch is then
  // given up.
  [[nodiscard]] Expected<void> record(std::span<PlannedChange> changes);
  [[nodiscard]] Expected<void> commit();
  void abandon();
  // Has the worker carry out recorded `changes`, in order; results[i] answers changes[i]. Sizes
  // must be equal. A new channel for which the table's index has no place is withdrawn: table_full.
  // Fails (naming the remedy) where the worker does not answer within `patience`; what was applied
  // by then stays, and the next start applies all that was committed.
  [[nodiscard]] Expected<void> apply(std::span<const PlannedChange> changes,
                                     std::span<channel::ApplyResult> results);
  // All that was committed is in the table. Where an apply() or a removal has failed that is not
  // known any more, and the journal keeps all changes from there on for the next start.
  void applied();

  [[nodiscard]] Expected<bool> remove(const channel::ChannelId& id);
  [[nodiscard]] Expected<std::optional<channel::ChannelView>> find(wire::ChannelHandle handle);
  // Every channel, in slot order, while claims flow: each view is consistent in itself.
  void for_each(const std::function<void(const channel::ChannelView&)>& each) const;

  [[nodiscard]] std::uint32_t channels() const noexcept;
  [[nodiscard]] std::uint32_t capacity() const noexcept;

  // Of waiting for the worker. After a call that ended so, the next ones wait `patience_late` for
  // the answers still due and fail until they have come: their commands are in the worker's hands.
  static constexpr std::chrono::seconds patience{5};
  static constexpr std::chrono::milliseconds patience_late{200};

 private:
  static constexpr std::size_t batch_max = 255;  // commands under way at once

  [[nodiscard]] Expected<void> execute(std::size_t count);
  [[nodiscard]] Expected<void> withdraw(const PlannedChange& change);
  bool collect();

  nic::CommandRing& ring_;
  const channel::Table& table_;
  durability::Keeper& keeper_;
  std::vector<pipeline::Command> commands_;
  std::size_t outstanding_ = 0;  // posted and not answered: the worker may read their memory
  bool in_doubt_ = false;        // committed changes may not be in the table
};

}  // namespace claimgate::control
