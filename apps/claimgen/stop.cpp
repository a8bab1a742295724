#include "apps/claimgen/stop.hpp"

#include <csignal>

namespace claimgate::claimgen {
namespace {

StopFlag stop{false};
static_assert(StopFlag::is_always_lock_free, "a signal handler stores to it");

extern "C" void ask_to_stop(int signal) {
  if (stop.exchange(true)) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
}

}  // namespace

StopFlag& stop_on_signals() {
  std::signal(SIGINT, ask_to_stop);
  std::signal(SIGTERM, ask_to_stop);
  return stop;
}

}  // namespace claimgate::claimgen
