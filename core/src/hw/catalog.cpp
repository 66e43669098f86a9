#include "hub_names.h"

#include <mansard/hw/cann_ini.h>
#include <mansard/hw/catalog.h>
#include <mansard/hw/install.h>

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>

namespace mansard::hw {
namespace fs = std::filesystem;
namespace {

std::vector<std::string> keysOf(const std::map<std::string, std::string, std::less<>> &map) {
  std::vector<std::string> keys;
  for (const auto &[key, path] : map)
    keys.push_back(key);
  return keys;
}

/// Files `<id>.toml` below `folder`, `depth` levels down.
void collect(const fs::path &folder, int depth,
             std::map<std::string, std::string, std::less<>> &found) {
  std::error_code problem;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder, problem)) {
    if (entry.is_directory()) {
      if (depth > 0)
        collect(entry.path(), depth - 1, found);
    } else if (entry.path().extension() == ".toml") {
      found.emplace(entry.path().stem().string(), entry.path().string());
    }
  }
}

bool looksLikePath(const std::string &name) {
  return name.find('/') != std::string::npos || name.ends_with(".toml") || name.ends_with(".ini");
}

using Files = std::map<std::string, std::string, std::less<>>;

/// The file of a name, or of a path; where it is neither, an error that lists the names.
Result<Document> named(const char *what, const Files &files, const std::string &nameOrPath) {
  if (const auto found = files.find(nameOrPath); found != files.end())
    return readDocument(found->second);
  if (looksLikePath(nameOrPath))
    return readDocument(nameOrPath);
  const std::vector<std::string> ids = keysOf(files);
  return Error{ErrorCode::notFound,
               fmt::format("no {} '{}'{}; there are {}", what, nameOrPath,
                           suggestion(nameOrPath, ids), fmt::join(ids, ", ")),
               ""};
}

} // namespace

struct Catalog::Nodes {
  std::once_flag once;
  std::vector<ProcessNode> nodes;
  std::optional<Error> problem;
};

std::string dataDirectory() {
  if (const char *set = std::getenv("MANSARD_DATA"); set && *set)
    return set;
  std::error_code problem;
  const fs::path installed = fs::path(installPrefix()) / "share" / "mansard";
  if (fs::is_directory(installed / "targets", problem))
    return installed.string();
  return MANSARD_SOURCE_DIRECTORY;
}

Catalog::Catalog(std::string directory)
    : read_(std::make_shared<Nodes>()), directory_(std::move(directory)) {
  const fs::path targets = fs::path(directory_) / "targets";
  std::error_code problem;
  for (const fs::directory_entry &vendor : fs::directory_iterator(targets, problem)) {
    const std::string name = vendor.path().filename().string();
    if (vendor.is_directory() && name != "memory" && name != "systems" && name != "nodes" &&
        name != "calibration")
      collect(vendor.path(), 0, targets_);
  }
  collect(targets / "systems", 0, systems_);
  collect(targets / "memory", 0, memories_);
  collect(targets / "nodes", 0, nodes_);
  collect(fs::path(directory_) / "configs" / "economics", 0, economics_);
  collect(fs::path(directory_) / "configs" / "models", 0, models_);
  collect(fs::path(directory_) / "configs" / "scenarios", 0, scenarios_);
  collect(fs::path(directory_) / "configs" / "sweeps", 0, sweeps_);
}

Result<> Catalog::addTarget(std::string toml, std::string origin) {
  Result<Document> document = parseDocument(toml, origin);
  if (!document)
    return document.error();
  const auto id = document->entries.find(std::string_view("id"));
  if (id == document->entries.end() || id->second.text.empty())
    return Error{ErrorCode::invalidInput, "a target needs an id", origin};
  const std::string &name = id->second.text;
  const auto there = added_.find(name);
  if (targets_.contains(name) || there != added_.end())
    return Error{
        ErrorCode::invalidInput,
        fmt::format("brings a target '{}', which exists already in {}", name,
                    there != added_.end() ? there->second.second : targets_.find(name)->second),
        origin};
  added_.emplace(name, std::pair{std::move(toml), std::move(origin)});
  return Ok{};
}

std::vector<std::string> Catalog::targetIds() const {
  std::vector<std::string> ids = keysOf(targets_);
  for (const auto &[id, text] : added_)
    ids.push_back(id);
  return ids;
}
std::vector<std::string> Catalog::systemIds() const { return keysOf(systems_); }
std::vector<std::string> Catalog::memoryIds() const { return keysOf(memories_); }
std::vector<std::string> Catalog::nodeIds() const { return keysOf(nodes_); }
std::vector<std::string> Catalog::economicsIds() const { return keysOf(economics_); }
std::vector<std::string> Catalog::modelIds() const { return keysOf(models_); }
std::vector<std::string> Catalog::scenarioIds() const { return keysOf(scenarios_); }
std::vector<std::string> Catalog::sweepIds() const { return keysOf(sweeps_); }

Result<Document> Catalog::targetDocument(const std::string &nameOrPath) const {
  if (const auto found = targets_.find(nameOrPath); found != targets_.end())
    return readDocument(found->second);
  if (const auto found = added_.find(nameOrPath); found != added_.end())
    return parseDocument(found->second.first, found->second.second);
  if (nameOrPath.ends_with(".ini"))
    return readCannIni(nameOrPath);
  if (looksLikePath(nameOrPath))
    return readDocument(nameOrPath);
  Result<std::string> meant = aliasOf(nameOrPath);
  if (!meant)
    return meant.error();
  return targetDocument(*meant);
}

