// A copy of a state folder, made beside a claimd that runs and without its help, and a folder made
// of such a copy.
//
// Checkpoints never change, and records are recycled only below the checkpoint before. So the copy
// is the checkpoint that the manifest names and, of each lane, the records behind it up to what was
// there when that lane's turn came and is stated durable; written anew, with a manifest of its own
// in the end. Where claimd is faster (two checkpoints meanwhile), it begins again.
//
// Claim lanes first, the provisioning lane last. A claim rests on provisioning: its channel was
// added, under its incarnation, and that was durable before the claim was accepted. Read later, the
// provisioning lane has it for every claim that was copied. The other way round claims would be in
// the copy whose channel, or whose incarnation after a REMOVE and ADD, is not, and recovery would
// pass over them. What is provisioned between the two only makes the copy newer: a channel added
// then holds nothing yet, one removed is gone with its claims, as its operator wanted.
//
// Control thread. Writes only to the copy.
#pragma once

#include <cstdint>
#include <map>

#include "lib/journal/inspection.hpp"
#include "lib/journal/storage.hpp"

namespace claimgate::journal {

struct BackupOptions {
  // No claimd runs on the folder, nor can one start (folder_lock.hpp): the lanes are read to their
  // end, as recovery would. Beside a running one only what it states to be durable counts.
  bool is_stopped = false;
  channel::LedgerTime now = 0;  // that the copy's frames tell; for people
};

struct BackedUp {
  CheckpointRef checkpoint;
  std::map<std::uint32_t, std::uint64_t> lanes;  // up to which LSN each is in the copy
  std::uint64_t records = 0;                     // behind the checkpoint
  unsigned tries = 1;
  Inspection verified;  // of the copy, as it was read again
};

// `to` is empty. Everything acknowledged before the call is in the copy. A Failure: claimd makes
// checkpoints faster than they are copied, `from` is damaged, a disk; `to` then is of no use.
[[nodiscard]] Expected<BackedUp> back_up(Storage& from, Storage& to, const BackupOptions& options,
                                         const Step& step);

struct Restored {
  // The new folder's own: never used before. It is another history: LSNs and incarnations that the
  // backup never knew of are given again, so whoever kept a position of the one before must not go
  // on with it.
  Uuid node_uuid{};
  channel::LedgerTime now = 0;  // that its frames tell; for people
};

// Copies what counts of `from`, which inspect() finds sound and no claimd runs on, to `to`, which
// is empty; the manifest comes last. Returned is what inspect() then says of `to`.
[[nodiscard]] Expected<Inspection> restore(Storage& from, Storage& to, const Restored& as,
                                           const Step& step);

}  // namespace claimgate::journal
