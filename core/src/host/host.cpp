// Which plugin prices a chip: search, duplicates, targets that come with plugins, binding.
#include <mansard/host/host.h>

#include "model.h"
#include "plugin.h"
#include "search.h"

#include <mansard/model/generic.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>

namespace mansard::host {
namespace {

constexpr const char *kGeneric = "generic";

Error duplicate(const std::string &id, const std::string &first, const std::string &second) {
  return {ErrorCode::pluginFailed,
          fmt::format("two plugins have the id '{}': {} and {}; take one away", id, first, second),
          ""};
}

} // namespace

struct Host::Impl {
  explicit Impl(hw::Catalog &catalogue) : catalog(catalogue) {}

  hw::Catalog &catalog;
  bool searched = false;
  PluginSearch search;
  std::map<std::string, Plugin> loaded; // by path
  std::map<std::string, Error> failed;  // by path

  /// Finds the files, and opens those whose names do not tell their ids.
  void look();
  /// Loads the plugin of one file, once, and adds its targets to the catalog.
  Result<const Plugin *> load(const PluginFile &file);
  Result<Plugin> open(const PluginFile &file);
  Result<> addTargets(Plugin &plugin);
  /// The only plugin of this id.
  Result<const Plugin *> find(const std::string &id);
  Error unknown(const std::string &id) const;
  /// What `look` finds, if need be after all plugins have brought their targets.
  Result<hw::Chip> chip(const std::function<Result<hw::Chip>()> &look);
  std::vector<const Plugin *> loadAll(std::vector<Error> &problems);
};

void Host::Impl::look() {
  if (searched)
    return;
  searched = true;
  const char *path = std::getenv("MANSARD_PLUGIN_PATH");
  search = findPlugins(path ? path : "", installedPluginFolder());
  for (PluginFile &file : search.files)
    if (file.id.empty())
      if (const auto plugin = load(file); plugin.ok())
        file.id = plugin.value()->info.id;
}

Result<const Plugin *> Host::Impl::load(const PluginFile &file) {
  if (const auto it = loaded.find(file.path); it != loaded.end())
    return &it->second;
  if (const auto it = failed.find(file.path); it != failed.end())
    return it->second;
  Result<Plugin> plugin = open(file);
  if (!plugin.ok())
    return failed.emplace(file.path, plugin.error()).first->second;
  return &loaded.emplace(file.path, std::move(*plugin)).first->second;
}

Result<Plugin> Host::Impl::open(const PluginFile &file) {
  const Result<const mansard_plugin *> descriptor = openLibrary(file.path);
  if (!descriptor.ok())
    return descriptor.error();
  Result<Plugin> plugin = checkDescriptor(*descriptor, file.path);
  if (!plugin.ok())
    return plugin;
  if (!file.id.empty() && file.id != plugin->info.id)
    return Error{ErrorCode::pluginFailed,
                 fmt::format("plugin: its id is '{0}', so its file has to be mansard-{0}.so",
                             plugin->info.id),
                 file.path};
  if (const auto added = addTargets(*plugin); !added.ok())
    return added.error();
  return plugin;
}

Result<> Host::Impl::addTargets(Plugin &plugin) {
  if (plugin.targetTexts.empty())
    return Ok{};
  // All are looked at before the first is added: a broken plugin leaves nothing behind.
  std::vector<std::string> taken = catalog.targetIds(), origins;
  for (size_t i = 0; i < plugin.targetTexts.size(); ++i) {
    origins.push_back(fmt::format("{}#target{}", plugin.info.path, i));
    const auto document = hw::parseDocument(plugin.targetTexts[i], origins.back());
    if (!document.ok())
      return document.error();
    const auto id = document->entries.find("id");
    if (id == document->entries.end() || id->second.text.empty())
      return Error{ErrorCode::pluginFailed, "plugin: a target has no id", origins.back()};
    if (std::find(taken.begin(), taken.end(), id->second.text) != taken.end())
      return Error{ErrorCode::pluginFailed,
                   fmt::format("plugin: it redefines the target '{}'; a plugin may add targets, "
                               "not replace them",
                               id->second.text),
                   origins.back()};
    taken.push_back(id->second.text);
    plugin.info.targets.push_back(id->second.text);
  }
  for (size_t i = 0; i < plugin.targetTexts.size(); ++i)
    if (const auto added = catalog.addTarget(plugin.targetTexts[i], origins[i]); !added.ok())
      return added.error();
  return Ok{};
}

Result<const Plugin *> Host::Impl::find(const std::string &id) {
  if (id == kGeneric) {
    if (const auto it = loaded.find(""); it != loaded.end())
      return &it->second;
    Result<Plugin> plugin = checkDescriptor(model::genericPlugin(), "");
    if (!plugin.ok())
      return plugin.error();
    return &loaded.emplace("", std::move(*plugin)).first->second;
  }
  look();
  const PluginFile *found = nullptr;
  for (const PluginFile &file : search.files) {
    if (file.id != id)
      continue;
    if (found)
      return duplicate(id, found->path, file.path);
    found = &file;
  }
  if (!found)
    return unknown(id);
  return load(*found);
}

Error Host::Impl::unknown(const std::string &id) const {
  std::vector<std::string> ids{kGeneric};
  for (const PluginFile &file : search.files)
    if (!file.id.empty())
      ids.push_back(file.id);
  std::string message = fmt::format("no plugin has the id '{}'{}; there are: {}", id,
                                    hw::suggestion(id, ids), fmt::join(ids, ", "));
  message += search.folders.empty()
                 ? "; no folder of plugins was found (set MANSARD_PLUGIN_PATH)"
                 : fmt::format("; looked in {}", fmt::join(search.folders, ", "));
  for (const Error &problem : search.problems)
    message += "; " + problem.text();
  for (const auto &[path, error] : failed)
    message += "; " + error.text();
  return {ErrorCode::notFound, message, ""};
}

std::vector<const Plugin *> Host::Impl::loadAll(std::vector<Error> &problems) {
  std::vector<const Plugin *> all;
  if (const auto generic = find(kGeneric); generic.ok())
    all.push_back(*generic);
  else
    problems.push_back(generic.error());
  look();
  problems.insert(problems.end(), search.problems.begin(), search.problems.end());
  std::map<std::string, const PluginFile *> owners; // by id; the first of each
  for (const PluginFile &file : search.files) {
    if (file.id == kGeneric)
      problems.push_back(duplicate(file.id, "the built-in one", file.path));
    else if (const auto [owner, added] = owners.emplace(file.id, &file); added || file.id.empty()) {
      const auto unique = file.id.empty() ? load(file) : find(file.id);
      if (unique.ok())
        all.push_back(*unique);
      else
        problems.push_back(unique.error());
    }
  }
  return all;
}

Host::Host(hw::Catalog &catalog) : impl_(std::make_unique<Impl>(catalog)) {}

const hw::Catalog &Host::catalog() const { return impl_->catalog; }
Host::~Host() = default;

std::vector<PluginInfo> Host::plugins(std::vector<Error> *problems) {
  std::vector<Error> ignored;
  std::vector<PluginInfo> infos;
  for (const Plugin *plugin : impl_->loadAll(problems ? *problems : ignored))
    infos.push_back(plugin->info);
  return infos;
}

Result<Model> Host::bind(hw::Chip chip) {
  const Result<const Plugin *> found = impl_->find(chip.model);
  if (!found.ok())
    return found.error();
  const Plugin &plugin = **found;
  if (const auto keys = checkKeys(chip, plugin); !keys.ok())
    return keys.error();
  auto impl = std::make_unique<Model::Impl>(std::move(chip), plugin.table, plugin.info.id);
  if (const auto created = impl->create(); !created.ok())
    return created.error();
  return Model(std::move(impl));
}

Result<hw::Chip> Host::Impl::chip(const std::function<Result<hw::Chip>()> &look) {
  Result<hw::Chip> chip = look();
  if (!chip.ok() && chip.error().code == ErrorCode::notFound) {
    // A target that comes with a plugin: only loading tells.
    std::vector<Error> problems;
    loadAll(problems);
    chip = look();
    if (!chip.ok() && chip.error().code == ErrorCode::notFound)
      for (const Error &problem : problems)
        chip.error().message += "; " + problem.text();
  }
  return chip;
}

Result<Model> Host::open(const std::string &target, const std::vector<hw::Override> &overrides) {
  Result<hw::Chip> chip = impl_->chip([&] { return impl_->catalog.target(target, overrides); });
  if (!chip.ok())
    return chip.error();
  return bind(std::move(*chip));
}

Result<Model> Host::openSystem(const std::string &name,
                               const std::vector<hw::Override> &overrides) {
  const Result<hw::System> system = impl_->catalog.system(name);
  if (!system.ok())
    return system.error();
  Result<hw::Chip> chip = impl_->chip([&] { return impl_->catalog.chipOf(*system, overrides); });
  if (!chip.ok())
    return chip.error();
  return bind(std::move(*chip));
}

} // namespace mansard::host
