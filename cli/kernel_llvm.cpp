#include "commands.h"

#include <mansard/hw/document.h>
#include <mansard/report/compiled_kernel_report.h>
#include <mansard/work/frontend.h>

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <memory>

namespace mansard::cli {
namespace {

struct Options {
  TargetOptions target;
  ViewOptions view;
  std::string path, function, grid, block;
  std::vector<std::string> arguments, trips, footprints;
  double shared = -1;
};

Error invalid(std::string message, std::string flag) {
  return {ErrorCode::invalidInput, std::move(message), std::move(flag)};
}

/// "128" or "16,16" or "8,8,4".
Result<std::array<int64_t, 3>> parseExtent(const std::string &text, const char *flag) {
  std::array<int64_t, 3> extent{};
  if (text.empty())
    return extent;
  const char *at = text.data(), *end = at + text.size();
  constexpr int64_t most = (int64_t{1} << 31) - 1; // of CUDA's grids
  for (size_t axis = 0; axis < 3; ++axis) {
    const auto [next, problem] = std::from_chars(at, end, extent[axis]);
    if (problem != std::errc() || extent[axis] < 1 || extent[axis] > most)
      break;
    if (next == end) {
      for (size_t rest = axis + 1; rest < 3; ++rest)
        extent[rest] = 1;
      return extent;
    }
    if (*next != ',')
      break;
    at = next + 1;
  }
  return invalid(
      fmt::format("'{}' is not X, X,Y or X,Y,Z of whole numbers from 1 to {}", text, most), flag);
}

struct Pair {
  std::string name;
  double value;
};
/// The name may itself hold a '=' in no LLVM identifier that is not quoted; the last one counts.
Result<Pair> parsePair(const std::string &text, const char *flag, double least) {
  const size_t equals = text.rfind('=');
  double value = 0;
  const char *begin = text.data() + (equals == std::string::npos ? text.size() : equals + 1);
  const char *end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(begin, end, value);
  constexpr double most = 9.007199254740992e15; // whole numbers that a double holds
  if (equals == 0 || equals == std::string::npos || problem != std::errc() || stop != end ||
      !(value >= least && value <= most))
    return invalid(
        fmt::format("'{}' is not NAME=NUMBER{}", text,
                    least >= 0 ? fmt::format(" with a number from {} to {:.0f}", least, most) : ""),
        flag);
  return Pair{text.substr(0, equals), value};
}

Result<work::KernelQuestion> question(const Options &options) {
  work::KernelQuestion question;
  question.path = options.path;
  question.function = options.function;
  if (!question.function.empty() && question.function[0] == '@')
    question.function.erase(0, 1);
  auto grid = parseExtent(options.grid, "--grid");
  if (!grid)
    return grid.error();
  auto block = parseExtent(options.block, "--block");
  if (!block)
    return block.error();
  question.launch = {*grid, *block};
  for (const std::string &text : options.arguments) {
    auto pair = parsePair(text, "--arg", -9.007199254740992e15);
    if (!pair)
      return pair.error();
    if (pair->value != std::floor(pair->value))
      return invalid(fmt::format("'{}': arguments that count are whole numbers", text), "--arg");
    question.arguments[pair->name] = static_cast<int64_t>(pair->value);
  }
  for (const std::string &text : options.trips) {
    auto pair = parsePair(text, "--trip", 1);
    if (!pair)
      return pair.error();
    if (pair->name[0] == '%')
      pair->name.erase(0, 1);
    question.trips[pair->name] = pair->value;
  }
  for (const std::string &text : options.footprints) {
    auto pair = parsePair(text, "--footprint", 1);
    if (!pair)
      return pair.error();
    question.footprints[pair->name] = pair->value;
  }
  question.dynamicShared = options.shared;
  return question;
}

int run(const Options &options) {
  auto asked = question(options);
  if (!asked)
    return fail(asked.error());
  hw::Catalog catalog;
  host::Host host(catalog);
  auto model = options.target.open(host);
  if (!model)
    return fail(model.error());
  auto frontend = work::loadFrontend();
  if (!frontend)
    return fail(frontend.error());
  auto compiled = (*frontend)->compileKernel(*asked, model->chip());
  if (!compiled)
    return fail(compiled.error());
  auto report = report::collectCompiledKernel(*model, std::move(*compiled));
  if (!report)
    return fail(report.error());
  return print(options.view.view() == View::json ? report::compiledKernelJson(*report)
                                                 : report::compiledKernelTable(*report));
}

} // namespace

void addKernelLlvm(CLI::App &kernel, int &status) {
  CLI::App *command =
      kernel.add_subcommand("llvm", "A kernel as a compiler emitted it: a function of LLVM IR");
  const auto options = std::make_shared<Options>();
  command->add_option("file", options->path, "LLVM 19 IR: .ll or .bc")
      ->required()
      ->type_name("FILE");
  options->target.addTo(*command);
  command
      ->add_option("--function", options->function,
                   "The kernel (default: the only one of the module)")
      ->type_name("F");
  command->add_option("--grid", options->grid, "Groups (thread blocks) of the launch")
      ->type_name("X[,Y[,Z]]");
  command
      ->add_option("--block", options->block,
                   "Threads of a group (default: what the module requires)")
      ->type_name("X[,Y[,Z]]");
  const auto several = [&](const char *flag, std::vector<std::string> &into, const char *about,
                           const char *type) {
    command->add_option(flag, into, about)
        ->type_name(type)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  several("--arg", options->arguments,
          "An integer argument, by name or as #0 by position (may be repeated)", "NAME=N");
  several("--trip", options->trips,
          "Turns of a loop that ends on data, by its first block (may be repeated)", "BLOCK=N");
  several("--footprint", options->footprints,
          "Bytes that indirect accesses to a pointer fall on (may be repeated)", "POINTER=BYTES");
  command->add_option("--shared", options->shared, "Bytes of shared memory set at the launch")
      ->type_name("BYTES")
      ->check(CLI::NonNegativeNumber);
  options->view.addTo(*command, false);
  command->footer(
      "What the code does not tell is asked for by name: sizes with --arg, loops that end on data "
      "with --trip,\nindirect accesses with --footprint, the launch with --grid and --block.\n\n"
      "Examples:\n"
      "  clang-19 --target=nvptx64-nvidia-cuda -O2 -S -emit-llvm saxpy.c -o saxpy.ll\n"
      "  mansard kernel llvm saxpy.ll --target h100-sxm --function saxpy --grid 4096 --block 256 "
      "--arg n=1048576\n"
      "  mansard kernel llvm tiled.ll --target dcu-k100-ai --grid 64,64 --block 16,16 --arg n=1024 "
      "--arg k=4096 --json\n"
      "  mansard kernel llvm gather.bc --target h20 --grid 512 --block 256 --arg n=131072 "
      "--footprint table=268435456");
  command->callback([options, &status] { status = run(*options); });
}

} // namespace mansard::cli
