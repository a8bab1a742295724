#include "lib/digest/multi_buffer.hpp"

#include <intel-ipsec-mb.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

namespace claimgate::digest {

void MultiBuffer::Free::operator()(IMB_MGR* manager) const noexcept {
  free_mb_mgr(manager);
}

MultiBuffer::MultiBuffer(IMB_MGR* manager) noexcept : manager_(manager) {}
MultiBuffer::MultiBuffer(MultiBuffer&&) noexcept = default;
MultiBuffer& MultiBuffer::operator=(MultiBuffer&&) noexcept = default;
MultiBuffer::~MultiBuffer() = default;

Expected<MultiBuffer> MultiBuffer::create() {
  MultiBuffer made(alloc_mb_mgr(0));
  if (!made.manager_) {
    return fail("ipsec-mb gives no job manager", "digest", "Check the memory that is free");
  }
  init_mb_mgr_auto(made.manager_.get(), nullptr);
  if (const int error = imb_get_errno(made.manager_.get()); error != 0) {
    return fail(std::string("ipsec-mb does not start: ") + imb_get_strerror(error), "digest",
                "It needs a CPU with SSE4.2 and AES at least");
  }
  return made;
}

void MultiBuffer::submit(const Job& job, std::byte* hash) noexcept {
  IMB_JOB* const next = IMB_GET_NEXT_JOB(manager_.get());
  next->cipher_mode = IMB_CIPHER_NULL;
  next->cipher_direction = IMB_DIR_ENCRYPT;
  next->chain_order = IMB_ORDER_HASH_CIPHER;
  next->hash_alg = IMB_AUTH_SHA_512;
  next->src = reinterpret_cast<const std::uint8_t*>(job.message);
  next->hash_start_src_offset_in_bytes = 0;
  next->msg_len_to_hash_in_bytes = message_bytes;
  next->auth_tag_output = reinterpret_cast<std::uint8_t*>(hash);
  next->auth_tag_output_len_in_bytes = hash_bytes;
  // What comes back is an earlier job, done: its hash already lies where it belongs.
  (void)IMB_SUBMIT_JOB_NOCHECK(manager_.get());
}

void MultiBuffer::digest(std::span<const Job> jobs) noexcept {
  alignas(64) std::array<std::array<std::byte, hash_bytes>, jobs_at_once> hashes;
  while (!jobs.empty()) {
    const std::size_t count = std::min(jobs.size(), jobs_at_once);
    for (std::size_t i = 0; i < count; ++i) submit(jobs[i], hashes[i].data());
    while (IMB_FLUSH_JOB(manager_.get()) != nullptr) {
    }
    for (std::size_t i = 0; i < count; ++i) {
      std::memcpy(jobs[i].digest, hashes[i].data(), digest_bytes);
    }
    jobs = jobs.subspan(count);
  }
}

const char* MultiBuffer::instruction_set() const noexcept {
  switch (manager_->used_arch) {
    case IMB_ARCH_NOAESNI:
      return "SSE without AES-NI";
    case IMB_ARCH_SSE:
      return "SSE";
    case IMB_ARCH_AVX:
      return "AVX";
    case IMB_ARCH_AVX2:
      return "AVX2";
    case IMB_ARCH_AVX512:
      return "AVX-512";
    default:
      return "unknown";
  }
}

}  // namespace claimgate::digest