Result<std::string> Catalog::aliasOf(const std::string &name) const {
  std::vector<std::string> names = targetIds();
  const fs::path path = fs::path(directory_) / "targets" / "aliases.toml";
  std::error_code problem;
  if (fs::exists(path, problem)) {
    Result<Document> aliases = readDocument(path.string());
    if (!aliases)
      return aliases.error();
    for (const auto &[alias, entry] : aliases->entries) {
      if (entry.kind != Entry::Kind::text || !targets_.contains(entry.text))
        return Error{ErrorCode::invalidInput,
                     fmt::format("'{}' must be the name of a target", alias), entry.place};
      if (alias == name)
        return entry.text;
      names.push_back(alias);
    }
  }
  return Error{ErrorCode::notFound,
               fmt::format("no target '{}'{}; there are {}", name, suggestion(name, names),
                           fmt::join(targetIds(), ", ")),
               ""};
}

Result<Chip> Catalog::target(const std::string &nameOrPath,
                             const std::vector<Override> &overrides) const {
  Result<Document> document = targetDocument(nameOrPath);
  if (!document)
    return document.error();
  return buildChip(*document, *this, overrides);
}

Result<Document> Catalog::systemDocument(const std::string &nameOrPath) const {
  return named("system", systems_, nameOrPath);
}

Result<System> Catalog::system(const std::string &nameOrPath) const {
  Result<Document> document = systemDocument(nameOrPath);
  if (!document)
    return document.error();
  return buildSystem(*document, *this);
}

Result<Chip> Catalog::chipOf(const System &system, const std::vector<Override> &overrides) const {
  Result<Document> document = targetDocument(system.chip);
  if (!document)
    return Error{document.error().code, fmt::format("chip: {}", document.error().message),
                 system.file};
  return buildChip(*document, *this, overrides, std::make_shared<const System>(system));
}

Result<MemoryTechnology> Catalog::memory(const std::string &id) const {
  Result<Document> document = named("memory technology", memories_, id);
  if (!document)
    return document.error();
  return parseMemoryTechnology(*document);
}

Result<ProcessNode> Catalog::node(const std::string &nameOrPath) const {
  Result<Document> document = named("process node", nodes_, nameOrPath);
  if (!document)
    return document.error();
  return parseProcessNode(*document);
}

Result<const ProcessNode *> Catalog::nodeOfProcess(std::string_view process) const {
  std::call_once(read_->once, [this] {
    for (const std::string &id : nodeIds()) {
      auto node = this->node(id);
      if (!node) {
        read_->problem = node.error();
        return;
      }
      read_->nodes.push_back(std::move(*node));
    }
  });
  if (read_->problem)
    return *read_->problem;
  const ProcessNode *best = nullptr;
  size_t longest = 0;
  for (const ProcessNode &node : read_->nodes)
    for (const std::string &name : node.names)
      if (process.starts_with(name) && name.size() > longest) {
        longest = name.size();
        best = &node;
      }
  return best;
}

Result<Document> Catalog::economicsDocument(const std::string &nameOrPath) const {
  return named("economic assumptions", economics_, nameOrPath);
}

Result<Document> Catalog::scenarioDocument(const std::string &nameOrPath) const {
  return named("scenario", scenarios_, nameOrPath);
}

Result<Document> Catalog::sweepDocument(const std::string &nameOrPath) const {
  return named("sweep", sweeps_, nameOrPath);
}

Result<Document> Catalog::calibration(const std::string &family) const {
  const fs::path folder = fs::path(directory_) / "targets" / "calibration";
  const fs::path path = folder / (family + ".toml");
  std::error_code problem;
  if (family.find('/') == std::string::npos && fs::exists(path, problem))
    return readDocument(path.string());
  std::map<std::string, std::string, std::less<>> families;
  collect(folder, 0, families);
  return Error{ErrorCode::notFound,
               fmt::format("no calibration for the family '{}'{}; there are {}", family,
                           suggestion(family, keysOf(families)), fmt::join(keysOf(families), ", ")),
               ""};
}

std::optional<std::string> Catalog::modelOfHubName(const std::string &name) const {
  const std::string whole = lowered(name), shape = shapeName(name);
  std::optional<std::string> sameShape;
  for (const auto &[id, path] : models_) {
    const Result<Document> document = readDocument(path);
    if (!document)
      continue; // told by those who read the model
    if (const auto names = document->lists.find("hf"); names != document->lists.end())
      for (const std::string &each : names->second) {
        if (lowered(each) == whole)
          return path;
        if (!sameShape && shapeName(each) == shape)
          sameShape = path;
      }
  }
  for (const std::string &id : {whole.substr(whole.find('/') + 1), shape})
    if (const auto found = models_.find(id); found != models_.end())
      return found->second;
  return sameShape;
}

Result<std::string> Catalog::modelPath(const std::string &name) const {
  if (const auto found = models_.find(name); found != models_.end())
    return found->second;
  std::error_code problem;
  if (fs::is_directory(name, problem))
    return (fs::path(name) / "config.json").string();
  const bool hub = isHubName(name) && !fs::exists(name, problem);
  if (hub)
    if (auto found = modelOfHubName(name))
      return *found;
  if (!hub && (looksLikePath(name) || name.ends_with(".json") || name.ends_with(".mlir")))
    return name;
  return Error{
      ErrorCode::notFound,
      fmt::format("no model '{}'{}; there are {}, or name a .toml, a config.json or a .mlir file",
                  name, suggestion(hub ? shapeName(name) : name, modelIds()),
                  fmt::join(modelIds(), ", ")),
      ""};
}

} // namespace mansard::hw
