// A claimd's journal in a state folder of its own, with claims that are really signed; what it
// holds can be compared with what claimctl says of the folder. One thread.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/journal/journal.hpp"
#include "lib/journal/posix_storage.hpp"
#include "lib/signing/signing.hpp"
#include "lib/xrpl/hex.hpp"

namespace claimgate::journal {

class SignedLife {
 public:
  static constexpr std::uint64_t segment_bytes = 9 * page_bytes;

  explicit SignedLife(const std::string& folder) : table_(new_table()) {
    std::filesystem::create_directory(folder);
    storage_ = std::move(*PosixStorage::open(folder));
    Uuid uuid;
    uuid.fill(std::byte{0x2A});
    auto opened = Journal::open(*storage_,
                                {.new_node_uuid = uuid,
                                 .claim_lanes = 1,
                                 .segment_bytes = segment_bytes,
                                 .provisioning_segment_bytes = segment_bytes,
                                 .spares = 1,
                                 .frames_per_group = 1},
                                table_, 1, recovered_);
    EXPECT_TRUE(opened) << opened.error().text();
    journal_ = std::move(*opened);
  }

  [[nodiscard]] Journal& journal() noexcept { return *journal_; }
  [[nodiscard]] const channel::Table& table() const noexcept { return table_; }

  void import(std::uint64_t number) {
    ProvisioningRecord change{.change = Change::add,
                              .incarnation = journal_->issue_incarnations(1)};
    change.terms = terms_of(number);
    ASSERT_TRUE(journal_->provision({&change, 1}));
    ASSERT_NE(table_.apply(change.terms, change.incarnation).slot, channel::no_slot);
    journal_->provisioned();
  }
  void claim(std::uint64_t number, std::uint64_t amount, bool well_signed = true) {
    const channel::ChannelId id = terms_of(number).id;
    const auto slot = table_.find(id.handle(), table_.hash(id.handle()), channel::no_slot);
    ASSERT_NE(slot, channel::no_slot);
    const auto signature = keys_of(number).sign(id, {well_signed ? amount : amount + 1});
    LaneWriter& writer = journal_->claims(0);
    std::array<std::byte, claim_record_bytes> bytes;
    write_claim_record(bytes.data(), {.lsn = writer.next_lsn(),
                                      .channel = id.handle(),
                                      .amount = {amount},
                                      .previous = {table_.slot(slot).amount},
                                      .incarnation = table_.slot(slot).incarnation,
                                      .slot = slot,
                                      .time = 800'000'000,
                                      .signature = signature.data()});
    table_.commit(slot, {amount}, signature.data(), writer.next_lsn(), 800'000'000);
    writer.append(bytes.data());
    write();
  }
  void write() {
    LaneWriter& writer = journal_->claims(0);
    auto group = writer.close(800'000'001);
    if (!group) {
      ASSERT_TRUE(journal_->tend());
      group = writer.close(800'000'001);
    }
    ASSERT_TRUE(group);
    ASSERT_TRUE(group->file->write_durably(group->offset, group->bytes));
    writer.complete(*group);
  }
  void checkpoint() { ASSERT_TRUE(journal_->checkpoint(table_, {})); }
  void rest() {
    if (journal_->claims(0).wants_heartbeat()) write();
    while (journal_->tend().value()) continue;
  }

  static channel::Table new_table() {
    return channel::Table::create(200, {1, 2}, memory::Pages::normal).value();
  }
  static signing::KeyPair keys_of(std::uint64_t number) {
    return signing::KeyPair::derive(
        5, number, number % 2 ? channel::KeyType::ed25519 : channel::KeyType::secp256k1);
  }
  static channel::ChannelTerms terms_of(std::uint64_t number) {
    channel::ChannelTerms terms;
    terms.id.bytes.fill(static_cast<std::byte>(number));
    terms.key = keys_of(number).public_key();
    terms.funded = {1'000'000};
    terms.ledger_index = 7;
    return terms;
  }
  static std::string id_text(std::uint64_t number) {
    return xrpl::to_hex(terms_of(number).id.bytes);
  }

 private:
  channel::Table table_;
  std::unique_ptr<PosixStorage> storage_;
  Recovered recovered_;
  std::unique_ptr<Journal> journal_;
};

}  // namespace claimgate::journal
