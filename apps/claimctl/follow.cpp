// `claimctl follow`: the feed of accepted claims, as lines, with a position that outlives it.
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <string_view>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/claimctl/record_text.hpp"
#include "apps/claimctl/state.hpp"
#include "lib/journal/follower.hpp"
#include "lib/journal/posix_storage.hpp"
#include "lib/memory/file.hpp"
#include "lib/xrpl/hex.hpp"
#include "lib/xrpl/time.hpp"

namespace claimgate::claimctl {
namespace {

using nlohmann::ordered_json;

constexpr auto pause_min = std::chrono::milliseconds(5);
constexpr auto pause_max = std::chrono::milliseconds(80);
constexpr auto save_every = std::chrono::milliseconds(200);  // while lines come

// Events become lines; flush() before any position behind them is saved.
class Lines final : public journal::FollowSink {
 public:
  explicit Lines(bool json) : json_(json) {}

  Expected<void> claim(const journal::FollowedClaim& claim) override {
    if (!json_) {
      return line(fmt::format("lane {}  {}{}", claim.lane, record_line(claim.record),
                              claim.id != nullptr ? "; " + xrpl::to_hex(claim.id->bytes) : ""));
    }
    ordered_json out{{"event", "claim"}, {"lane", claim.lane}, {"channel_id", nullptr}};
    if (claim.id != nullptr) out["channel_id"] = xrpl::to_hex(claim.id->bytes);
    add_fields(out, claim.record);
    return line(out.dump());
  }

  Expected<void> gap(const journal::FollowGap& gap) override {
    if (!json_) {
      return line(
          fmt::format("lane {}  GAP behind LSN {}: what followed is recycled, or of another "
                      "history; all amounts held come now, then the feed goes on",
                      gap.lane, gap.after_lsn));
    }
    return line(
        ordered_json{{"event", "gap"}, {"lane", gap.lane}, {"after_lsn", gap.after_lsn}}.dump());
  }

  Expected<void> snapshot(const channel::ChannelView& channel) override {
    const std::string id = xrpl::to_hex(channel.terms.id.bytes);
    const bool holds = channel.held.value > 0;
    if (!json_) {
      return line(fmt::format("held  channel {} incarnation {}: {} drops", id, channel.incarnation,
                              channel.held.value));
    }
    ordered_json out{{"event", "snapshot"},
                     {"channel_id", id},
                     {"handle", handle_text(channel.terms.id.handle())},
                     {"incarnation", channel.incarnation},
                     {"amount", std::to_string(channel.held.value)},
                     {"signature", nullptr},
                     {"time", nullptr}};
    if (holds) {
      out["signature"] = xrpl::to_hex(channel.signature);
      out["time"] = xrpl::time_text(channel.last_activity);
    }
    return line(out.dump());
  }

  Expected<void> snapshot_ends(const journal::CheckpointRef& checkpoint) override {
    if (!json_) return line(fmt::format("held  {} channels, all of them", checkpoint.channels));
    return line(ordered_json{{"event", "snapshot_end"},
                             {"channels", checkpoint.channels},
                             {"generation", checkpoint.generation}}
                    .dump());
  }

  static Expected<void> flush() {
    if (std::fflush(stdout) == 0) return {};
    return failed();
  }

