// The verbs that read and remove single channels, and what claimd says about itself.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "apps/claimctl/channel_list.hpp"
#include "apps/claimctl/channel_text.hpp"
#include "apps/claimctl/command.hpp"
#include "lib/admin/record.hpp"

namespace claimgate::claimctl {
namespace {

using admin::Client;
using admin::Verb;

Expected<Client> connect(const GlobalOptions& global) {
  auto client = Client::connect(global.socket, client_name);
  if (client) client->stop_when(interrupted);
  return client;
}

void print_line(const std::string& line) {
  fmt::print("{}\n", line);
}

// "counters.verdicts.ACCEPTED   17": one line per leaf.
void flatten(const std::string& prefix, const nlohmann::ordered_json& value,
             std::vector<std::pair<std::string, std::string>>& out) {
  if (!value.is_structured()) {
    out.emplace_back(prefix, value.is_string() ? value.get<std::string>() : value.dump());
    return;
  }
  std::size_t number = 0;
  for (auto at = value.begin(); at != value.end(); ++at) {
    const std::string name = value.is_object() ? at.key() : std::to_string(number++);
    flatten(prefix.empty() ? name : prefix + "." + name, *at, out);
  }
}

}  // namespace

Expected<Exit> list_channels(const GlobalOptions& global, const ListOptions& options) {
  auto client = connect(global);
  if (!client) return std::unexpected(std::move(client.error()));
  std::uint64_t shown = 0;
  bool more = false;
  std::uint32_t cursor = 0;
  if (!global.json) print_line(std::string(row_title));
  while (cursor != admin::no_cursor) {
    if (options.limit > 0 && shown == options.limit) {
      more = true;
      break;
    }
    const std::uint64_t left =
        options.limit == 0 ? admin::records_per_page_max : options.limit - shown;
    const auto wanted =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(left, admin::records_per_page_max));
    const auto page =
        ask_for_page(*client, {.cursor = cursor, .limit = wanted, .state = options.state});
    if (!page) return std::unexpected(page.error());
    for (const auto& channel : page->channels)
      print_line(global.json ? channel_json(channel).dump() : channel_row(channel));
    shown += page->channels.size();
    cursor = page->next;
  }
  if (!global.json) {
    fmt::print("{} channel{}{}\n", shown, shown == 1 ? "" : "s",
               more ? "; there may be more: raise --limit" : "");
  }
  return Exit::ok;
}

Expected<Exit> show_channel(const GlobalOptions& global, const std::string& id) {
  auto client = connect(global);
  if (!client) return std::unexpected(std::move(client.error()));
  const auto channel = ask_for_channel(*client, id);
  if (!channel) return std::unexpected(channel.error());
  fmt::print("{}", global.json ? channel_json(*channel).dump(2) + "\n" : channel_block(*channel));
  return Exit::ok;
}

Expected<Exit> remove_channel(const GlobalOptions& global, const std::string& id, bool yes) {
  auto client = connect(global);
  if (!client) return std::unexpected(std::move(client.error()));
  const auto channel = ask_for_channel(*client, id);
  if (!channel) return std::unexpected(channel.error());
  auto text = channel_json(*channel);
  if (!yes) {
    if (!::isatty(STDIN_FILENO)) {
      print_failure(
          {fmt::format("a claim of {} drops would be lost with this channel, and there is "
                       "no terminal to ask at; nothing was removed",
                       channel->held_drops),
           id, "Add --yes to remove it"},
          global.json);
      return Exit::usage;
    }
    fmt::print(stderr, "{}Remove this channel and the claim held? [y/N] ", channel_block(*channel));
    std::string reply;
    std::getline(std::cin, reply);
    if (reply != "y" && reply != "Y" && reply != "yes") {
      fmt::print(stderr, "claimctl: nothing was removed\n");
      return Exit::trouble;
    }
  }
  auto answer =
      client->ask(Verb::remove, admin::encode(admin::ShowOrRemove{.id = text["channel_id"]}),
                  Verb::remove_answer);
  if (!answer) return std::unexpected(std::move(answer.error()));
  const auto removed = admin::decode_remove_answer(answer->text());
  if (!removed) return std::unexpected(removed.error());
  if (!removed->removed)
    return fail("the channel was gone already", id,
                "'claimctl channels list' shows those that are");
  if (global.json) {
    text["removed"] = true;
    print_line(text.dump(2));
  } else {
    // The claim is money: what was known of it is the last copy, and printed as such.
    fmt::print("{}removed\n", channel_block(*channel));
  }
  return Exit::ok;
}

Expected<Exit> show_stats(const GlobalOptions& global) {
  auto client = connect(global);
  if (!client) return std::unexpected(std::move(client.error()));
  auto answer = client->ask(Verb::stats, "{}", Verb::stats_answer);
  if (!answer) return std::unexpected(std::move(answer.error()));
  const auto stats = nlohmann::ordered_json::parse(answer->text(), nullptr, false);
  if (stats.is_discarded()) return fail("claimd's statistics cannot be read", global.socket);
  if (global.json) {
    print_line(stats.dump(2));
    return Exit::ok;
  }
  std::vector<std::pair<std::string, std::string>> lines;
  flatten("", stats, lines);
  std::size_t width = 0;
  for (const auto& [name, value] : lines) width = std::max(width, name.size());
  for (const auto& [name, value] : lines) fmt::print("{:<{}}  {:>16}\n", name, width, value);
  return Exit::ok;
}

Expected<Exit> show_version(const GlobalOptions& global) {
  auto client = connect(global);
  if (global.json) {
    nlohmann::ordered_json out{{"claimctl", CLAIMGATE_VERSION},
                               {"protocol", admin::protocol_version},
                               {"claimd", nullptr}};
    if (client) {
      out["claimd"] = {{"version", client->peer().version},
                       {"build", client->peer().build},
                       {"pid", client->peer().pid},
                       {"may_change", client->peer().may_change}};
    }
    print_line(out.dump(2));
  } else {
    fmt::print("claimctl  {}, admin protocol {}\n", CLAIMGATE_VERSION, admin::protocol_version);
    if (client) {
      fmt::print("claimd    {} ({}), pid {}; you may {}\n", client->peer().version,
                 client->peer().build, client->peer().pid,
                 client->peer().may_change ? "read and change" : "read");
    }
  }
  if (!client) return std::unexpected(std::move(client.error()));
  return Exit::ok;
}

}  // namespace claimgate::claimctl
