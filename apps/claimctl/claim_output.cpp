#include "apps/claimctl/claim_output.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>
#include <utility>

#include <fmt/core.h>

#include "apps/claimctl/command.hpp"

namespace claimgate::claimctl {
namespace {

constexpr std::size_t buffer_bytes = 256 << 10;

}  // namespace

Expected<ClaimOutput> ClaimOutput::open(const std::string& file) {
  ClaimOutput out;
  if (file.empty()) return out;
  struct stat there {};
  if (::lstat(file.c_str(), &there) == 0 && !S_ISREG(there.st_mode))
    return fail("this is no regular file", file,
                "Name another, or leave --out away and redirect standard output");
  auto replacement = memory::FileReplacement::begin(file);
  if (!replacement) return std::unexpected(std::move(replacement.error()));
  out.file_.emplace(std::move(*replacement));
  return out;
}

Expected<void> ClaimOutput::line(std::string_view text) {
  buffer_ += text;
  buffer_ += '\n';
  return buffer_.size() < buffer_bytes ? Expected<void>{} : flush();
}

Expected<void> ClaimOutput::flush() {
  if (file_) {
    if (auto written = file_->append(std::as_bytes(std::span(buffer_))); !written) return written;
  } else if (std::fwrite(buffer_.data(), 1, buffer_.size(), stdout) != buffer_.size() ||
             std::fflush(stdout) != 0) {
    if (interrupted()) return fail("interrupted");  // in the middle of a write that waited
    return fail(fmt::format("cannot write: {}", std::strerror(errno)), "standard output");
  }
  buffer_.clear();
  return {};
}

Expected<void> ClaimOutput::finish() {
  if (auto flushed = flush(); !flushed) return flushed;
  return file_ ? file_->commit() : Expected<void>{};
}

}  // namespace claimgate::claimctl
