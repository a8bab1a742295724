// A file that is complete or absent: written beside its name, then moved there. "-" is standard
// output; what exists and is no regular file (a pipe, /dev/null) is written to as it is.
// Owner: whoever holds it, one thread.
#pragma once

#include <memory>
#include <ostream>
#include <string>

#include "lib/failure/failure.hpp"

namespace claimgate::claimgen {

class OutputFile {
 public:
  [[nodiscard]] static Expected<OutputFile> open(const std::string& path);

  // Valid until finish(). Errors of writing stay in its state.
  [[nodiscard]] std::ostream& stream() noexcept { return *stream_; }
  // Puts the file in its place. The object is spent, whatever the result.
  [[nodiscard]] Expected<void> finish();

  OutputFile(OutputFile&& other) noexcept = default;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();  // without finish() nothing is left behind

 private:
  explicit OutputFile(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] std::string temporary() const { return path_ + ".part"; }

  std::string path_;
  std::unique_ptr<std::ostream> owned_;  // null: standard output, moved from, or finished
  std::ostream* stream_ = nullptr;
  bool in_place_ = false;
};

}  // namespace claimgate::claimgen
