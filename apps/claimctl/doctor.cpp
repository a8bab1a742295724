// `claimctl doctor`: the machine, the configuration and, where one runs, claimd itself, held
// against each other.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "apps/claimctl/command.hpp"
#include "apps/claimctl/needs_of.hpp"
#include "lib/digest/digester.hpp"
#include "lib/machine/judge.hpp"
#include "lib/machine/machine.hpp"
#include "lib/secp/kernels.hpp"
#include "src/config/config.hpp"

namespace claimgate::claimctl {
namespace {

using machine::Finding;
using machine::Findings;
using machine::State;

// What a running claimd says. `stats` is an empty object where none answers.
struct Asked {
  Findings findings;
  std::optional<machine::Running> running;
  nlohmann::json stats = nlohmann::json::object();
};

// The value at a path such as "/worker/cpu", or `otherwise`: claimd may be of another release.
template <class Value>
Value value_at(const nlohmann::json& stats, const char* path, Value otherwise) {
  const nlohmann::json::json_pointer pointer(path);
  if (!stats.contains(pointer)) return otherwise;
  const nlohmann::json& found = stats[pointer];
  if constexpr (std::is_same_v<Value, bool>) {
    return found.is_boolean() ? found.get<bool>() : otherwise;
  } else if constexpr (std::is_integral_v<Value>) {
    return found.is_number_unsigned() ? found.get<Value>() : otherwise;
  } else {
    return found.is_string() ? found.get<Value>() : otherwise;
  }
}

void describe_running(const admin::HelloAnswer& peer, Asked& out) {
  const nlohmann::json& stats = out.stats;
  const auto add = [&](State state, const char* check, std::string found, std::string remedy = {}) {
    out.findings.push_back({"claimd", check, state, std::move(found), std::move(remedy)});
  };
  const bool same = peer.version == CLAIMGATE_VERSION;
  add(same ? State::ok : State::warning, "version",
      fmt::format("{} ({}), pid {}{}", peer.version, peer.build, peer.pid,
                  same ? "" : "; claimctl is " CLAIMGATE_VERSION),
      same ? "" : "Install claimctl and claimd of the same release, and restart claimd");
  add(State::ok, "worker",
      fmt::format("CPU {}, idle: {}", value_at(stats, "/worker/cpu", 0U),
                  value_at(stats, "/worker/idle", std::string("not said"))));
  const bool up = value_at(stats, "/port/link_up", false);
  add(up ? State::ok : State::warning, "port",
      fmt::format("{}, link {}", value_at(stats, "/port/driver", std::string("not said")),
                  up ? "up" : "down: no frames come"),
      up ? "" : "Start the other end, or look at the cable and the switch");
}

Asked ask_claimd(const std::string& socket) {
  Asked out;
  auto client = admin::Client::connect(socket, client_name);
  if (client) {
    client->stop_when(interrupted);
    auto answer = client->ask(admin::Verb::stats, "{}", admin::Verb::stats_answer);
    if (answer) {
      out.stats = nlohmann::json::parse(answer->text(), nullptr, false);
      out.running = machine::Running{
          .pid = static_cast<int>(client->peer().pid),
          .buffers_from_huge_pages = value_at(out.stats, "/port/huge_pages", false),
          .table_pages = value_at(out.stats, "/channels/table_pages", std::string("unnamed"))};
      describe_running(client->peer(), out);
      return out;
    }
    client = std::unexpected(answer.error());
  }
  const Failure& why = client.error();
  out.findings.push_back({"claimd", "answers", State::note,
                          fmt::format("no: {}", Failure{why.what, why.where, {}}.text()),
                          why.remedy.empty() ? "systemctl start claimd" : why.remedy});
  return out;
}

std::string best_kernel() {
  for (const secp::Kernel* kernel : secp::kernels()) {
    if (secp::runs_here(*kernel)) return kernel->name;
  }
  return {};
}

// The engines claimd has chosen, or would choose here.
void describe_kernels(const nlohmann::json& stats, Findings& out) {
  const auto digester = digest::Digester::create();
  if (!digester) {
    out.push_back(
        {"cpu", "digest kernel", State::problem, digester.error().what, digester.error().remedy});
  } else {
    out.push_back({"cpu", "digest kernel", State::ok,
                   value_at(stats, "/digests/kernel", digester->kernel())});
  }
  out.push_back(
      {"cpu", "signature kernel", State::ok, value_at(stats, "/signatures/kernel", best_kernel())});
}

config::Config read_config(const DoctorOptions& options, Findings& out) {
  std::string file = options.config;
  std::error_code error;
  if (file.empty() && std::filesystem::exists(default_config, error)) file = default_config;
  auto config = config::load(file, options.overrides);
  if (!config) {
    out.push_back({"claimd", "configuration", State::problem,
                   config.error().text() + "\nclaimd's defaults are looked at instead",
                   fmt::format("Mend it; claimd --config {} --check judges it alone",
                               file.empty() ? "FILE" : file)});
    return {};
  }
  out.push_back(
      {"claimd", "configuration", State::ok,
       file.empty() ? fmt::format("claimd's defaults: there is no {}", default_config) : file});
  return std::move(*config);
}

// The CPUs claimd would choose of those it may run on; those it uses, where it says so.
void choose_cpus(const config::Config& config, const machine::Rights& rights, const Asked& asked,
                 machine::Needs& needs, Findings& out) {
  if (rights.cpus.empty()) {
    out.push_back(
        {"cores", "worker", State::note, "/proc/self/status cannot be read", "Mount /proc"});
    return;
  }
  constexpr unsigned not_said = ~0U;
  const unsigned used = value_at(asked.stats, "/worker/cpu", not_said);
  if (used != not_said) {  // its main thread has bound itself to the control CPU by now
    needs.worker_cpu = used;
    needs.control_cpu = config.worker.control_cpu.value_or(rights.cpus.front());
    return;
  }
  const auto cpus = config::choose_cpus(config.worker, rights.cpus);
  if (!cpus) {
    out.push_back({"cores", "worker", State::problem,
                   fmt::format("{}: {}", cpus.error().where, cpus.error().what),
                   fmt::format("{}; a service's or container's CPU set decides (AllowedCPUs=)",
                               cpus.error().remedy)});
    return;
  }
  needs.worker_cpu = cpus->worker;
  needs.control_cpu = cpus->control;
}

Findings examine(const GlobalOptions& global, const DoctorOptions& options) {
  Findings out;
  const config::Config config = read_config(options, out);
  Asked asked = ask_claimd(options.socket_given ? global.socket : config.admin.socket);
  out.insert(out.end(), asked.findings.begin(), asked.findings.end());
  describe_kernels(asked.stats, out);

  const auto here = machine::Machine::at("/");
  machine::Needs needs = needs_of(config);
  machine::Facts facts;
  facts.running = asked.running;
  facts.rights = here.rights(asked.running ? asked.running->pid : 0);
  choose_cpus(config, facts.rights, asked, needs, out);
  facts.cpu = here.cpu(machine::cpuid());
  facts.cores = here.cores();
  facts.memory = here.memory();
  facts.port = here.port(needs);
  facts.clock = here.clock(machine::clock_sync());
  facts.disk = machine::look_at_disk(config.node.state_dir);
  const Findings judged = machine::judge(facts, needs);
  out.insert(out.end(), judged.begin(), judged.end());
  // What is said of one area from several places stands together.
  std::vector<std::string> areas;
  for (const Finding& each : out) {
    if (std::ranges::find(areas, each.area) == areas.end()) areas.push_back(each.area);
  }
  std::ranges::stable_sort(out, {}, [&](const Finding& each) {
    return std::ranges::find(areas, each.area) - areas.begin();
  });
  return out;
}

void print_json(const Findings& findings, bool well) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Finding& each : findings) {
    list.push_back({{"area", each.area},
                    {"check", each.check},
                    {"state", machine::name(each.state)},
                    {"found", each.found},
                    {"remedy", each.remedy}});
  }
  const nlohmann::ordered_json out{{"ok", well}, {"findings", std::move(list)}};
  fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

const char* colour_of(State state) noexcept {
  switch (state) {
    case State::ok:
      return "\033[32m";
    case State::note:
      return "\033[36m";
    case State::warning:
      return "\033[33m";
    case State::problem:
      return "\033[1;31m";
  }
  return "";
}

// Lines after the first stand under the first.
std::string indented(std::string text, std::size_t columns) {
  for (std::size_t at = 0; (at = text.find('\n', at)) != text.npos; ++at) {
    text.insert(at + 1, columns, ' ');
  }
  return text;
}

void print_table(const Findings& findings) {
  const bool coloured = ::isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  std::size_t width = 0;
  for (const Finding& each : findings) width = std::max(width, each.check.size());
  const std::size_t margin = 2 + 7 + 2 + width + 2;
  std::string_view area;
  for (const Finding& each : findings) {
    if (each.area != area) fmt::print("{}{}\n", area.empty() ? "" : "\n", each.area);
    area = each.area;
    fmt::print("  {}{:<7}{}  {:<{}}  {}\n", coloured ? colour_of(each.state) : "",
               machine::name(each.state), coloured ? "\033[0m" : "", each.check, width,
               indented(each.found, margin));
    if (!each.remedy.empty()) {
      fmt::print("{:{}}-> {}\n", "", margin, indented(each.remedy, margin + 3));
    }
  }
}

}  // namespace

Expected<Exit> examine_machine(const GlobalOptions& global, const DoctorOptions& options) {
  const Findings findings = examine(global, options);
  const auto count = [&](State state) {
    return std::ranges::count(findings, state, &Finding::state);
  };
  const auto problems = count(State::problem);
  if (global.json) {
    print_json(findings, problems == 0);
  } else {
    print_table(findings);
    const auto plural = [](auto number, const char* one) {
      return fmt::format("{} {}{}", number, one, number == 1 ? "" : "s");
    };
    fmt::print("\n{}, {}, {}\n", plural(problems, "problem"),
               plural(count(State::warning), "warning"), plural(count(State::note), "note"));
  }
  return problems == 0 ? Exit::ok : Exit::trouble;
}

}  // namespace claimgate::claimctl
