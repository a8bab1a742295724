// Where exported claims go: standard output as they come, or a file that is there whole or not.
// Owner: one thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/failure/failure.hpp"
#include "lib/memory/file.hpp"

namespace claimgate::claimctl {

class ClaimOutput {
 public:
  // `file` empty: standard output. Fails where the file cannot be made, and where something that
  // is no regular file has its name: that would be replaced by one.
  [[nodiscard]] static Expected<ClaimOutput> open(const std::string& file);

  // Writes the line and its end.
  [[nodiscard]] Expected<void> line(std::string_view text);
  // Until it has returned, a file has not changed.
  [[nodiscard]] Expected<void> finish();

 private:
  [[nodiscard]] Expected<void> flush();

  std::optional<memory::FileReplacement> file_;
  std::string buffer_;
};

}  // namespace claimgate::claimctl
