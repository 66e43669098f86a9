#include "commands.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace mansard::cli {
namespace {

int run(std::vector<std::string> arguments) {
  std::error_code problem;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", problem);
  const std::string program = (self.parent_path() / "mansard-opt").string();
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
      "opt", "Run mansard-opt: passes over modules in the mansard dialect, printed as text");
  command->prefix_command();
  command->footer("All arguments are mansard-opt's; `mansard opt -- --help` lists its passes.\n\n"
                  "Examples:\n"
                  "  mansard opt model.mlir\n"
                  "  mansard opt --mansard-fuse model.mlir");
  command->callback([command, &status] {
    std::vector<std::string> arguments = command->remaining();
    if (!arguments.empty() && arguments.front() == "--")
      arguments.erase(arguments.begin());
    status = run(std::move(arguments));
  });
}

} // namespace mansard::cli
