#include "commands.h"

#include <mansard/hw/catalog.h>
#include <mansard/report/model_report.h>
#include <mansard/work/frontend.h>

#include <filesystem>
#include <memory>

namespace mansard::cli {
namespace {

struct Options {
  std::string id;
  ViewOptions view;
};

/// A model by its file; only a config.json needs the front end.
Result<work::Transformer> readModel(const std::string &path) {
  if (path.ends_with(".mlir"))
    return Error{ErrorCode::unsupported,
                 "is one device's work, not a model; `mansard opt` checks and prints it", path};
  if (!path.ends_with(".json"))
    return work::readTransformer(path);
  auto frontend = work::loadFrontend();
  if (!frontend)
    return frontend.error();
  return (*frontend)->importHuggingFace(path);
}

/// A built-in name, a file, or a folder that holds a config.json.
Result<std::string> pathOf(const hw::Catalog &catalog, const std::string &nameOrPath) {
  std::error_code ignored;
  if (std::filesystem::is_directory(nameOrPath, ignored))
    return (std::filesystem::path(nameOrPath) / "config.json").string();
  return catalog.modelPath(nameOrPath);
}

int list(const Options &options) {
  const hw::Catalog catalog;
  std::vector<work::Transformer> models;
  for (const std::string &id : catalog.modelIds()) {
    const auto path = catalog.modelPath(id);
    auto model = path ? work::readTransformer(*path) : path.error();
    if (model)
      models.push_back(std::move(*model));
    else
      warn("left out: " + model.error().text());
  }
  return print(options.view.json ? report::modelsJson(models) : report::modelsTable(models));
}

int show(const Options &options) {
  const hw::Catalog catalog;
  const auto path = pathOf(catalog, options.id);
  if (!path)
    return fail(path.error());
  const auto model = readModel(*path);
  if (!model)
    return fail(model.error());
  return print(options.view.json ? report::modelJson(*model, *path)
                                 : report::modelTable(*model, *path));
}

int check(const Options &options) {
  const hw::Catalog catalog;
  const auto path = pathOf(catalog, options.id);
  if (!path)
    return fail(path.error());
  if (path->ends_with(".json")) // without the front end the file is neither sound nor not
    if (const auto frontend = work::loadFrontend(); !frontend)
      return fail(frontend.error());
  const auto model = readModel(*path);
  const int printed = print(options.view.json ? report::modelCheckJson(model, *path)
                                              : report::modelCheckTable(model, *path));
  return printed != kDone ? printed : model ? kDone : kWrongInput;
}

} // namespace

void addModels(CLI::App &app, int &status) {
  CLI::App *command = app.add_subcommand("models", "The language models that Mansard knows");
  command->require_subcommand(1);
  command->footer("Examples:\n"
                  "  mansard models list\n"
                  "  mansard models show deepseek-v3\n"
                  "  mansard models show Qwen3-32B/config.json --json\n"
                  "  mansard models check my-model.toml\n"
                  "The keys of a model's TOML are documented in configs/models/README.md.");
  const auto options = std::make_shared<Options>();

  CLI::App *all = command->add_subcommand("list", "All built-in models");
  options->view.addTo(*all, false);
  all->callback([options, &status] { status = list(*options); });

  CLI::App *one =
      command->add_subcommand("show", "Sizes, parameters, KV cache and layers of a model");
  one->add_option("ID", options->id, "A name, a .toml, or a Hugging Face config.json or its folder")
      ->required()
      ->type_name("");
  options->view.addTo(*one, false);
  one->callback([options, &status] { status = show(*options); });

  CLI::App *file = command->add_subcommand(
      "check", "Does a file describe a model: every field known, sizes that fit together");
  file->add_option("FILE", options->id, "A .toml, or a Hugging Face config.json")
      ->required()
      ->type_name("");
  options->view.addTo(*file, false);
  file->callback([options, &status] { status = check(*options); });
}

} // namespace mansard::cli
