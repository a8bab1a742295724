// What every verb of claimctl is given and gives back.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/admin/body.hpp"
#include "lib/admin/client.hpp"
#include "lib/failure/failure.hpp"

namespace claimgate::claimctl {

inline constexpr const char* client_name = "claimctl " CLAIMGATE_VERSION;
inline constexpr const char* default_socket = "/run/claimgate/admin.sock";
inline constexpr const char* default_config = "/etc/claimgate/claimd.toml";

// The exit codes of claimctl(1).
enum class Exit : int {
  ok = 0,
  trouble = 1,  // no claimd, a broken file, not permitted, refused by --strict
  usage = 2,
  some_refused = 3,  // and the others imported
};

struct GlobalOptions {
  std::string socket = default_socket;
  bool json = false;
};

struct ImportOptions {
  std::string file;  // "-": standard input
  bool strict = false;
  bool dry_run = false;
  std::string as_of;  // empty: the file's time of change, or now
};

struct ListOptions {
  std::uint64_t limit = 0;  // 0: all
  admin::StateFilter state = admin::StateFilter::all;
};

struct DoctorOptions {
  std::string config;                  // empty: default_config where it exists, else the defaults
  std::vector<std::string> overrides;  // as claimd's --set
  bool socket_given = false;           // otherwise the configuration's admin.socket
};

// What went wrong, on standard error: a sentence, or one line of JSON.
void print_failure(const Failure& failure, bool json);

// Set by Ctrl-C (SIGINT, SIGTERM); looked at between any two waits.
[[nodiscard]] bool interrupted() noexcept;

[[nodiscard]] Expected<Exit> import_channels(const GlobalOptions& global,
                                             const ImportOptions& options);
[[nodiscard]] Expected<Exit> list_channels(const GlobalOptions& global, const ListOptions& options);
[[nodiscard]] Expected<Exit> show_channel(const GlobalOptions& global, const std::string& id);
[[nodiscard]] Expected<Exit> remove_channel(const GlobalOptions& global, const std::string& id,
                                            bool yes);
[[nodiscard]] Expected<Exit> show_status(const GlobalOptions& global);
[[nodiscard]] Expected<Exit> show_stats(const GlobalOptions& global);
[[nodiscard]] Expected<Exit> examine_machine(const GlobalOptions& global,
                                             const DoctorOptions& options);
[[nodiscard]] Expected<Exit> show_version(const GlobalOptions& global);

}  // namespace claimgate::claimctl
