#include "commands.h"

#include <mansard/hw/catalog.h>
#include <mansard/report/memory_report.h>

#include <fmt/format.h>

#include <memory>

namespace mansard::cli {
namespace {

struct Options {
  std::string id;
  ViewOptions view;
};

int list(const Options &options) {
  const hw::Catalog catalog;
  std::vector<hw::MemoryTechnology> all;
  for (const std::string &id : catalog.memoryIds()) {
    auto one = catalog.memory(id);
    if (one)
      all.push_back(std::move(*one));
    else
      warn("left out: " + one.error().text());
  }
  return print(options.view.json ? report::memoriesJson(all) : report::memoriesTable(all));
}

/// `check` prints one line; `show` everything.
int show(const Options &options, bool check) {
  const hw::Catalog catalog;
  auto one = catalog.memory(options.id);
  if (!one)
    return fail(one.error());
  if (options.view.json)
    return print(report::memoryJson(*one));
  return print(check ? fmt::format("{}: sound\n", one->id) : report::memoryTable(*one));
}

} // namespace

void addMemory(CLI::App &app, int &status) {
  CLI::App *command =
      app.add_subcommand("memory", "The DRAM technologies that targets are built from");
  command->require_subcommand(1);
  command->footer("Examples:\n"
                  "  mansard memory list\n"
                  "  mansard memory show hbm3e\n"
                  "  mansard memory check my-memory.toml");
  const auto options = std::make_shared<Options>();

  CLI::App *all =
      command->add_subcommand("list", "All technologies with peak and sustained bandwidth");
  options->view.addTo(*all, false);
  all->callback([options, &status] { status = list(*options); });

  CLI::App *one = command->add_subcommand("show", "Every number of a technology with its source");
  one->add_option("ID", options->id, "A name or a .toml")->required()->type_name("");
  options->view.addTo(*one, false);
  one->callback([options, &status] { status = show(*options, false); });

  CLI::App *file =
      command->add_subcommand("check", "Does a file parse, and do its figures make sense");
  file->add_option("FILE", options->id, "A .toml or a name")->required()->type_name("");
  options->view.addTo(*file, false);
  file->callback([options, &status] { status = show(*options, true); });
}

} // namespace mansard::cli
