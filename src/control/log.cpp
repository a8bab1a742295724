#include "src/control/log.hpp"

#include <rte_log.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include <fmt/format.h>

namespace claimgate::control {
namespace {

spdlog::level::level_enum spdlog_level(config::LogLevel level) noexcept {
  switch (level) {
    case config::LogLevel::debug:
      return spdlog::level::debug;
    case config::LogLevel::info:
      return spdlog::level::info;
    case config::LogLevel::warning:
      return spdlog::level::warn;
    case config::LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// "<4>": the prefix from which journald takes a line's priority (sd-daemon(3)).
class PriorityFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& line, const std::tm&,
              spdlog::memory_buf_t& out) override {
    static constexpr char priorities[] = {'7', '7', '6', '4', '3', '2', '6'};
    static_assert(sizeof priorities == spdlog::level::n_levels);
    out.push_back('<');
    out.push_back(priorities[line.level]);
    out.push_back('>');
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<PriorityFlag>();
  }
};

// JOURNAL_STREAM is inherited by children whose standard error went elsewhere, so it counts only
// where it names this very file (systemd.exec(5)).
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat file {};
  if (stream == nullptr || fstat(STDERR_FILENO, &file) != 0) return false;
  return fmt::format("{}:{}", file.st_dev, file.st_ino) == stream;
}

spdlog::level::level_enum dpdk_level(int level) noexcept {
  if (level <= 0) return spdlog::level::info;
  if (level <= static_cast<int>(RTE_LOG_CRIT)) return spdlog::level::critical;
  if (level <= static_cast<int>(RTE_LOG_ERR)) return spdlog::level::err;
  if (level <= static_cast<int>(RTE_LOG_WARNING)) return spdlog::level::warn;
  if (level <= static_cast<int>(RTE_LOG_INFO)) return spdlog::level::info;
  return spdlog::level::debug;
}

// Receives what DPDK prints; stdio's lock on the stream makes calls one at a time.
class DpdkLines {
 public:
  void take(std::string_view bytes) {
    pending_ += bytes;
    for (std::size_t end; (end = pending_.find('\n')) != std::string::npos;) {
      if (end > 0) {
        spdlog::log(dpdk_level(rte_log_cur_msg_loglevel()), "dpdk: {}",
                    std::string_view(pending_).substr(0, end));
      }
      pending_.erase(0, end + 1);
    }
    if (pending_.size() > line_bytes_max) pending_.clear();
  }

 private:
  static constexpr std::size_t line_bytes_max = 16'384;
  std::string pending_;
};

ssize_t write_dpdk_lines(void* lines, const char* bytes, std::size_t count) {
  try {
    static_cast<DpdkLines*>(lines)->take({bytes, count});
  } catch (...) {  // a lost log line stops nobody
  }
  return static_cast<ssize_t>(count);
}

}  // namespace

void start_log(config::LogLevel level) {
  std::shared_ptr<spdlog::logger> logger;
  if (stderr_is_journal()) {
    logger = std::make_shared<spdlog::logger>("claimgate",
                                              std::make_shared<spdlog::sinks::stderr_sink_mt>());
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<PriorityFlag>('*').set_pattern("%*%v");
    logger->set_formatter(std::move(formatter));
  } else {
    logger = std::make_shared<spdlog::logger>(
        "claimgate", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    logger->set_pattern("%H:%M:%S.%e %^%-7l%$ %v");
  }
  logger->set_level(spdlog_level(level));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

Expected<void> forward_dpdk_log() {
  // DPDK keeps the stream until the process ends and never closes it.
  static DpdkLines lines;
  static FILE* stream = nullptr;
  if (stream == nullptr) {
    stream = fopencookie(
        &lines, "w",
        {.read = nullptr, .write = write_dpdk_lines, .seek = nullptr, .close = nullptr});
    if (stream == nullptr) return fail(std::strerror(errno), "DPDK's log stream");
    setvbuf(stream, nullptr, _IOLBF, BUFSIZ);
  }
  if (rte_openlog_stream(stream) != 0) return fail("DPDK does not take it", "DPDK's log stream");
  return {};
}

}  // namespace claimgate::control
