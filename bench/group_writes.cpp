#include "bench/group_writes.hpp"

#include <liburing.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <random>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

namespace claimgate::bench {
namespace {

using Clock = std::chrono::steady_clock;

double us_since(Clock::time_point began) {
  return std::chrono::duration<double, std::micro>(Clock::now() - began).count();
}

[[noreturn]] void give_up(const char* call, int error) {
  throw std::system_error(error, std::system_category(), call);
}

// A result other than all of the group: an error below 0, or how much of it was done.
void must_be(std::int64_t result, std::size_t bytes, const char* call) {
  if (result < 0) give_up(call, static_cast<int>(-result));
  if (result != static_cast<std::int64_t>(bytes)) {
    throw std::runtime_error(fmt::format("{}: {} of {} bytes", call, result, bytes));
  }
}

std::int64_t negated_errno(ssize_t result) noexcept {
  return result < 0 ? -errno : result;
}

// One group after the other, each by `make_durable(file, group)`.
template <class MakeDurable>
class OneByOne final : public GroupWrites {
 public:
  explicit OneByOne(MakeDurable make_durable) : make_durable_(make_durable) {}
  std::vector<double> write(Course& course, std::size_t bytes, unsigned count) override {
    std::vector<double> took_us;
    took_us.reserve(count);
    for (unsigned i = 0; i < count; ++i) {
      const Course::Group group = course.next(bytes);
      const auto began = Clock::now();
      make_durable_(course.file(), group);
      took_us.push_back(us_since(began));
    }
    return took_us;
  }

 private:
  MakeDurable make_durable_;
};

template <class MakeDurable>
Way one_by_one(std::string name, MakeDurable make_durable) {
  return {std::move(name), std::make_unique<OneByOne<MakeDurable>>(make_durable)};
}

// Up to `depth` groups under way. Where `linked`, each is a write and a sync that the kernel begins
// when the write is done; else a write with RWF_DSYNC.
class InRing final : public GroupWrites {
 public:
  InRing(unsigned depth, bool linked) : depth_(depth), linked_(linked) {
    const int error = ::io_uring_queue_init(2 * depth, &ring_, 0);
    if (error < 0) give_up("io_uring_setup", -error);
  }
  InRing(const InRing&) = delete;
  InRing& operator=(const InRing&) = delete;
  ~InRing() override { ::io_uring_queue_exit(&ring_); }

  std::vector<double> write(Course& course, std::size_t bytes, unsigned count) override {
    std::vector<Clock::time_point> began(count);
    std::vector<double> took_us(count);
    unsigned begun = 0, durable = 0;
    while (durable < count) {
      for (; begun < count && begun - durable < depth_; ++begun) {
        prepare(course.file(), course.next(bytes), begun);
        began[begun] = Clock::now();
      }
      const int submitted = ::io_uring_submit_and_wait(&ring_, 1);
      if (submitted < 0 && submitted != -EINTR) give_up("io_uring_enter", -submitted);
      io_uring_cqe* completion = nullptr;
      while (::io_uring_peek_cqe(&ring_, &completion) == 0) {
        const std::uint64_t index = completion->user_data >> 1;
        const bool is_sync = (completion->user_data & 1) != 0;
        const int result = completion->res;
        ::io_uring_cqe_seen(&ring_, completion);
        must_be(result, is_sync ? 0 : bytes, is_sync ? "fsync in io_uring" : "write in io_uring");
        if (is_sync != linked_) continue;
        took_us[index] = us_since(began[index]);
        ++durable;
      }
    }
    return took_us;
  }

 private:
  // user_data: the group's index, and in the lowest bit whether it is its sync.
  void prepare(int file, const Course::Group& group, std::uint64_t index) noexcept {
    io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
    ::io_uring_prep_write(entry, file, group.bytes.data(),
                          static_cast<unsigned>(group.bytes.size()), group.offset);
    ::io_uring_sqe_set_data64(entry, index << 1);
    if (!linked_) {
      entry->rw_flags = RWF_DSYNC;
      return;
    }
    ::io_uring_sqe_set_flags(entry, IOSQE_IO_LINK);
    entry = ::io_uring_get_sqe(&ring_);
    ::io_uring_prep_fsync(entry, file, IORING_FSYNC_DATASYNC);
    ::io_uring_sqe_set_data64(entry, index << 1 | 1);
  }

  io_uring ring_{};
  unsigned depth_;
  bool linked_;
};

}  // namespace

Course::Course(int file, std::uint64_t file_bytes)
    : file_(file), file_bytes_(file_bytes), source_(2 * group_bytes_max) {
  // No disk can do better because it has seen the bytes before, or can make fewer of them.
  std::mt19937_64 random(64);
  for (std::size_t i = 0; i < source_.size(); ++i) {
    source_.data()[i] = static_cast<std::byte>(random());
  }
}

Course::Group Course::next(std::size_t bytes) noexcept {
  if (offset_ + bytes > file_bytes_) offset_ = 0;
  const Group group{offset_, source_.first(source_.size()).subspan(source_at_, bytes)};
  offset_ += bytes;
  source_at_ = (source_at_ + journal::page_bytes) % group_bytes_max;
  return group;
}

std::vector<Way> ways_of_system_calls() {
  std::vector<Way> ways;
  ways.push_back(one_by_one("pwrite, fdatasync", [](int file, const Course::Group& group) {
    must_be(negated_errno(::pwrite(file, group.bytes.data(), group.bytes.size(),
                                   static_cast<off_t>(group.offset))),
            group.bytes.size(), "pwrite");
    must_be(negated_errno(::fdatasync(file)), 0, "fdatasync");
  }));
  ways.push_back(one_by_one("pwritev2 RWF_DSYNC", [](int file, const Course::Group& group) {
    const iovec piece{const_cast<std::byte*>(group.bytes.data()), group.bytes.size()};
    must_be(negated_errno(::pwritev2(file, &piece, 1, static_cast<off_t>(group.offset), RWF_DSYNC)),
            group.bytes.size(), "pwritev2");
  }));
  return ways;
}

std::vector<Way> ways_of_io_uring() {
  std::vector<Way> ways;
  for (const unsigned depth : {1u, 2u, 4u}) {
    ways.push_back({fmt::format("io_uring RWF_DSYNC, depth {}", depth),
                    std::make_unique<InRing>(depth, false)});
  }
  ways.push_back({"io_uring write, linked fsync", std::make_unique<InRing>(1, true)});
  return ways;
}

}  // namespace claimgate::bench
