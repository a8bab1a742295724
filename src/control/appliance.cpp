#include "src/control/appliance.hpp"

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_version.h>
#include <sodium.h>
#include <sys/prctl.h>

#include <atomic>
#include <ctime>
#include <optional>
#include <string>
#include <utility>

#include <spdlog/spdlog.h>

#include "lib/journal/posix_storage.hpp"
#include "src/control/admin/admin_server.hpp"
#include "src/control/build_info.hpp"
#include "src/control/exposition.hpp"
#include "src/control/provisioning.hpp"
#include "src/control/socket_folder.hpp"
#include "src/control/state_folder.hpp"
#include "src/control/state_load.hpp"
#include "src/control/stats_document.hpp"
#include "src/durability/keeper.hpp"
#include "src/nic/command_ring.hpp"
#include "src/nic/device.hpp"
#include "src/nic/eal.hpp"
#include "src/nic/port.hpp"
#include "src/pipeline/clock.hpp"
#include "src/pipeline/worker.hpp"

namespace claimgate::control {

namespace {

using Worker =
    pipeline::Worker<nic::Port, durability::LaneGate, pipeline::SystemClock, nic::CommandRing>;

constexpr unsigned worker_lcore = 1;

// The worker with all that only its thread touches while it runs.
struct Running {
  pipeline::SystemClock clock{rte_get_tsc_hz()};
  pipeline::Stats stats;
  std::atomic<bool> stop{false};
  std::optional<Worker> worker;

  static int enter(void* self) {
    auto& running = *static_cast<Running*>(self);
    prctl(PR_SET_TIMERSLACK, 1UL);  // an idle nap lasts what it says
    running.worker->run(running.stop);
    return 0;
  }
};

Expected<channel::Table> make_table(const config::Config& config) {
  std::array<std::uint64_t, 2> hash_key;
  if (sodium_init() < 0) return fail("libsodium does not start", "start");
  randombytes_buf(hash_key.data(), sizeof hash_key);
  return channel::Table::create(config.channels.capacity, hash_key, config.memory.table_pages);
}

nic::PortOptions port_options(const config::Config& config) {
  return {.device = config.port.device,
          .rx_descriptors = config.port.rx_descriptors,
          .tx_descriptors = config.port.tx_descriptors,
          .held_max = config.worker.held_max,
          .promiscuous = config.port.promiscuous,
          .trusted_peer = config.port.trusted_peer};
}

nic::EalOptions eal_options(const config::Config& config, const config::Cpus& cpus) {
  nic::EalOptions options{.program = "claimd",
                          .file_prefix = config.eal.file_prefix,
                          .huge_pages = config.eal.huge_pages,
                          .memory_mib = config.eal.memory_mib,
                          .lcore_cpus = {cpus.control, cpus.worker},
                          .telemetry = config.eal.telemetry};
  if (options.memory_mib == 0) options.memory_mib = nic::memory_needed_mib(port_options(config));
  (config.port.is_pci() ? options.pci_devices : options.vdevs).push_back(config.port.device);
  return options;
}

// The table numbers those of a state file too, which another configuration may have filled.
static_assert(config::Config::Channels::destinations_max <= channel::destinations_max / 2);

xrpl::Policy policy(const config::Config& config) {
  xrpl::Policy made;
  made.destinations = {config.channels.destination_ids.begin(),
                       config.channels.destination_ids.end()};
  made.settle_delay_min_s = config.channels.settle_delay_min_s;
  made.margin_s = config.channels.margin_s;
  return made;
}

durability::KeeperOptions keeper_options(const config::Config& config) {
  const config::Config::Durability& wanted = config.durability;
  return {
      .journal = {.segment_bytes = std::uint64_t{wanted.segment_mib} << 20,
                  .spares = wanted.spare_segments},
      .release = wanted.async ? durability::Release::at_once : durability::Release::when_durable,
      .async_max = std::chrono::milliseconds(wanted.async_max_ms),
      .replay_bytes_max = std::uint64_t{wanted.journal_max_mib} << 20,
      .checkpoint_bytes_per_s = std::uint64_t{wanted.checkpoint_mib_per_s} << 20,
      .committer = {.sleeps = config.worker.idle == pipeline::Idle::yield}};
}

void log(const durability::Health& health) {
  using durability::Condition;
  switch (health.condition) {
    case Condition::good:
      return spdlog::info("the journal is in order again");
    case Condition::hindered:
      return spdlog::error("the journal's upkeep fails, claims go on for now: {}", health.why);
    case Condition::behind:
      return spdlog::error(
          "the disk is late: claims wait for it or are answered BUSY until it has caught up. {}",
          health.why);
    case Condition::full:
      return spdlog::error(
          "the journal has no segment to write to: claims are answered BUSY until there is one. {}",
          health.why);
    case Condition::failed:
      return spdlog::critical(
          "a write to the journal failed; nothing is acknowledged any more, and claimd stops. What "
          "was acknowledged is safe. {}",
          health.why);
  }
}

packet::Mac mac_of(const nic::Port& port) {
  packet::Mac mac;
  mac.bytes = port.mac();
  return mac;
}

}  // namespace

// In the order of construction; destroyed in reverse.
struct Appliance::Parts {
  config::Config config;
  StateFolder folder;
  channel::Table table;
  std::unique_ptr<journal::PosixStorage> storage;
  std::unique_ptr<durability::Keeper> keeper;
  durability::Condition condition = durability::Condition::good;  // as it was logged last
  std::optional<nic::Eal> eal;
  std::optional<nic::Port> port;
  std::optional<nic::CommandRing> commands;
  std::optional<packet::LocalAddresses> local;
  std::optional<Running> running;  // made once EAL knows the clock's rate
  std::optional<Provisioning> provisioning;
  std::optional<Exposition> exposition;
  std::optional<AdminServer> admin;
  config::Cpus cpus;
  std::string digest_kernel;
  secp::Reference reference;  // for the second opinion
  bool kernel_withdrawn = false;
  bool worker_runs = false;
  bool link_was_up = false;
  bool stopped = false;

