#include "commands.h"

#include <mansard/hw/catalog.h>
#include <mansard/report/model_report.h>
#include <mansard/work/frontend.h>

#include <memory>

namespace mansard::cli {
namespace {

struct Options {
  std::string id;
  ViewOptions view;
};

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
  const auto path = catalog.modelPath(options.id);
  if (!path)
    return fail(path.error());
  const auto model = work::readModel(*path);
  if (!model)
    return fail(model.error());
  return print(options.view.json ? report::modelJson(*model, *path)
                                 : report::modelTable(*model, *path));
}

int check(const Options &options) {
  const hw::Catalog catalog;
  const auto path = catalog.modelPath(options.id);
  if (!path)
    return fail(path.error());
  if (path->ends_with(".json")) // without the front end the file is neither sound nor not
    if (const auto frontend = work::loadFrontend(); !frontend)
      return fail(frontend.error());
  const auto model = work::readModel(*path);
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
                  "  mansard models show meta-llama/Llama-3.1-8B-Instruct\n"
                  "  mansard models show Qwen3-32B/config.json --json\n"
                  "  mansard models check my-model.toml\n"
                  "The keys of a model's TOML are documented in configs/models/README.md.");
  const auto options = std::make_shared<Options>();

  CLI::App *all = command->add_subcommand("list", "All built-in models");
  options->view.addTo(*all, false);
  all->callback([options, &status] { status = list(*options); });

  CLI::App *one =
      command->add_subcommand("show", "Sizes, parameters, KV cache and layers of a model");
  one->add_option("ID", options->id,
                  "A name, also that on Hugging Face, a .toml, or a config.json or its folder")
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
