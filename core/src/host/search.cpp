#include "search.h"

#include <mansard/hw/install.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace mansard::host {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPrefix = "mansard-", kSuffix = ".so";

std::string idOfName(const fs::path &file) {
  const std::string name = file.filename().string();
  if (name.size() <= kPrefix.size() + kSuffix.size() || !name.starts_with(kPrefix) ||
      !name.ends_with(kSuffix))
    return {};
  return name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
}

void addFile(const fs::path &file, PluginSearch &search) {
  std::error_code ec;
  fs::path path = fs::canonical(file, ec);
  if (ec)
    path = fs::absolute(file);
  const bool known = std::any_of(search.files.begin(), search.files.end(),
                                 [&](const PluginFile &f) { return f.path == path.string(); });
  if (!known)
    search.files.push_back({path.string(), idOfName(file)});
}

void addFolder(const fs::path &folder, PluginSearch &search) {
  std::error_code ec;
  std::vector<fs::path> found;
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec))
    if (!idOfName(it->path()).empty())
      found.push_back(it->path());
  std::sort(found.begin(), found.end());
  for (const fs::path &file : found)
    addFile(file, search);
  search.folders.push_back(folder.string());
}

} // namespace

PluginSearch findPlugins(const std::string &pluginPath, const std::string &installFolder) {
  PluginSearch search;
  std::error_code ec;
  for (size_t begin = 0; begin <= pluginPath.size();) {
    const size_t end = std::min(pluginPath.find(':', begin), pluginPath.size());
    const std::string entry = pluginPath.substr(begin, end - begin);
    begin = end + 1;
    if (entry.empty())
      continue;
    if (fs::is_directory(entry, ec))
      addFolder(entry, search);
    else if (fs::exists(entry, ec))
      addFile(entry, search);
    else
      search.problems.push_back(
          {ErrorCode::notFound, "no such folder or file: '" + entry + "'", "MANSARD_PLUGIN_PATH"});
  }
  if (!installFolder.empty() && fs::is_directory(installFolder, ec))
    addFolder(installFolder, search);
  return search;
}

std::string installedPluginFolder() {
  const std::string prefix = hw::installPrefix();
  return prefix.empty() ? prefix : (fs::path(prefix) / "lib" / "mansard" / "plugins").string();
}

} // namespace mansard::host
