// Logging: one spdlog logger to standard error, and DPDK's own lines through it.
// Control thread at start; logging itself from any thread but a worker's.
#pragma once

#include <string_view>

#include "lib/failure/failure.hpp"
#include "src/config/log_level.hpp"

namespace claimgate::control {

// Installs the default logger. Under systemd (standard error is the journal) lines carry a syslog
// priority instead of a time of day; elsewhere they carry time and level, coloured on a terminal.
void start_log(config::LogLevel level);

// Sends DPDK's lines to the logger, each as "dpdk: …" at its own level. Before nic::Eal::start(),
// so that what EAL says while it starts is caught. Fails where no stream can be opened.
[[nodiscard]] Expected<void> forward_dpdk_log();

}  // namespace claimgate::control
