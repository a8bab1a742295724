// An admin server over a real socket, a real table, the real command rings, and a thread in the
// worker's place that does with commands what the worker does. EAL runs once per test executable.
#pragma once

#include <sched.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include "lib/xrpl/base58.hpp"
#include "lib/xrpl/channel_id.hpp"
#include "lib/xrpl/hex.hpp"
#include "lib/xrpl/keys.hpp"
#include "src/control/admin/admin_server.hpp"
#include "src/nic/command_ring.hpp"
#include "src/nic/eal.hpp"
#include "tests/src/control/kept_journal.hpp"

namespace claimgate::control::test {

template <class T>
T must(Expected<T> value) {
  if (!value) throw std::runtime_error(value.error().text());
  return std::move(*value);
}

// Started with the first rig; the thread that calls keeps its CPUs.
inline void start_eal() {
  static const nic::Eal eal = [] {
    cpu_set_t before;
    sched_getaffinity(0, sizeof before, &before);
    nic::EalOptions options;
    options.program = "test";
    options.file_prefix = fmt::format("claimgate-admin-test-{}", ::getpid());
    options.huge_pages = nic::HugePages::never;
    options.memory_mib = 64;
    options.lcore_cpus = {nic::allowed_cpus().front()};
    auto started = must(nic::Eal::start(options));
    sched_setaffinity(0, sizeof before, &before);
    return started;
  }();
  (void)eal;
}

inline const xrpl::AccountId our_account = [] {
  xrpl::AccountId account;
  account.fill(std::byte{0x42});
  return account;
}();

inline xrpl::AccountId payer(std::uint32_t number) {
  xrpl::AccountId account{};
  wire::store_be(account.data(), number);
  return account;
}

// One of 16 Ed25519 keys.
inline xrpl::KeyBytes key_number(std::uint32_t number) {
  static const auto keys = [] {
    std::array<xrpl::KeyBytes, 16> made;
    for (std::size_t i = 0; i < made.size(); ++i) {
      std::array<unsigned char, 32> seed{};
      seed[0] = static_cast<unsigned char>(i + 1);
      std::array<unsigned char, 64> secret;
      std::array<unsigned char, 32> key;
      crypto_sign_ed25519_seed_keypair(key.data(), secret.data(), seed.data());
      made[i][0] = std::byte{0xED};
      std::memcpy(made[i].data() + 1, key.data(), key.size());
    }
    return made;
  }();
  return keys[number % keys.size()];
}

inline channel::ChannelId id_number(std::uint32_t number) {
  return xrpl::channel_id(payer(number), our_account, number + 1);
}

// Channel `number` as account_channels lists it; a test changes what it wants refused.
inline nlohmann::json channel_entry(std::uint32_t number) {
  return {{"channel_id", xrpl::to_hex(id_number(number).bytes)},
          {"account", xrpl::address_text(payer(number))},
          {"destination_account", xrpl::address_text(our_account)},
          {"amount", "1000000"},
          {"balance", "0"},
          {"public_key_hex", xrpl::to_hex(key_number(number))},
          {"settle_delay", 86400}};
}

inline nlohmann::json answer_of(nlohmann::json channels, std::uint32_t ledger_index = 100) {
  return {{"result",
           {{"account", xrpl::address_text(our_account)},
            {"channels", std::move(channels)},
            {"ledger_index", ledger_index},
            {"validated", true},
            {"status", "success"}}}};
}

inline admin::ImportRecord import_record(std::uint32_t number) {
  return {.id = id_number(number).bytes,
          .key = key_number(number),
          .key_form = static_cast<std::uint8_t>(xrpl::KeyForm::present),
          .account = payer(number),
          .destination = our_account,
          .amount_drops = 1'000'000,
          .balance_drops = 0,
          .settle_delay_s = 86'400,
          .sequence = number + 1,
          .line = number + 1};
}

class Rig {
 public:
  explicit Rig(std::uint32_t capacity = 1000, AdminOptions options = {}) {
    start_eal();
    spdlog::set_level(spdlog::level::err);
    static std::atomic<int> number{0};
    std::string pattern = std::filesystem::temp_directory_path() / "claimgate-admin-XXXXXX";
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
    directory_ = pattern;
    ::chmod(directory_.c_str(), 0755);
    table_ = std::make_unique<channel::Table>(
        must(channel::Table::create(capacity, {1, 2}, memory::Pages::normal)));
    ring_ = std::make_unique<nic::CommandRing>(
        must(nic::CommandRing::create(fmt::format("rig{}", number++))));
    journal_ = std::make_unique<KeptJournal>(*table_);
    provisioning_ = std::make_unique<Provisioning>(*ring_, *table_, journal_->keeper());
    worker_ = std::thread([this] { work(); });
    options_ = std::move(options);
    options_.socket = socket();
    options_.version = "0.1.0-test";
    options_.build = "test build";
    policy_.destinations = {our_account};
    try {
      serve();
    } catch (...) {
      end();
      throw;
    }
  }
  ~Rig() { end(); }

  void serve() {
    server_.emplace(must(AdminServer::start(options_, *provisioning_, *table_, policy_, [] {
      return nlohmann::json{{"verdicts", {{"ACCEPTED", 17}, {"STALE", 0}}}, {"channels", 3}};
    })));
  }
  void stop_serving() { server_.reset(); }

  [[nodiscard]] std::string socket() const { return directory_ / "admin.sock"; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] const AdminOptions& options() const { return options_; }
  [[nodiscard]] std::uint32_t channels() const { return table_->size(); }
  [[nodiscard]] channel::Table& table() { return *table_; }
  [[nodiscard]] Provisioning& provisioning() { return *provisioning_; }
  [[nodiscard]] KeptJournal& journal() { return *journal_; }
  [[nodiscard]] const xrpl::Policy& policy() const { return policy_; }
  // While set the worker leaves its commands lying.
  std::atomic<bool> stalled{false};
  // How long it takes for each.
  std::atomic<unsigned> pace_us{0};

  std::string write(const std::string& name, const std::string& text) const {
    const auto path = directory_ / name;
    std::ofstream(path) << text;
    return path;
  }
  std::string write(const std::string& name, const nlohmann::json& answer) const {
    return write(name, answer.dump(1));
  }

 private:
  void end() {
    server_.reset();
    stop_ = true;
    if (worker_.joinable()) worker_.join();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  void work() {
    using pipeline::Command;
    while (!stop_) {
      Command* command = stalled ? nullptr : ring_->take();
      if (!command) {
        std::this_thread::sleep_for(std::chrono::microseconds(20));
        continue;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(pace_us));
      const auto& terms = command->terms;
      switch (command->verb) {
        case Command::Verb::apply: {
          const auto applied = table_->apply(terms, command->incarnation);
          command->result = applied.result;
          command->slot = applied.slot;
          break;
        }
        case Command::Verb::remove:
          command->removed = table_->remove(terms.id);
          break;
        case Command::Verb::find: {
          const auto hash = table_->hash(terms.id.handle());
          command->slot = table_->find(terms.id.handle(), hash, table_->candidate(hash));
          break;
        }
      }
      ring_->give_back(command);
    }
  }

  std::filesystem::path directory_;
  AdminOptions options_;
  xrpl::Policy policy_;
  std::unique_ptr<channel::Table> table_;
  std::unique_ptr<nic::CommandRing> ring_;
  std::unique_ptr<KeptJournal> journal_;
  std::unique_ptr<Provisioning> provisioning_;
  std::optional<AdminServer> server_;
  std::atomic<bool> stop_{false};
  std::thread worker_;
};

}  // namespace claimgate::control::test
