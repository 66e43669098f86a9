#include "commands.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace mansard::cli {
namespace {

/// Becomes mansard-opt, which lies beside this program; returns only if that fails.
int run(std::vector<std::string> arguments, const std::string &help) {
  std::error_code problem;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", problem);
  const std::string program = (self.parent_path() / "mansard-opt").string();
  const bool asked = std::any_of(arguments.begin(), arguments.end(), [](const std::string &one) {
    return one == "--help" || one == "-h";
  });
  if (asked)
    if (const int printed = print(help);
        printed != kDone || !std::filesystem::exists(program, problem))
      return printed;
  std::vector<char *> argv{const_cast<char *>(program.c_str())};
  for (std::string &argument : arguments)
    argv.push_back(argument.data());
  argv.push_back(nullptr);
  execv(program.c_str(), argv.data());
  return fail({ErrorCode::notFound,
               std::string("cannot be run (") + std::strerror(errno) +
                   "); it is built with -DMANSARD_ENABLE_IR=ON, which needs LLVM and MLIR 19",
               program});
}

} // namespace

void addOpt(CLI::App &app, int &status) {
  CLI::App *command = app.add_subcommand(
      "opt",
      "Run mansard-opt: passes over modules in the mansard dialect or in linalg, printed as text");
  command->set_help_flag(); // --help shows mansard-opt's passes as well
  command->prefix_command();
  command->footer("All arguments are mansard-opt's own.\n\n"
                  "Examples:\n"
                  "  mansard opt model.mlir\n"
                  "  mansard opt --mansard-fuse model.mlir\n"
                  "  mansard opt --mansard-import-linalg --mansard-print-program linalg.mlir\n");
  command->callback(
      [command, &status] { status = run(command->remaining(), command->help("mansard")); });
}

} // namespace mansard::cli
