// Opening a shared library: the only place that knows Boost.DLL.
#define BOOST_DLL_USE_STD_FS
#include "plugin.h"

#include <boost/dll/shared_library.hpp>

#include <exception>
#include <map>
#include <memory>
#include <mutex>

namespace mansard::host {

Result<const mansard_plugin *> openLibrary(const std::string &path) {
  using Entry = const mansard_plugin *(uint32_t, uint32_t);
  const auto failed = [&](std::string message) {
    return Error{ErrorCode::pluginFailed, "plugin: " + std::move(message), path};
  };

  // Kept for the life of the process, whoever opens them: estimates may point into them.
  static std::mutex mutex;
  static auto &libraries = *new std::map<std::string, boost::dll::shared_library>;
  const std::lock_guard lock(mutex);
  try {
    auto it = libraries.find(path);
    if (it == libraries.end()) {
      boost::dll::shared_library opened(path, boost::dll::load_mode::rtld_now |
                                                  boost::dll::load_mode::rtld_local);
      it = libraries.emplace(path, std::move(opened)).first;
    }
    if (!it->second.has("mansard_plugin_entry"))
      return failed("it has no symbol mansard_plugin_entry");
    return it->second.get<Entry>("mansard_plugin_entry")(MANSARD_ABI_MAJOR, MANSARD_ABI_MINOR);
  } catch (const std::exception &e) {
    return failed(std::string("it cannot be loaded: ") + e.what());
  } catch (...) {
    return failed("it threw while it was loaded");
  }
}

} // namespace mansard::host
