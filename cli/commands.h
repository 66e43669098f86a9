// The subcommands of `mansard`, one file each, and what they share.
#pragma once

#include <mansard/base/result.h>
#include <mansard/host/host.h>
#include <mansard/hw/chip.h>
#include <mansard/work/frontend.h>

#include <CLI/CLI.hpp>

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
void addValidate(CLI::App &app, int &status);
void addCalibrate(CLI::App &app, int &status);
void addTargets(CLI::App &app, int &status);
void addModels(CLI::App &app, int &status);
void addMemory(CLI::App &app, int &status);
void addPlugins(CLI::App &app, int &status);
void addDiff(CLI::App &app, int &status);
void addOpt(CLI::App &app, int &status);
void addImportCann(CLI::App &app, int &status);

/// Prints the error to stderr; the exit status that goes with it.
int fail(const Error &error);

/// Writes `text` to stdout as it is; kWrongInput (with a message) if stdout does not take it.
int print(std::string_view text);

/// Whether `path` is one of `files`: what is read is not there to be overwritten.
bool isOneOf(const std::string &path, const std::vector<std::string> &files);

/// A line on stderr.
void warn(std::string_view text);

/// --target and --set, the same everywhere.
struct TargetOptions {
  std::string target;
  std::vector<std::string> set; // KEY=VALUE texts

  void addTo(CLI::App &command);
  Result<host::Model> open(host::Host &host) const;
};

/// --function, --dim, --arg-shape: what a .mlir module leaves open.
struct ModuleFlags {
  work::ModuleOptions options;

  void addTo(CLI::App &command);
};

/// How a result is printed.
enum class View { table, json, csv };
struct ViewOptions {
  bool json = false, csv = false;

  /// `withCsv`: the command also has a CSV view.
  void addTo(CLI::App &command, bool withCsv);
  View view() const { return json ? View::json : csv ? View::csv : View::table; }
};

} // namespace mansard::cli
