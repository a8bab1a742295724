// How it stands with a running claimd, on one screen; exit code 1 where its journal needs an
// operator. A link that is down is told and no more: a memif port's is, whenever nobody is there.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/claimctl/command.hpp"

namespace claimgate::claimctl {
namespace {

using admin::Verb;
using nlohmann::ordered_json;

double ms(const ordered_json& nanoseconds) {
  return nanoseconds.get<double>() * 1e-6;
}
double mib(const ordered_json& bytes) {
  return bytes.get<double>() / (1 << 20);
}

// What the operator is to do, or nothing.
std::string remedy_of(const std::string& condition) {
  if (condition == "hindered" || condition == "full")
    return "Mend what it says, mostly by making room for the state folder; claimd goes on by "
           "itself";
  if (condition == "behind")
    return "Claims wait for the disk or are answered BUSY: look into the kernel's log and at what "
           "else uses it, or take a faster one; claimd goes on by itself";
  if (condition == "failed") return "Look at the disk, then start claimd again";
  return {};
}

void print_status(const ordered_json& stats, const admin::Client& client) {
  const auto& journal = stats.at("journal");
  const auto& claims = stats.at("claims");
  const auto& verdicts = claims.at("verdicts");
  const auto line = [](const char* name, const std::string& text) {
    fmt::print("{:<12}{}\n", name, text);
  };
  line("claimd", fmt::format("{}, pid {}", client.peer().version, client.peer().pid));
  line("port", fmt::format("{}, link {}", stats["port"]["driver"].get<std::string>(),
                           stats["port"]["link_up"].get<bool>() ? "up" : "down"));
  line("channels", fmt::format("{} of {}", stats["channels"]["known"].get<std::uint64_t>(),
                               stats["channels"]["capacity"].get<std::uint64_t>()));
  line(
      "claims",
      fmt::format("{} accepted, {} busy, {} in flight", verdicts["accepted"].get<std::uint64_t>(),
                  verdicts["busy"].get<std::uint64_t>(), claims["in_flight"].get<std::uint64_t>()));
  const auto condition = journal["condition"].get<std::string>();
  line("journal", fmt::format("{} ({})", condition, journal["mode"].get<std::string>()));
  if (const auto why = journal["why"].get<std::string>(); !why.empty()) line("", why);
  if (const auto remedy = remedy_of(condition); !remedy.empty()) line("", remedy);
  line("durable", fmt::format("up to LSN {}, {} pending; a group takes {:.2f} ms (p50), {:.2f} ms "
                              "(p99)",
                              journal["durable_lsn"].get<std::uint64_t>(),
                              journal["pending"].get<std::uint64_t>(),
                              ms(journal["sync_ns"]["p50"]), ms(journal["sync_ns"]["p99"])));
  line("segments",
       fmt::format("{} spare ones of {:.0f} MiB; a start would read {:.0f} MiB, a "
                   "checkpoint is due at {:.0f}",
                   journal["segments_spare"].get<unsigned>(), mib(journal["segment_bytes"]),
                   mib(journal["replay_bytes"]), mib(journal["replay_bytes_max"])));
  const auto& checkpoint = journal["checkpoint"];
  if (checkpoint["written"].get<std::uint64_t>() + checkpoint["failed"].get<std::uint64_t>() == 0)
    return;
  line("checkpoint", fmt::format("{} channels in {} ms; {} written since the start, {} failed",
                                 checkpoint["channels"].get<std::uint64_t>(),
                                 checkpoint["took_ms"].get<std::uint64_t>(),
                                 checkpoint["written"].get<std::uint64_t>(),
                                 checkpoint["failed"].get<std::uint64_t>()));
}

}  // namespace

Expected<Exit> show_status(const GlobalOptions& global) {
  auto client = admin::Client::connect(global.socket, client_name);
  if (!client) return std::unexpected(std::move(client.error()));
  auto answer = client->ask(Verb::stats, "{}", Verb::stats_answer);
  if (!answer) return std::unexpected(std::move(answer.error()));
  const auto stats = ordered_json::parse(answer->text(), nullptr, false);
  if (stats.is_discarded() || !stats.contains("journal"))
    return fail("claimd's statistics cannot be read", global.socket,
                "Use claimctl and claimd of the same release");
  const bool good = stats["journal"]["condition"] == "good";
  if (global.json) {
    fmt::print("{}\n", ordered_json{{"ok", good},
                                    {"link_up", stats["port"]["link_up"]},
                                    {"channels", stats["channels"]["known"]},
                                    {"accepted", stats["claims"]["verdicts"]["accepted"]},
                                    {"busy", stats["claims"]["verdicts"]["busy"]},
                                    {"journal", stats["journal"]}}
                           .dump(2));
  } else {
    print_status(stats, *client);
  }
  return good ? Exit::ok : Exit::trouble;
}

}  // namespace claimgate::claimctl
