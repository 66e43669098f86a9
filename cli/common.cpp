#include "commands.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <thread>

#include <unistd.h>

namespace mansard::cli {

int fail(const Error &error) {
  warn("error: " + error.text());
  return error.code == ErrorCode::pluginFailed ? kPluginFailed : kWrongInput;
}

int print(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (written && std::fflush(stdout) == 0)
    return kDone;
  return fail({ErrorCode::io, "the result could not be written", "standard output"});
}

bool isOneOf(const std::string &path, const std::vector<std::string> &files) {
  std::error_code ignored; // a file that is not there yet is none of them
  return std::any_of(files.begin(), files.end(), [&](const std::string &file) {
    return std::filesystem::equivalent(path, file, ignored);
  });
}

int threadsOfMachine() {
  return static_cast<int>(std::max(2u, std::thread::hardware_concurrency()));
}

void warn(std::string_view text) { fmt::print(stderr, "mansard: {}\n", text); }

Progress::~Progress() {
  if (shown_)
    fmt::print(stderr, "\r\033[K");
}

void Progress::operator()(int64_t done, int64_t all) {
  constexpr std::chrono::milliseconds kPause{100};
  const auto now = std::chrono::steady_clock::now();
  if (now < next_ || isatty(STDERR_FILENO) == 0)
    return;
  next_ = now + kPause;
  fmt::print(stderr, "\r{} of {} {}", done, all, things_);
  std::fflush(stderr);
  shown_ = true;
}

void addPluginTargets(host::Host &host) {
  std::vector<Error> problems;
  host.plugins(&problems);
  for (const Error &problem : problems)
    warn("left out: " + problem.text());
}

void TargetOptions::addTo(CLI::App &command) {
  auto *chip =
      command
          .add_option("--target", target,
                      "A chip: a name that `mansard targets list` shows, a .toml, or a CANN .ini")
          ->type_name("T");
  command
      .add_option("--system", system,
                  "In place of a chip, what it is built into, whose links it then has: a name that "
                  "`mansard systems list` shows, or a .toml")
      ->type_name("S")
      ->excludes(chip);
  command
      .add_option("--set", set,
                  "Override one field of the target, e.g. memory.stacks=8 (may be repeated)")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.parse_complete_callback([this] {
    if (target.empty() && system.empty())
      throw CLI::RequiredError("--target or --system");
  });
}

Result<host::Model> TargetOptions::open(host::Host &host) const {
  const auto overrides = hw::parseOverrides(set);
  if (!overrides)
    return overrides.error();
  return system.empty() ? host.open(target, *overrides) : host.openSystem(system, *overrides);
}

void ModuleFlags::addTo(CLI::App &command) {
  command
      .add_option("--function", options.function,
                  "Where a step of a .mlir begins (default: the one that no other calls)")
      ->type_name("F");
  const auto several = [](CLI::Option *option) {
    option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  several(command
              .add_option("--dim", options.dims,
                          "A size that a .mlir leaves open, e.g. batch=8 or arg0.1=4096 (may be "
                          "repeated)")
              ->type_name("NAME=N"));
  several(command
              .add_option("--arg-shape", options.argShapes,
                          "The shape of an argument of a .mlir, e.g. 0=4096x4096xbf16 (may be "
                          "repeated)")
              ->type_name("I=SHAPE"));
}

void ViewOptions::addTo(CLI::App &command, bool withCsv) {
  auto *asJson = command.add_flag("--json", json, "Print JSON");
  if (withCsv)
    command.add_flag("--csv", csv, "Print CSV")->excludes(asJson);
}

} // namespace mansard::cli