 private:
  static Expected<void> failed() {
    return fail(fmt::format("cannot write: {}; nothing behind the position saved last is lost",
                            std::strerror(errno)),
                "standard output");
  }
  static Expected<void> line(std::string_view text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
                         std::fputc('\n', stdout) != EOF;
    return written ? Expected<void>{} : failed();
  }
  const bool json_;
};

std::string position_text(const journal::FollowPosition& position) {
  ordered_json out{{"node", xrpl::to_hex(position.node_uuid)}, {"lanes", ordered_json::object()}};
  for (const auto& [lane, lsn] : position.lanes) out["lanes"][std::to_string(lane)] = lsn;
  return out.dump() + "\n";
}

Expected<journal::FollowPosition> parse_position(const std::string& text,
                                                 const std::string& where) {
  const auto no_position = [&] {
    return fail("this is no position", where,
                "Give the file that --save wrote, or its one line; or begin without");
  };
  const auto read = nlohmann::json::parse(text, nullptr, false);
  if (!read.is_object() || !read.contains("node") || !read.contains("lanes")) return no_position();
  const auto& node = read["node"];
  const auto& lanes = read["lanes"];
  journal::FollowPosition out;
  if (!node.is_string() || !lanes.is_object() ||
      !xrpl::read_hex(node.get<std::string>(), out.node_uuid)) {
    return no_position();
  }
  for (const auto& [lane, lsn] : lanes.items()) {
    std::size_t used = 0;
    unsigned long number = 0;
    try {
      number = std::stoul(lane, &used);
    } catch (const std::exception&) {
      return no_position();
    }
    if (used != lane.size() || number >= journal::lanes_max || !lsn.is_number_unsigned()) {
      return no_position();
    }
    out.lanes[static_cast<std::uint32_t>(number)] = lsn.get<std::uint64_t>();
  }
  return out;
}

// Nothing where none is asked for, or its file is not there yet.
Expected<std::optional<journal::FollowPosition>> begin_of(const FollowOptions& options) {
  if (!options.position.empty()) return parse_position(options.position, "--position");
  if (options.from.empty()) return std::nullopt;
  std::ifstream file(options.from, std::ios::binary);
  if (!file && errno == ENOENT) return std::nullopt;
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) return fail("cannot read the position", options.from, "Look who may read it");
  return parse_position(text, options.from);
}

Expected<void> save(const std::string& path, const journal::FollowPosition& position) {
  auto file = memory::FileReplacement::begin(path);
  if (!file) return std::unexpected(std::move(file.error()));
  const std::string text = position_text(position);
  if (auto written = file->append(std::as_bytes(std::span(text))); !written) return written;
  return file->commit();
}

class Follow {
 public:
  Follow(const FollowOptions& options, journal::Follower follower, bool json)
      : options_(options), follower_(std::move(follower)), lines_(json) {}

  Expected<void> run() {
    auto pause = pause_min;
    while (!interrupted()) {
      const auto polled = follower_.poll(lines_);
      if (!polled) {
        (void)keep();  // what was printed before it need not come again
        return std::unexpected(polled.error());
      }
      unsaved_ = unsaved_ || polled->events > 0;
      const bool idle = polled->events == 0;
      const auto now = std::chrono::steady_clock::now();
      if (unsaved_ && (idle || now >= save_at_)) {
        if (auto kept = keep(); !kept) return kept;
        save_at_ = std::chrono::steady_clock::now() + save_every;
      }
      if (idle && polled->settled && options_.once) return {};
      pause = idle ? std::min(2 * pause, pause_max) : pause_min;
      // A signal cuts nothing short here: it is looked at right behind.
      std::this_thread::sleep_for(pause);
    }
    return keep();
  }

 private:
  Expected<void> keep() {
    if (auto flushed = Lines::flush(); !flushed) return flushed;
    unsaved_ = false;
    return options_.save.empty() ? Expected<void>{} : save(options_.save, follower_.position());
  }

  const FollowOptions& options_;
  journal::Follower follower_;
  Lines lines_;
  bool unsaved_ = true;  // the first position, too
  std::chrono::steady_clock::time_point save_at_{};
};

}  // namespace

Expected<Exit> follow_claims(const GlobalOptions& global, const FollowOptions& options) {
  const auto begin = begin_of(options);
  if (!begin) return std::unexpected(begin.error());
  auto storage = journal::PosixStorage::open(options.folder);
  if (!storage) return std::unexpected(std::move(storage.error()));
  auto follower = journal::Follower::open(**storage, *begin);
  if (!follower) return std::unexpected(std::move(follower.error()));
  auto followed = Follow(options, std::move(*follower), global.json).run();
  if (!followed) return std::unexpected(std::move(followed.error()));
  return Exit::ok;
}

}  // namespace claimgate::claimctl
