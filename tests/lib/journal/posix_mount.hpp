// A file system of the kernel's memory in a test folder's place: a real disk that is full, or
// read-only, or without direct transfers. Needs root; a test that has none says so and is skipped.
#pragma once

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cstdio>
#include <string>

namespace claimgate::journal {

// There for as long as it lives.
class Mount {
 public:
  Mount(const std::string& folder, const char* type, const char* options)
      : folder_(folder), there_(::mount("none", folder.c_str(), type, 0, options) == 0) {
    if (there_) return;
    const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
    std::printf("NOT RUN: %s.%s: mounting needs root\n", test->test_suite_name(), test->name());
  }
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;
  ~Mount() {
    if (there_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  [[nodiscard]] explicit operator bool() const noexcept { return there_; }

 private:
  std::string folder_;
  bool there_;
};

}  // namespace claimgate::journal
