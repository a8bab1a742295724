// The claimctl that was built, run as a running against a real admin server.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/apps/claimctl/running_claimctl.hpp"
#include "tests/src/control/admin/rig.hpp"

namespace claimgate::control::test {
namespace {

using nlohmann::json;

json entries(std::uint32_t count, std::uint32_t first = 0) {
  json out = json::array();
  for (std::uint32_t i = 0; i < count; ++i) out.push_back(channel_entry(first + i));
  return out;
}

TEST(Claimctl, ImportsAFileThenListsAndShowsWhatIsThere) {
  Rig rig;
  const auto file = rig.write("channels.json", answer_of(entries(20)));
  const auto imported = claimctl(rig, {"channels", "import", file});
  EXPECT_EQ(imported.code, 0) << imported.err;
  EXPECT_TRUE(contains(imported.out, "20 added, 0 updated, 0 unchanged, 0 refused"))
      << imported.out;
  EXPECT_EQ(imported.err, "");  // no progress bar into a pipe

  const auto listed = claimctl(rig, {"channels", "list", "--json"});
  EXPECT_EQ(listed.code, 0);
  const auto lines = json_lines(listed.out);
  ASSERT_EQ(lines.size(), 20U);
  const std::string id = xrpl::to_hex(id_number(4).bytes);
  const auto shown = claimctl(rig, {"channels", "show", id.substr(0, 16), "--json"});
  EXPECT_EQ(shown.code, 0);
  const json channel = json::parse(shown.out);
  EXPECT_EQ(channel["channel_id"], id);
  EXPECT_EQ(channel["handle"], id.substr(0, 16));
  EXPECT_EQ(channel["key_type"], "ed25519");
  EXPECT_EQ(channel["public_key"], xrpl::to_hex(key_number(4)));
  EXPECT_EQ(channel["source"], xrpl::address_text(payer(4)));
  EXPECT_EQ(channel["destination"], xrpl::address_text(our_account));
  EXPECT_EQ(channel["funded"], "1000000");
  EXPECT_EQ(channel["balance"], "0");
  EXPECT_EQ(channel["held"], "0");
  EXPECT_TRUE(channel["signature"].is_null());
  EXPECT_EQ(channel["state"], "open");
  EXPECT_GT(channel["incarnation"], 0);
  EXPECT_TRUE(channel["valid_until_ledger_s"].is_number_unsigned());
  EXPECT_TRUE(contains(channel["valid_until"], "T"));
  EXPECT_NE(std::ranges::find(lines, channel), lines.end());

  const auto table = claimctl(rig, {"channels", "list", "--limit", "3"});
  EXPECT_EQ(table.code, 0);
  EXPECT_TRUE(contains(table.out, "HANDLE")) << table.out;
  EXPECT_TRUE(contains(table.out, "3 channels; there may be more")) << table.out;
  EXPECT_EQ(claimctl(rig, {"channels", "list", "--state", "closed", "--json"}).out, "");
  EXPECT_EQ(json_lines(claimctl(rig, {"channels", "list", "--state", "open", "--json"}).out).size(),
            20U);
}

TEST(Claimctl, ShowsTheClaimHeldWithTheSignatureThatTheLedgerTakes) {
  Rig rig;
  const auto file = rig.write("one.json", answer_of(entries(1)));
  ASSERT_EQ(claimctl(rig, {"channels", "import", file}).code, 0);
  std::array<std::byte, 64> signature;
  signature.fill(std::byte{0x5A});
  auto& table = rig.table();  // nothing else is under way: this thread is the owner for a moment
  const auto handle = id_number(0).handle();
  const auto hash = table.hash(handle);
  table.commit(table.find(handle, hash, table.candidate(hash)), {777}, signature.data(), 5, 900);
  const std::string id = xrpl::to_hex(id_number(0).bytes);
  const json channel = json::parse(claimctl(rig, {"--json", "channels", "show", id}).out);
  EXPECT_EQ(channel["held"], "777");
  EXPECT_EQ(channel["signature"], xrpl::to_hex(signature));
  EXPECT_EQ(channel["ledger_signature"], xrpl::to_hex(signature));  // Ed25519: the same 64 bytes
  EXPECT_EQ(channel["last_activity"], "2000-01-01T00:15:00Z");
  EXPECT_EQ(channel["lsn"], 5);
  const auto text = claimctl(rig, {"channels", "show", id}).out;
  EXPECT_TRUE(contains(text, "777 drops")) << text;
}

TEST(Claimctl, ListsRefusedChannelsWithTheirReasonAndExitsWith3) {
  Rig rig;
  json channels = entries(4);
  channels[1]["amount"] = "0";
  channels[2]["settle_delay"] = 60;
  const auto file = rig.write("channels.json", answer_of(channels));
  const auto text = claimctl(rig, {"channels", "import", file, "--dry-run"});
  EXPECT_EQ(text.code, 3);
  EXPECT_TRUE(contains(text.out, "zero_amount") && contains(text.out, "settle_delay_too_short") &&
              contains(text.out, "dry run"))
      << text.out;
  EXPECT_EQ(rig.channels(), 0U);

  const auto strict = claimctl(rig, {"channels", "import", file, "--strict", "--json"});
  EXPECT_EQ(strict.code, 1);
  EXPECT_EQ(json_lines(strict.out).back()["applied"], false);
  EXPECT_EQ(rig.channels(), 0U);

  const auto outcome = claimctl(rig, {"channels", "import", file, "--json"});
  EXPECT_EQ(outcome.code, 3);
  const auto lines = json_lines(outcome.out);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0]["type"], "refused");
  EXPECT_EQ(lines[0]["channel_id"], xrpl::to_hex(id_number(1).bytes));
  EXPECT_EQ(lines[0]["reason"], "zero_amount");
  EXPECT_GT(lines[0]["line"], 1);
  EXPECT_EQ(lines[1]["reason"], "settle_delay_too_short");
  EXPECT_EQ(lines[2]["type"], "import");
  EXPECT_EQ(lines[2]["added"], 2);
  EXPECT_EQ(lines[2]["refused"], 2);
  EXPECT_EQ(lines[2]["applied"], true);
  EXPECT_EQ(rig.channels(), 2U);
}