  Parts(config::Config with, const config::Cpus& on, StateFolder state, channel::Table channels,
        secp::Reference libsecp256k1)
      : config(std::move(with)),
        folder(std::move(state)),
        table(std::move(channels)),
        cpus(on),
        reference(std::move(libsecp256k1)) {}

  [[nodiscard]] Expected<void> bring_up();
  [[nodiscard]] Expected<void> open_state();
  [[nodiscard]] Expected<void> make_socket_folders() const;
  [[nodiscard]] Expected<void> make_worker();
  [[nodiscard]] Expected<void> open_doors();
  [[nodiscard]] Expected<void> launch_worker();
  void halt_worker();
  [[nodiscard]] StatsSources sources() const;
  [[nodiscard]] Observed observed() const;
};

Expected<void> Appliance::Parts::bring_up() {
  if (auto opened = open_state(); !opened) return opened;
  if (auto made = make_socket_folders(); !made) return made;
  if (auto started = nic::Eal::start(eal_options(config, cpus)); started) {
    eal.emplace(std::move(*started));
  } else {
    return std::unexpected(started.error());
  }
  if (!eal->huge_pages() && config.eal.huge_pages != nic::HugePages::never) {
    spdlog::warn(
        "no huge pages for packet buffers ({} MiB are free): normal pages are used, which "
        "is slower; see dpdk-config/README.md",
        nic::free_huge_pages_mib());
  }
  if (auto opened = nic::Port::open(port_options(config)); opened) {
    port.emplace(std::move(*opened));
  } else {
    return std::unexpected(opened.error());
  }
  if (auto ring = nic::CommandRing::create("commands-0"); ring) {
    commands.emplace(std::move(*ring));
  } else {
    return std::unexpected(ring.error());
  }
  auto addresses =
      packet::LocalAddresses::parse(mac_of(*port), config.port.addresses, config.port.any_address);
  if (!addresses) return std::unexpected(addresses.error());
  local = *addresses;
  if (auto made = make_worker(); !made) return made;
  // The worker last: once it answers claims, nothing may fail any more. A client of the admin
  // socket that is quicker waits for it.
  if (auto opened = open_doors(); !opened) return opened;
  if (auto launched = launch_worker(); !launched) return launched;
  spdlog::info("worker on CPU {}, control on CPU {}; port {} ({}), {} packet buffers, checksums {}",
               cpus.worker, cpus.control, config.port.device, port->driver(), port->pool().size(),
               port->checksums_offloaded_tx() ? "offloaded" : "in software");
  return {};
}

Expected<void> Appliance::Parts::open_state() {
  auto opened = journal::PosixStorage::open(folder.path());
  if (!opened) return std::unexpected(opened.error());
  storage = std::move(*opened);
  auto loaded = load_state(folder, *storage, keeper_options(config), table, std::time(nullptr));
  if (!loaded) return std::unexpected(loaded.error());
  keeper = std::move(*loaded);
  return {};
}

Expected<void> Appliance::Parts::make_socket_folders() const {
  if (const std::string socket = nic::served_socket(config.port.device); !socket.empty()) {
    if (auto made = make_socket_folder(socket, "port.device"); !made) return made;
  }
  return make_socket_folder(config.admin.socket, "admin.socket");
}

Expected<void> Appliance::Parts::make_worker() {
  auto digester = digest::Digester::create();
  if (!digester) return std::unexpected(digester.error());
  auto verifier =
      verify::Verifier::create({.kernel = config.verify.kernel,
                                .keys_max = table.capacity(),
                                .table_bytes = (std::size_t{config.verify.table_mib} << 20) +
                                               table.capacity() * secp::Engine::bytes_per_key});
  if (!verifier) return std::unexpected(verifier.error());
  digest_kernel = digester->kernel();
  for (const std::string& remark : verifier->engine().remarks()) spdlog::error("{}", remark);
  spdlog::info("digests by {}, signatures by {}", digest_kernel, verifier->engine().kernel());
  const pipeline::WorkerOptions options{
      .rules = {.copy_payloads = port->shares_buffers() && !config.port.trusted_peer,
                .answer_unknown = config.claims.answer_unknown,
                .busy_retry_ms = config.claims.busy_retry_ms,
                .held_max = config.worker.held_max,
                .coalesce = config.claims.coalesce},
      .idle = config.worker.idle};
  running.emplace();
  running->worker.emplace(options, *port, keeper->gate(0), running->clock, *commands, *local, table,
                          std::move(*digester), std::move(*verifier), running->stats);
  return {};
}

Expected<void> Appliance::Parts::launch_worker() {
  if (rte_eal_remote_launch(&Running::enter, &*running, worker_lcore) != 0) {
    return fail("the worker's lcore does not take its loop", "worker");
  }
  worker_runs = true;
  return {};
}

Expected<void> Appliance::Parts::open_doors() {
  provisioning.emplace(*commands, table, *keeper);
  if (!config.metrics.listen.empty()) {
    auto started = Exposition::start(config.metrics.listen, observed());
    if (!started) return std::unexpected(started.error());
    exposition.emplace(std::move(*started));
    // With the port in use: port 0 asks for any free one.
    const std::string& listen = config.metrics.listen;
    spdlog::info("metrics at http://{}:{}/metrics", listen.substr(0, listen.rfind(':')),
                 exposition->port());
  }
  AdminOptions options{
      .socket = config.admin.socket,
      .group = config.admin.group.empty() ? std::nullopt : std::optional(config.admin.group),
      .change_uids = {config.admin.admin_uids.begin(), config.admin.admin_uids.end()},
      .change_gids = {config.admin.admin_gids.begin(), config.admin.admin_gids.end()},
      .version = std::string(build_info().version),
      .build =
          fmt::format("{}, {}, {}", build_info().revision, build_info().compiler, rte_version())};
  auto started = AdminServer::start(options, *provisioning, table, policy(config),
                                    [this] { return stats_document(sources()); });
  if (!started) return std::unexpected(started.error());
  admin.emplace(std::move(*started));
  spdlog::info("admin socket {}", config.admin.socket);
  return {};
}

void Appliance::Parts::halt_worker() {
  if (!std::exchange(worker_runs, false)) return;
  running->stop.store(true);
  rte_eal_wait_lcore(worker_lcore);
}

StatsSources Appliance::Parts::sources() const {
  return {.stats = running->stats,
          .keeper = *keeper,
          .channels = table.size(),
          .capacity = table.capacity(),
          .table_bytes = table.bytes_mapped(),
          .pool_mbufs = port->pool().size(),
          .pool_available = port->pool().available(),
          .link_up = port->link_up(),
          .driver = port->driver(),
          .worker_cpu = cpus.worker,
          .idle = config.worker.idle == pipeline::Idle::spin ? "spin" : "yield",
          .digest_kernel = digest_kernel,
          .engine = running->worker->engine().engine(),
          .table_pages = memory::name(table.pages()),
          .port_huge_pages = eal->huge_pages()};
}

Observed Appliance::Parts::observed() const {
  Observed made;
  made.workers = {&running->stats};
  made.keeper = keeper.get();
  made.engines = {&running->worker->engine().engine()};
  made.ports = {
      {.pool_mbufs = [this] { return port->pool().size(); },
       .pool_available = [this] { return port->pool().available(); },
       .link_up = [this] { return port->link_up(); },
       .statistics =
           [this](const Observed::EachStatistic& each) { port->for_each_statistic(each); }}};
  made.rings = {{.name = "commands",
                 .entries = [this] { return commands->waiting(); },
                 .capacity = nic::CommandRing::commands_max}};
  made.channels = [this] { return table.size(); };
  made.channels_capacity = table.capacity();
  made.table_bytes = table.bytes_mapped();
  made.dpdk_version = rte_version();
  return made;
}

Expected<Appliance> Appliance::start(const config::Config& config) {
  // What is quick to refuse comes before the table, whose pages may take many seconds.
  const auto cpus = config::choose_cpus(config.worker, nic::allowed_cpus());
  if (!cpus) return std::unexpected(cpus.error());
  auto folder = StateFolder::open(config.node.state_dir);
  if (!folder) return std::unexpected(folder.error());
  auto table = make_table(config);
  if (!table) return std::unexpected(table.error());
  spdlog::info("room for {} channels in {} MiB of {} pages", table->capacity(),
               table->bytes_mapped() >> 20, memory::name(table->pages()));
  if (config.channels.destinations.empty()) {
    spdlog::warn(
        "channels.destinations is empty: every channel will be refused at import. List the ledger "
        "accounts that are yours");
  }
  auto reference = secp::Reference::create();
  if (!reference) return std::unexpected(reference.error());
  Appliance made(std::make_unique<Parts>(config, *cpus, std::move(*folder), std::move(*table),
                                         std::move(*reference)));
  if (auto up = made.parts_->bring_up(); !up) {
    // Nothing was accepted: what is on the disk is still the truth.
    made.parts_->stopped = true;
    made.parts_->halt_worker();
    return std::unexpected(up.error());
  }
  return made;
}

Appliance::Appliance(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
Appliance::Appliance(Appliance&&) noexcept = default;

Appliance::~Appliance() {
  if (!parts_) return;
  if (auto stopped = stop(); !stopped) spdlog::error("{}", stopped.error().text());
}

Expected<void> Appliance::stop() {
  Parts& parts = *parts_;
  if (std::exchange(parts.stopped, true)) return {};
  if (parts.admin) parts.admin->stop();
  parts.halt_worker();
  parts.exposition.reset();
  if (auto kept = parts.keeper->stop(); !kept) return kept;
  spdlog::info("{} channels kept in {}", parts.table.size(), parts.folder.path());
  return {};
}

bool Appliance::watch() {
  Parts& parts = *parts_;
  if (const bool up = parts.port->link_up(); up != parts.link_was_up) {
    parts.link_was_up = up;
    spdlog::info("port {} is {}", parts.config.port.device, up ? "up" : "down");
  }
  const secp::Engine& engine = parts.running->worker->engine().engine();
  if (!engine.audit().check(parts.reference) && !std::exchange(parts.kernel_withdrawn, true)) {
    spdlog::critical(
        "{} accepted a signature that libsecp256k1 refuses: it is withdrawn, and every signature "
        "is verified with libsecp256k1. Trust neither this CPU nor its memory: replace the machine",
        engine.kernel());
  }
  const durability::Health health = parts.keeper->health();
  if (health.condition != std::exchange(parts.condition, health.condition)) log(health);
  return health.condition != durability::Condition::failed;
}

}  // namespace claimgate::control
