#include "apps/claimgen/output_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace claimgate::claimgen {

Expected<OutputFile> OutputFile::open(const std::string& path) {
  OutputFile file(path);
  if (path == "-") {
    file.in_place_ = true;
    file.stream_ = &std::cout;
    return file;
  }
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  file.in_place_ = std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
  file.owned_ = std::make_unique<std::ofstream>(file.in_place_ ? path : file.temporary(),
                                                std::ios::binary | std::ios::trunc);
  file.stream_ = file.owned_.get();
  if (!*file.stream_) {
    const int error = errno;
    file.owned_.reset();
    return fail(fmt::format("cannot be written: {}", std::strerror(error)), path,
                "Name a file in a folder that you may write to");
  }
  return file;
}

Expected<void> OutputFile::finish() {
  stream_->flush();
  const bool written = static_cast<bool>(*stream_);
  const bool owned = owned_ != nullptr;
  owned_.reset();
  if (written && (in_place_ || !owned || std::rename(temporary().c_str(), path_.c_str()) == 0)) {
    return {};
  }
  if (!in_place_) std::remove(temporary().c_str());
  return fail("writing it failed", path_ == "-" ? "standard output" : path_,
              "Is there room on the disk?");
}

OutputFile::~OutputFile() {
  if (owned_ == nullptr) return;
  owned_.reset();
  if (!in_place_) std::remove(temporary().c_str());
}

}  // namespace claimgate::claimgen