TEST(Claimctl, ImportsNothingOfABrokenFileAndSaysWhereItBreaks) {
  Rig rig(20'000);
  const std::string sound = answer_of(entries(5000)).dump(1);
  for (const std::string& text : {sound.substr(0, sound.size() - 300), std::string("{}"),
                                  std::string("no JSON"), std::string()}) {
    const auto file = rig.write("broken.json", text);
    const auto outcome = claimctl(rig, {"channels", "import", file});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_TRUE(contains(outcome.err, "broken.json")) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "nothing was imported")) << outcome.err;
    EXPECT_EQ(rig.channels(), 0U);
  }
}

TEST(Claimctl, ReadsStandardInputAndSeveralPagesInARow) {
  Rig rig;
  RunningClaimctl running({"--socket", rig.socket(), "channels", "import", "-"});
  running.write(answer_of(entries(3)).dump() + "\n" + answer_of(entries(4, 3), 101).dump());
  const auto outcome = running.finish();
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "standard input: 7 added")) << outcome.out;
}

TEST(Claimctl, WarnsWhereRippledHasMorePages) {
  Rig rig;
  json page = answer_of(entries(1));
  page["result"]["marker"] = "ABC";
  const auto outcome =
      claimctl(rig, {"channels", "import", rig.write("page.json", page), "--json"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_TRUE(contains(outcome.err, "more pages")) << outcome.err;
  EXPECT_EQ(json_lines(outcome.out).back()["complete"], false);
}

TEST(Claimctl, DoesNotExtendValidityByALedgerItHasSeenAndSaysSo) {
  Rig rig;
  const auto valid_until = [&] {
    const json channel = json::parse(
        claimctl(rig, {"--json", "channels", "show", xrpl::to_hex(id_number(0).bytes)}).out);
    return channel["valid_until_ledger_s"].get<std::int64_t>();
  };
  const std::int64_t now = ::time(nullptr) - channel::ledger_epoch_unix_s;
  const auto import_as_of = [&](std::int64_t as_of, std::uint32_t ledger_index,
                                std::vector<std::string> more = {}) {
    const auto file = rig.write("channels.json", answer_of(entries(2), ledger_index));
    std::vector<std::string> arguments{"channels", "import", file, "--as-of",
                                       std::to_string(as_of)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return claimctl(rig, arguments);
  };
  const std::int64_t rest = 86'400 - xrpl::margin_default_s;
  EXPECT_FALSE(contains(import_as_of(now - 5000, 100).out, "not extended"));
  const auto dry = import_as_of(now, 100, {"--dry-run"});
  EXPECT_TRUE(contains(dry.out, "0 updated, 2 unchanged")) << dry.out;
  const auto stuck = import_as_of(now, 100);
  EXPECT_EQ(stuck.code, 0);
  EXPECT_TRUE(contains(stuck.out, "0 updated, 2 unchanged")) << stuck.out;
  EXPECT_TRUE(contains(stuck.out, "2 unchanged: from the same ledger")) << stuck.out;
  EXPECT_EQ(valid_until(), now - 5000 + rest);
  EXPECT_TRUE(contains(import_as_of(now - 6000, 100, {"--dry-run"}).out, "2 updated"));
  EXPECT_TRUE(contains(import_as_of(now, 101).out, "2 updated, 0 unchanged"));
  EXPECT_EQ(valid_until(), now + rest);
}

TEST(Claimctl, CountsValidityFromAsOfFromTheFilesTimeOrFromNow) {
  Rig rig;
  const auto file = rig.write("channels.json", answer_of(entries(1)));
  const auto valid_until = [&] {
    const json channel = json::parse(
        claimctl(rig, {"--json", "channels", "show", xrpl::to_hex(id_number(0).bytes)}).out);
    return channel["valid_until_ledger_s"].get<std::int64_t>();
  };
  const auto import_fresh = [&](std::vector<std::string> more) {
    (void)claimctl(rig, {"channels", "remove", xrpl::to_hex(id_number(0).bytes), "--yes"});
    std::vector<std::string> arguments{"channels", "import", file};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return claimctl(rig, arguments);
  };
  const std::int64_t now = ::time(nullptr) - channel::ledger_epoch_unix_s;
  const std::int64_t rest = 86'400 - xrpl::margin_default_s;
  ASSERT_EQ(import_fresh({}).code, 0);
  EXPECT_NEAR(static_cast<double>(valid_until()), static_cast<double>(now + rest), 30);
  ASSERT_EQ(import_fresh({"--as-of", std::to_string(now - 5000)}).code, 0);
  EXPECT_EQ(valid_until(), now - 5000 + rest);
  const timespec times[2] = {{now - 7000 + channel::ledger_epoch_unix_s, 0},
                             {now - 7000 + channel::ledger_epoch_unix_s, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  ASSERT_EQ(import_fresh({}).code, 0);
  EXPECT_EQ(valid_until(), now - 7000 + rest);
  // Long ago: the channel may have been closed since, and is refused.
  const auto old = import_fresh({"--as-of", "2020-02-29T12:00:00+01:00", "--json"});
  EXPECT_EQ(old.code, 3);
  EXPECT_EQ(json_lines(old.out)[0]["reason"], "closing");
  for (const char* wrong : {"yesterday", "2021-02-29T00:00:00Z", "2026-01-01T00:00:00",
                            "2099-01-01T00:00:00Z", "4000000000", "-5", ""}) {
    const auto outcome =
        claimctl(rig, {"channels", "import", file, std::string("--as-of=") + wrong});
    EXPECT_EQ(outcome.code, 2) << wrong << outcome.err;
  }
}

TEST(Claimctl, RemovesOnlyWhatItIsToldToWithYesAndPrintsItALastTime) {
  Rig rig;
  ASSERT_EQ(
      claimctl(rig, {"channels", "import", rig.write("channels.json", answer_of(entries(2)))}).code,
      0);
  const std::string id = xrpl::to_hex(id_number(1).bytes);
  const auto unsure = claimctl(rig, {"channels", "remove", id});
  EXPECT_EQ(unsure.code, 2);
  EXPECT_TRUE(contains(unsure.err, "--yes")) << unsure.err;
  EXPECT_EQ(rig.channels(), 2U);
  const auto removed = claimctl(rig, {"channels", "remove", id, "--yes", "--json"});
  EXPECT_EQ(removed.code, 0);
  EXPECT_EQ(json::parse(removed.out)["channel_id"], id);
  EXPECT_EQ(json::parse(removed.out)["removed"], true);
  EXPECT_EQ(rig.channels(), 1U);
  const auto again = claimctl(rig, {"channels", "remove", id, "--yes"});
  EXPECT_EQ(again.code, 1);
  EXPECT_TRUE(contains(again.err, "no such channel") && contains(again.err, "channels list"))
      << again.err;
  const auto wrong = claimctl(rig, {"channels", "show", "xyz", "--json"});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_TRUE(contains(json::parse(wrong.err)["error"]["remedy"], "64 hexadecimal")) << wrong.err;
}

TEST(Claimctl, ShowsStatisticsAndVersionsAsTextAndAsJson) {
  Rig rig;
  EXPECT_EQ(json::parse(claimctl(rig, {"stats", "--json"}).out)["verdicts"]["ACCEPTED"], 17);
  const auto text = claimctl(rig, {"stats"});
  EXPECT_EQ(text.code, 0);
  EXPECT_TRUE(contains(text.out, "verdicts.ACCEPTED")) << text.out;
  const json version = json::parse(claimctl(rig, {"version", "--json"}).out);
  EXPECT_EQ(version["claimd"]["version"], "0.1.0-test");
  EXPECT_TRUE(contains(claimctl(rig, {"version"}).out, "claimd    0.1.0-test (test build)"));
}

TEST(Claimctl, NamesTheRemedyWhereThereIsNoClaimd) {
  Rig rig;
  rig.stop_serving();
  for (const std::vector<std::string>& verb : {std::vector<std::string>{"stats"},
                                               {"channels", "list"},
                                               {"claims", "export"},
                                               {"version"}}) {
    const auto outcome = claimctl(rig, verb);
    EXPECT_EQ(outcome.code, 1);
    EXPECT_TRUE(contains(outcome.err, "Is claimd running?")) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, rig.socket())) << outcome.err;
  }
  const auto outcome = claimctl(rig, {"channels", "import", "/nonexistent.json"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(contains(outcome.err, "/nonexistent.json")) << outcome.err;
}

TEST(Claimctl, AnswersWrongUsageWithExitCode2AndHelpWithAnExampleForEveryVerb) {
  Rig rig;
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{},
                                                {"channels"},
                                                {"channels", "import"},
                                                {"frobnicate"},
                                                {"channels", "list", "--limit", "many"},
                                                {"channels", "list", "--limit", "0"},
                                                {"channels", "list", "--state", "ajar"},
                                                {"stats", "--no-such-option"}})
    EXPECT_EQ(claimctl(rig, wrong).code, 2) << (wrong.empty() ? "" : wrong.back());
  const auto ajar = claimctl(rig, {"channels", "list", "--state", "ajar"});
  EXPECT_TRUE(contains(ajar.err, "\"ajar\" is none of closed, open")) << ajar.err;
  for (const std::vector<std::string>& verb : {std::vector<std::string>{},
                                               {"channels"},
                                               {"channels", "import"},
                                               {"channels", "list"},
                                               {"channels", "show"},
                                               {"channels", "remove"},
                                               {"claims", "export"},
                                               {"doctor"},
                                               {"stats"},
                                               {"version"}}) {
    auto arguments = verb;
    arguments.push_back("--help");
    const auto outcome = claimctl(rig, arguments);
    EXPECT_EQ(outcome.code, 0);
    EXPECT_TRUE(contains(outcome.out, "Example:")) << outcome.out;
  }
}

TEST(Claimctl, ImportsNothingWhenInterruptedWhileReading) {
  Rig rig;
  RunningClaimctl running({"--socket", rig.socket(), "channels", "import", "-"});
  const std::string text = answer_of(entries(50)).dump();
  running.write(text.substr(0, text.size() / 2));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  running.interrupt();
  // The input stays open until it has ended by itself.
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const auto outcome = running.finish();
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(contains(outcome.err, "interrupted")) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "nothing was imported")) << outcome.err;
  EXPECT_EQ(rig.channels(), 0U);
}

TEST(Claimctl, EndsQuietlyWhenNobodyReadsItsOutput) {
  Rig rig(4000);
  ASSERT_EQ(
      claimctl(rig, {"channels", "import", rig.write("channels.json", answer_of(entries(3000)))})
          .code,
      0);
  RunningClaimctl running({"--socket", rig.socket(), "channels", "list", "--json"});
  running.close_output();
  const auto outcome = running.finish();
  EXPECT_EQ(outcome.code, 128 + SIGPIPE);
  EXPECT_EQ(outcome.err, "");
}

TEST(Claimctl, TellsAUserWhoMayOnlyReadWhatToDo) {
  if (::geteuid() != 0) {
    fmt::print("NOT RUN: Claimctl.TellsAUserWhoMayOnlyReadWhatToDo: needs root\n");
    return;
  }
  Rig rig;
  const auto file = rig.write("channels.json", answer_of(entries(1)));
  ::chmod(file.c_str(), 0644);
  const std::string out = rig.directory() / "out";
  // setpriv is util-linux: there on every Debian.
  const auto run = [&] {
    const std::string command = fmt::format(
        "setpriv --reuid 65534 --regid 65534 --clear-groups {} --socket {} channels import {} "
        "2>{} >/dev/null",
        CLAIMCTL, rig.socket(), file, out);
    const int status = std::system(command.c_str());
    std::ifstream in(out);
    return std::pair(WEXITSTATUS(status), std::string(std::istreambuf_iterator<char>(in), {}));
  };
  if (::access("/usr/bin/setpriv", X_OK) != 0) {
    fmt::print("NOT RUN: Claimctl.TellsAUserWhoMayOnlyReadWhatToDo: no setpriv\n");
    return;
  }
  const auto [closed_code, closed] = run();
  if (closed_code == 126 || closed_code == 127) {
    fmt::print(
        "NOT RUN: Claimctl.TellsAUserWhoMayOnlyReadWhatToDo: the build directory is not "
        "open to other users\n");
    return;
  }
  EXPECT_EQ(closed_code, 1);
  EXPECT_TRUE(contains(closed, "group")) << closed;
  ASSERT_EQ(::chmod(rig.socket().c_str(), 0666), 0);
  const auto [reading_code, reading] = run();
  EXPECT_EQ(reading_code, 1);
  EXPECT_TRUE(contains(reading, "may not change channels") && contains(reading, "admin_uids") &&
              contains(reading, "nothing was imported"))
      << reading;
  EXPECT_EQ(rig.channels(), 0U);
}

}  // namespace
}  // namespace claimgate::control::test
