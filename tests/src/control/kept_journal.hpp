// The appliance's journal on the real file system, behind a table of the test's. Starting it again
// over another table is what a start of claimd does.
#pragma once

#include <memory>
#include <stdexcept>

#include "lib/channel/table.hpp"
#include "lib/journal/posix_storage.hpp"
#include "src/durability/keeper.hpp"
#include "tests/src/control/scratch_dir.hpp"

namespace claimgate::control::test {

class KeptJournal {
 public:
  explicit KeptJournal(channel::Table& table, std::uint32_t next_incarnation = 1) {
    start(table, next_incarnation);
  }
  // As after a crash: what was durable counts, nothing else is done.
  void start(channel::Table& table, std::uint32_t next_incarnation = 1) {
    keeper_.reset();
    auto storage = journal::PosixStorage::open(folder_.path(""));
    if (!storage) throw std::runtime_error(storage.error().text());
    storage_ = std::move(*storage);
    durability::KeeperOptions options;
    options.journal.new_node_uuid = {std::byte{1}};
    options.journal.segment_bytes = options.journal.provisioning_segment_bytes = 1 << 20;
    options.journal.spares = 1;
    auto opened = durability::Keeper::open(*storage_, options, table, next_incarnation, recovered_);
    if (!opened) throw std::runtime_error(opened.error().text());
    keeper_ = std::move(*opened);
  }
  [[nodiscard]] durability::Keeper& keeper() noexcept { return *keeper_; }
  [[nodiscard]] const journal::Recovered& recovered() const noexcept { return recovered_; }

 private:
  ScratchDir folder_;
  std::unique_ptr<journal::PosixStorage> storage_;
  journal::Recovered recovered_;
  std::unique_ptr<durability::Keeper> keeper_;
};

}  // namespace claimgate::control::test
