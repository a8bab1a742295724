// `claimctl claims export` against a real admin server whose table holds signed claims.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "lib/signing/signing.hpp"
#include "lib/xrpl/message.hpp"
#include "lib/xrpl/signature.hpp"
#include "lib/xrpl/time.hpp"
#include "tests/apps/claimctl/running_claimctl.hpp"
#include "tests/src/control/admin/rig.hpp"

namespace claimgate::control::test {
namespace {

using nlohmann::json;

channel::LedgerTime now() {
  return xrpl::ledger_from_unix(::time(nullptr));
}

struct Payer {
  signing::KeyPair keys;
  channel::ChannelTerms terms;
  [[nodiscard]] std::string id() const { return xrpl::to_hex(terms.id.bytes); }
};

// Even numbers have secp256k1 keys, odd ones Ed25519.
Payer make_payer(std::uint32_t number) {
  const auto type = number % 2 == 0 ? channel::KeyType::secp256k1 : channel::KeyType::ed25519;
  Payer made{.keys = signing::KeyPair::derive(11, number, type), .terms = {}};
  made.terms.id = id_number(number);
  made.terms.key = made.keys.public_key();
  made.terms.source = payer(number);
  made.terms.destination = our_account;
  made.terms.funded = {1'000'000'000};
  made.terms.valid_until = now() + 3600;
  made.terms.settle_delay_s = 86'400;
  made.terms.ledger_index = 100;
  return made;
}

// No command is under way: this thread is the table's owner for a moment.
channel::SlotIndex add(Rig& rig, const channel::ChannelTerms& terms) {
  static std::uint32_t incarnation = 0;
  return rig.table().apply(terms, ++incarnation).slot;
}

void hold(Rig& rig, const Payer& payer, std::uint64_t drops) {
  const auto at = add(rig, payer.terms);
  if (drops == 0) return;
  const auto signature = payer.keys.sign(payer.terms.id, {drops});
  rig.table().commit(at, {drops}, signature.data(), 1, now());
}

Outcome export_claims(const Rig& rig, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"claims", "export"});
  return claimctl(rig, std::move(more));
}

// channel id -> transaction
std::map<std::string, json> by_channel(const std::string& lines) {
  std::map<std::string, json> out;
  for (const json& line : json_lines(lines)) {
    EXPECT_TRUE(out.emplace(line.at("Channel"), line).second) << "twice: " << line;
  }
  return out;
}

std::string text_of(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

const std::string our_address = xrpl::address_text(our_account);

TEST(ClaimsExport, PrintsTheTransactionOfEveryClaimHeldAsTheLedgerTakesIt) {
  Rig rig;
  for (std::uint32_t i = 0; i < 10; ++i) hold(rig, make_payer(i), i < 8 ? 1000 + i : 0);
  const auto outcome = export_claims(rig);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const auto claims = by_channel(outcome.out);
  ASSERT_EQ(claims.size(), 8U);
  for (std::uint32_t i = 0; i < 8; ++i) {
    const Payer payer = make_payer(i);
    const json& claim = claims.at(payer.id());
    const auto frame = payer.keys.sign(payer.terms.id, {1000 + i});
    const bool der = i % 2 == 0;
    EXPECT_EQ(claim,
              (json{{"TransactionType", "PaymentChannelClaim"},
                    {"Account", our_address},
                    {"Channel", payer.id()},
                    {"Balance", std::to_string(1000 + i)},
                    {"Amount", std::to_string(1000 + i)},
                    {"PublicKey", xrpl::to_hex(payer.keys.ledger_key())},
                    {"Signature", der ? xrpl::to_hex(xrpl::der_from_compact(frame.data()).view())
                                      : xrpl::to_hex(frame)},
                    {"Flags", 0}}));
  }
  EXPECT_EQ(outcome.err,
            "claimctl: 8 claims exported, 8028 drops to redeem; 0 below 1 drop, 2 without a "
            "claim\n");
}

TEST(ClaimsExport, IsByteForByteTheBlobOfRippleBinaryCodecForEveryVector) {
  std::ifstream file(std::string(CLAIMGATE_TEST_VECTORS) + "/xrpl-claims.json");
  const json vectors = json::parse(file).at("vectors");
  ASSERT_EQ(vectors.size(), 20U);
  Rig rig;
  for (const json& vector : vectors) {
    const auto must_hex = [&]<std::size_t N>(const char* field, std::array<std::byte, N> out) {
      EXPECT_TRUE(xrpl::read_hex(vector.at(field).get<std::string>(), out)) << field;
      return out;
    };
    channel::ChannelTerms terms = make_payer(0).terms;
    terms.id.bytes = must_hex("channel_id", terms.id.bytes);
    terms.key = must(xrpl::parse_public_key(must_hex("public_key_hex", xrpl::KeyBytes{})));
    terms.destination = must(xrpl::parse_address(vector.at("destination").get<std::string>()));
    terms.funded = wire::drops_max;
    const std::uint64_t drops = std::stoull(vector.at("amount_drops").get<std::string>());
    const auto signature = must_hex("compact_rs_hex", std::array<std::byte, 64>{});
    rig.table().commit(add(rig, terms), {drops}, signature.data(), 1, now());
  }
  for (const json& vector : vectors) {
    const auto outcome = export_claims(
        rig, {"--channel", vector.at("channel_id"), "--account", vector.at("destination"), "--fee",
              "12", "--sequence", "7", "--last-ledger-sequence", "99999999", "--format", "blob"});
    EXPECT_EQ(outcome.out, vector.at("redeem_tx_unsigned_blob").get<std::string>() + "\n");
    EXPECT_EQ(outcome.code, 0) << outcome.err;
  }
}

TEST(ClaimsExport, LeavesOutWhatIsRedeemedAlreadyAndWhatIsBelowTheThreshold) {
  Rig rig;
  for (std::uint32_t i = 0; i < 10; ++i) {
    Payer payer = make_payer(i);
    hold(rig, payer, 1000);
    payer.terms.balance = {i == 9 ? 1500 : 1000 - i};  // unredeemed: i, and less than nothing
    add(rig, payer.terms);
  }
  const auto all = export_claims(rig);
  EXPECT_EQ(by_channel(all.out).size(), 8U);
  EXPECT_TRUE(contains(all.err, "8 claims exported, 36 drops to redeem; 2 below 1 drop"))
      << all.err;
  const auto outcome = export_claims(rig, {"--min-drops", "7"});
  EXPECT_EQ(outcome.code, 0);
  const auto claims = by_channel(outcome.out);
  EXPECT_EQ(claims.size(), 2U);
  EXPECT_EQ(claims.count(make_payer(7).id()), 1U);
  EXPECT_EQ(claims.at(make_payer(8).id()).at("Balance"), "1000");  // cumulative, all of it
  EXPECT_TRUE(contains(outcome.err, "2 claims exported, 15 drops to redeem; 8 below 7 drops"))
      << outcome.err;
}

TEST(ClaimsExport, NamesASignatureThatDoesNotVerifyAndPrintsAllOthers) {
  Rig rig;
  for (std::uint32_t i = 0; i < 6; ++i) hold(rig, make_payer(i), 500);
  for (std::uint32_t i = 6; i < 12; ++i) {
    const Payer payer = make_payer(i);
    auto signature = payer.keys.sign(payer.terms.id, {500});
    if (i < 8) signature = signing::non_canonical(signature, payer.keys.type());
    if (i == 8 || i == 9) signature.fill(std::byte{0xFF});
    if (i >= 10) signature.fill(std::byte{0});
    rig.table().commit(add(rig, payer.terms), {500}, signature.data(), 1, now());
  }
  hold(rig, make_payer(12), 500);
  const auto outcome = export_claims(rig, {"--account", our_address, "--sequence", "40"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(by_channel(outcome.out).size(), 7U);
  for (std::uint32_t i = 6; i < 12; ++i) {
    EXPECT_TRUE(contains(outcome.err, make_payer(i).id() + ": the signature held does not verify"))
        << outcome.err;
    EXPECT_FALSE(contains(outcome.out, make_payer(i).id()));
  }
  EXPECT_TRUE(contains(outcome.err, "7 claims exported, 3500 drops")) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "6 WITH A BAD SIGNATURE")) << outcome.err;
  // What is not printed takes no sequence number: the ledger would wait for it.
  std::uint32_t expected = 40;
  for (const json& claim : json_lines(outcome.out)) EXPECT_EQ(claim.at("Sequence"), expected++);

  const auto as_json = export_claims(rig, {"--json"});
  const auto lines = json_lines(as_json.err);
  ASSERT_EQ(lines.size(), 7U);
  EXPECT_EQ(lines[0].at("error").at("where"), make_payer(6).id());
  EXPECT_EQ(lines[6].at("type"), "export");
  EXPECT_EQ(lines[6].at("exported"), 7);
  EXPECT_EQ(lines[6].at("drops"), "3500");
  EXPECT_EQ(lines[6].at("bad_signature"), 6);
}

TEST(ClaimsExport, PassesOverChannelsThatHaveExpiredUnlessTheyAreAskedFor) {
  Rig rig;
  enum : std::uint32_t { open, stale, expired, cancelled };
  std::vector<Payer> payers;
  for (std::uint32_t i = 0; i < 4; ++i) {
    payers.push_back(make_payer(i));
    if (i != open) payers[i].terms.valid_until = now() - 5;
  }
  payers[expired].terms.expiration = now() - 1;
  payers[cancelled].terms.cancel_after = now() - 1;
  for (const Payer& payer : payers) hold(rig, payer, 100);
  const auto ids = [&](std::vector<std::string> more) {
    const auto outcome = export_claims(rig, std::move(more));
    EXPECT_EQ(outcome.code, 0);
    std::set<std::string> out;
    for (const auto& [id, claim] : by_channel(outcome.out)) out.insert(id);
    return std::pair(out, outcome.err);
  };
  const auto of = [&](std::set<std::uint32_t> numbers) {
    std::set<std::string> out;
    for (const auto number : numbers) out.insert(payers[number].id());
    return out;
  };
  const auto [usual, usual_note] = ids({});
  EXPECT_EQ(usual, of({open, stale}));
  EXPECT_TRUE(contains(usual_note, "2 passed over, as expired")) << usual_note;
  EXPECT_TRUE(contains(usual_note, "1 of them no longer take claims")) << usual_note;
  const auto [open_only, open_note] = ids({"--state", "open"});
  EXPECT_EQ(open_only, of({open}));
  EXPECT_FALSE(contains(open_note, "of them")) << open_note;
  const auto [closed_only, closed_note] = ids({"--state", "closed"});
  EXPECT_EQ(closed_only, of({stale, expired, cancelled}));
  EXPECT_TRUE(contains(closed_note, "2 of them HAVE EXPIRED")) << closed_note;
  EXPECT_EQ(ids({"--state", "all"}).first, of({open, stale, expired, cancelled}));
  EXPECT_EQ(ids({"--expiring-within", "59m"}).first, of({stale}));
  EXPECT_EQ(ids({"--expiring-within", "2h"}).first, of({open, stale}));
  // The same of channels that are named; one named twice is redeemed once.
  const std::vector<std::string> named{"--channel", payers[open].id(),
                                       "--channel", payers[expired].id().substr(0, 16),
                                       "--channel", payers[open].id().substr(0, 16)};
  EXPECT_EQ(ids(named).first, of({open}));
  auto closed_named = named;
  closed_named.insert(closed_named.end(), {"--state", "closed"});
  EXPECT_EQ(ids(closed_named).first, of({expired}));
}

TEST(ClaimsExport, NamesTheAccountThatEachChannelPaysAndNumbersOneAccountsTransactions) {
  Rig rig;
  xrpl::AccountId other;
  other.fill(std::byte{0x43});
  for (std::uint32_t i = 0; i < 9; ++i) {
    Payer payer = make_payer(i);
    if (i % 3 == 0) payer.terms.destination = other;
    hold(rig, payer, 10);
  }
  int others = 0;
  for (const auto& [id, claim] : by_channel(export_claims(rig).out)) {
    others += claim.at("Account") == xrpl::address_text(other);
  }
  EXPECT_EQ(others, 3);
  const auto numbered =
      export_claims(rig, {"--account", our_address, "--sequence", "4294967290", "--fee", "12"});
  EXPECT_EQ(numbered.code, 0) << numbered.err;
  std::uint64_t sequence = 4'294'967'290;
  for (const json& claim : json_lines(numbered.out)) {
    EXPECT_EQ(claim.at("Account"), our_address);
    EXPECT_EQ(claim.at("Sequence"), sequence++);
    EXPECT_EQ(claim.at("Fee"), "12");
    EXPECT_FALSE(claim.contains("LastLedgerSequence"));
  }
  EXPECT_EQ(sequence, 4'294'967'296);  // exactly the last
  const auto too_high =
      export_claims(rig, {"--account", our_address, "--sequence", "4294967291", "--fee", "12"});
  EXPECT_EQ(too_high.code, 1);
  EXPECT_TRUE(contains(too_high.err, "run out")) << too_high.err;
}

// As after the upgrade of a claimd whose state file did not keep destinations.
TEST(ClaimsExport, PassesOverAChannelWhoseAccountIsNotKnownUntilItIsImportedAgain) {
  Rig rig;
  Payer payer = make_payer(1);
  payer.keys = {};
  auto secret_seed = std::array<unsigned char, 32>{2};  // key_number(1) of the rig
  std::array<unsigned char, 64> secret;
  std::array<unsigned char, 32> key;
  crypto_sign_ed25519_seed_keypair(key.data(), secret.data(), secret_seed.data());
  payer.terms.key = must(xrpl::parse_public_key(key_number(1)));
  payer.terms.destination = {};
  const auto message = xrpl::claim_message(payer.terms.id, {70});
  std::array<unsigned char, 64> signature;
  crypto_sign_ed25519_detached(signature.data(), nullptr,
                               reinterpret_cast<const unsigned char*>(message.data()),
                               message.size(), secret.data());
  rig.table().commit(add(rig, payer.terms), {70},
                     reinterpret_cast<const std::byte*>(signature.data()), 1, now());
  const auto before = export_claims(rig, {"--account", our_address});
  EXPECT_EQ(before.code, 0);
  EXPECT_EQ(before.out, "");
  EXPECT_TRUE(contains(before.err, "1 passed over, as claimd does not know whom they pay"))
      << before.err;
  EXPECT_TRUE(contains(claimctl(rig, {"channels", "show", payer.id()}).out, "not known"));
  const auto file = rig.write("one.json", answer_of(json::array({channel_entry(1)})));
  const auto rehearsed = claimctl(rig, {"channels", "import", file, "--dry-run"});
  EXPECT_TRUE(contains(rehearsed.out, "0 added, 1 updated")) << rehearsed.out << rehearsed.err;
  const auto imported = claimctl(rig, {"channels", "import", file});
  EXPECT_TRUE(contains(imported.out, "0 added, 1 updated")) << imported.out;
  const auto claims = by_channel(export_claims(rig).out);
  ASSERT_EQ(claims.size(), 1U);
  EXPECT_EQ(claims.begin()->second.at("Account"), our_address);
}

TEST(ClaimsExport, WritesATableWithAHeader) {
  Rig rig;
  Payer payer = make_payer(1);
  payer.terms.valid_until = xrpl::ledger_from_unix(4'102'444'800);  // 2100
  hold(rig, payer, 900);
  payer.terms.balance = {400};
  add(rig, payer.terms);
  Payer ending = make_payer(2);
  ending.terms.cancel_after = ending.terms.valid_until = payer.terms.valid_until;
  hold(rig, ending, 17);
  const auto outcome = export_claims(rig, {"--format", "csv"});
  EXPECT_EQ(outcome.code, 0);
  const auto row = [&](const Payer& of, const std::string& type, const std::string& amounts,
                       const std::string& signature, const std::string& expires) {
    return of.id() + "," + our_address + "," + xrpl::address_text(of.terms.source) + "," + type +
           "," + xrpl::to_hex(of.keys.ledger_key()) + "," + amounts + "," + signature +
           ",open,2100-01-01T00:00:00Z," + expires + "\n";
  };
  const auto der = payer.keys.sign(payer.terms.id, {900});
  EXPECT_EQ(
      outcome.out,
      "channel_id,account,source,key_type,public_key,amount_drops,redeemed_drops,unredeemed_drops,"
      "signature,state,valid_until,expires\n" +
          row(payer, "ed25519", "900,400,500", xrpl::to_hex(der), "") +
          row(ending, "secp256k1", "17,0,17",
              xrpl::to_hex(
                  xrpl::der_from_compact(ending.keys.sign(ending.terms.id, {17}).data()).view()),
              "2100-01-01T00:00:00Z"));
}

TEST(ClaimsExport, TakesNothingToExportForNoError) {
  Rig rig;
  const auto nothing = export_claims(rig);
  EXPECT_EQ(nothing.code, 0);
  EXPECT_EQ(nothing.out, "");
  EXPECT_TRUE(contains(nothing.err, "0 claims exported, 0 drops")) << nothing.err;
  const auto table = export_claims(rig, {"--format", "csv"});
  EXPECT_EQ(table.code, 0);
  EXPECT_TRUE(table.out.starts_with("channel_id,account,")) << table.out;
  EXPECT_EQ(std::ranges::count(table.out, '\n'), 1);
}

TEST(ClaimsExport, WritesAFileWholeOrNotAtAll) {
  Rig rig;
  hold(rig, make_payer(0), 10);
  hold(rig, make_payer(1), 10);
  const std::string file = rig.directory() / "claims.jsonl";
  const auto written = export_claims(rig, {"--out", file});
  EXPECT_EQ(written.code, 0) << written.err;
  EXPECT_EQ(written.out, "");
  EXPECT_TRUE(contains(written.err, "2 claims exported to " + file)) << written.err;
  EXPECT_EQ(text_of(file), export_claims(rig).out);

  std::ofstream(file) << "the old one\n";
  const auto failed = export_claims(
      rig, {"--out", file, "--channel", make_payer(0).id(), "--channel", make_payer(77).id()});
  EXPECT_EQ(failed.code, 1);
  EXPECT_TRUE(contains(failed.err, make_payer(77).id()) && contains(failed.err, "was not written"))
      << failed.err;
  EXPECT_EQ(text_of(file), "the old one\n");
  EXPECT_FALSE(std::filesystem::exists(file + ".new"));

  for (const std::string& wrong :
       {std::string("/dev/null"), rig.directory().string(), std::string("/nonexistent/claims")}) {
    const auto refused = export_claims(rig, {"--out", wrong});
    EXPECT_EQ(refused.code, 1) << wrong;
    EXPECT_TRUE(contains(refused.err, wrong)) << refused.err;
  }
  struct stat null {};
  ASSERT_EQ(::stat("/dev/null", &null), 0);
  EXPECT_TRUE(S_ISCHR(null.st_mode));
}

TEST(ClaimsExport, RefusesWhatNobodyCouldMean) {
  Rig rig;
  hold(rig, make_payer(0), 10);
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"--format", "blob"},
        {"--format", "blob", "--fee", "12"},
        {"--format", "blob", "--sequence", "7", "--account", our_address},
        {"--format", "csv", "--fee", "12"},
        {"--format", "xml"},
        {"--sequence", "7"},
        {"--sequence", "0", "--account", our_address},
        {"--account", "rNotAnAddress"},
        {"--fee", "2000001"},
        {"--fee", "0"},
        {"--min-drops", "0"},
        {"--min-drops", "-5"},
        {"--expiring-within", "6"},
        {"--expiring-within", "soon"},
        {"--state", "ajar"},
        {"--channel"},
        {"extra"}}) {
    const auto outcome = export_claims(rig, wrong);
    EXPECT_EQ(outcome.code, 2) << wrong.front() << outcome.err;
    EXPECT_EQ(outcome.out, "") << wrong.front();
    EXPECT_FALSE(outcome.err.empty());
  }
  EXPECT_EQ(claimctl(rig, {"claims"}).code, 2);
  for (const std::vector<std::string>& help :
       {std::vector<std::string>{"claims", "--help"}, {"claims", "export", "--help"}}) {
    const auto outcome = claimctl(rig, help);
    EXPECT_EQ(outcome.code, 0);
    EXPECT_TRUE(contains(outcome.out, "Example:")) << outcome.out;
  }
}

// Many times what a pipe and a buffer hold.
void hold_many(Rig& rig) {
  for (std::uint32_t i = 0; i < 3000; ++i) hold(rig, make_payer(2 * i + 1), 10);
}

TEST(ClaimsExport, EndsQuietlyWhenNobodyReadsItsOutput) {
  Rig rig(4000);
  hold_many(rig);
  RunningClaimctl running({"--socket", rig.socket(), "claims", "export"});
  running.close_output();
  const auto outcome = running.finish();
  EXPECT_EQ(outcome.code, 128 + SIGPIPE);
  EXPECT_EQ(outcome.err, "");
}

TEST(ClaimsExport, SaysWhenInterruptedThatWhatWasPrintedIsNotAll) {
  Rig rig(4000);
  hold_many(rig);
  RunningClaimctl running({"--socket", rig.socket(), "claims", "export"});
  // Nobody reads: it stands still once the pipe is full.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  running.interrupt();
  const auto outcome = running.finish();
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(contains(outcome.err, "interrupted; what was printed is not all")) << outcome.err;
}

TEST(ClaimsExport, SaysWhenItCannotWrite) {
  Rig rig(10);
  hold(rig, make_payer(0), 10);
  const std::string err = rig.directory() / "err";
  const int status = std::system(
      fmt::format("{} --socket {} claims export >/dev/full 2>{}", CLAIMCTL, rig.socket(), err)
          .c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_TRUE(contains(text_of(err), "standard output: cannot write: No space left"))
      << text_of(err);
}

}  // namespace
}  // namespace claimgate::control::test
