// The subcommands of `mansard`, one file each, and what they share.
#pragma once

#include <mansard/base/result.h>
#include <mansard/host/host.h>
#include <mansard/hw/chip.h>
#include <mansard/system/serving.h>
#include <mansard/work/frontend.h>
#include <mansard/work/workload.h>

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::cli {

/// Exit statuses that scripts rely on.
inline constexpr int kDone = 0, kWrongInput = 1, kUsage = 2, kPluginFailed = 3;

/// Each adds one subcommand to `app`; when it is the one chosen, parsing runs it and stores its
/// exit status in `status`. Options live as long as `app`.
void addKernel(CLI::App &app, int &status);
/// Below `kernel`.
void addKernelLlvm(CLI::App &kernel, int &status);
void addEstimate(CLI::App &app, int &status);
void addServe(CLI::App &app, int &status);
void addTrain(CLI::App &app, int &status);
void addPlan(CLI::App &app, int &status);
void addCompare(CLI::App &app, int &status);
void addSweep(CLI::App &app, int &status);
void addScenario(CLI::App &app, int &status);
void addValidate(CLI::App &app, int &status);
void addCalibrate(CLI::App &app, int &status);
void addTargets(CLI::App &app, int &status);
void addSystems(CLI::App &app, int &status);
void addModels(CLI::App &app, int &status);
void addMemory(CLI::App &app, int &status);
void addPlugins(CLI::App &app, int &status);
void addDiff(CLI::App &app, int &status);
void addCost(CLI::App &app, int &status);
void addOpt(CLI::App &app, int &status);
void addImportCann(CLI::App &app, int &status);

/// Prints the error to stderr; the exit status that goes with it.
int fail(const Error &error);

/// Writes `text` to stdout as it is; kWrongInput (with a message) if stdout does not take it.
int print(std::string_view text);

/// Whether `path` is one of `files`: what is read is not there to be overwritten.
bool isOneOf(const std::string &path, const std::vector<std::string> &files);

/// As many as the machine has cores; two where their number is not known and reads 0 or 1, which
/// does no harm.
int threadsOfMachine();

/// A line on stderr.
void warn(std::string_view text);

/// A line on a terminal that is written over while something lasts, and gone in the end.
class Progress {
public:
  explicit Progress(std::string_view things) : things_(things) {}
  ~Progress();
  void operator()(int64_t done, int64_t all);

private:
  std::string_view things_; // "plans"
  std::chrono::steady_clock::time_point next_ =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  bool shown_ = false;
};

/// Loads the plugins, whose own targets join the catalog; broken ones are named on stderr.
void addPluginTargets(host::Host &host);

/// --target or --system, and --set, the same everywhere.
struct TargetOptions {
  std::string target, system;
  std::vector<std::string> set; // KEY=VALUE texts

  /// Must outlive `command`, at this address.
  void addTo(CLI::App &command);
  Result<host::Model> open(host::Host &host) const;
};

/// --function, --dim, --arg-shape: what a .mlir module leaves open.
struct ModuleFlags {
  work::ModuleOptions options;

  void addTo(CLI::App &command);
};

/// --tp, --pp, --dp, --cp, --ep, --moe-tp, --sp, --expert-exchange, --redundant-experts.
struct ParallelismFlags {
  work::Parallelism degrees;
  std::string exchange = "all-to-all";

  /// Must outlive `command`, at this address. With a prefix: --prefill-tp, and so on.
  void addTo(CLI::App &command, const std::string &prefix = "");
  Result<work::Parallelism> parse() const;
};

/// Parallelism of a served model: one plan, or with --disaggregated one of prefill workers and one
/// of decode workers, and how many of each.
struct ServingPlanFlags {
  ParallelismFlags together, prefill, decode;
  system::Disaggregation workers;
  bool disaggregated = false;

  /// Must outlive `command`, at this address.
  void addTo(CLI::App &command);
  /// In the command's callback: throws where flags of both kinds were given.
  void check(const CLI::App &command) const;
  Result<> apply(system::ServingScenario &scenario) const;
};

/// --quant, --kv-cache.
struct PrecisionFlags {
  std::string quantisation = "bf16", kvCache;

  /// Must outlive `command`, at this address.
  void addTo(CLI::App &command);
  Result<> apply(work::Workload &workload) const;
};

/// Position of what a flag says among what it may say.
template <size_t N>
Result<size_t> choice(std::string_view flag, const std::array<std::string_view, N> &names,
                      const std::string &text) {
  if (const auto index = indexOf(names, text))
    return *index;
  const std::vector<std::string> valid(names.begin(), names.end());
  return Error{ErrorCode::invalidInput,
               fmt::format("'{}' is not known{}; it may be {}", text, hw::suggestion(text, valid),
                           fmt::join(names, ", ")),
               std::string(flag)};
}

/// How a result is printed.
enum class View { table, json, csv };
struct ViewOptions {
  bool json = false, csv = false;

  /// `withCsv`: the command also has a CSV view.
  void addTo(CLI::App &command, bool withCsv);
  View view() const { return json ? View::json : csv ? View::csv : View::table; }

  /// Prints the view that was asked for, which is made of `report` by one of the others.
  template <typename Report, typename Table, typename AsJson, typename Csv>
  int show(const Report &report, const Table &table, const AsJson &asJson, const Csv &asCsv) const {
    switch (view()) {
    case View::json:
      return print(asJson(report));
    case View::csv:
      return print(asCsv(report));
    case View::table:
      break;
    }
    return print(table(report));
  }
};

} // namespace mansard::cli
