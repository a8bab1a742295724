// `claimctl check`, `journal dump`, `follow`, `backup` and `restore`: claimd's state folder, read
// as it lies on the disk. None of them talks to a claimd.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "apps/claimctl/command.hpp"
#include "lib/failure/failure.hpp"

namespace CLI {
class App;
}

namespace claimgate::claimctl {

struct CheckOptions {
  std::string folder;
  bool signatures = false;
};

struct DumpOptions {
  std::string folder;
  std::optional<std::uint32_t> lane;  // nothing: all
  std::uint64_t from_lsn = 1;
  std::uint64_t limit = 0;  // records; 0: all
};

struct FollowOptions {
  std::string folder;
  std::string from;      // a file that `save` named; it may not be there yet
  std::string position;  // or its text
  std::string save;
  bool once = false;
};

struct BackupOptions {
  std::string folder;
  std::string copy;
};

struct RestoreOptions {
  std::string copy;
  std::string folder;
};

struct StateOptions {
  CheckOptions check;
  DumpOptions dump;
  FollowOptions follow;
  BackupOptions backup;
  RestoreOptions restore;
};

// Adds the verbs to the command line; `choose` is called with the one that is asked for. `options`
// and what `choose` refers to must outlive the parse.
void add_state_verbs(CLI::App& app, const GlobalOptions& global, StateOptions& options,
                     const std::function<void(std::function<Expected<Exit>()>)>& choose);

// Exit::trouble where anything is damaged.
[[nodiscard]] Expected<Exit> check_state(const GlobalOptions& global, const CheckOptions& options);
[[nodiscard]] Expected<Exit> dump_journal(const GlobalOptions& global, const DumpOptions& options);
// Until it is interrupted, or with `once` until all that is stated to be durable is printed.
[[nodiscard]] Expected<Exit> follow_claims(const GlobalOptions& global,
                                           const FollowOptions& options);
[[nodiscard]] Expected<Exit> back_up_state(const GlobalOptions& global,
                                           const BackupOptions& options);
[[nodiscard]] Expected<Exit> restore_state(const GlobalOptions& global,
                                           const RestoreOptions& options);

}  // namespace claimgate::claimctl
