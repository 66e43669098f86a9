#include <mansard/hw/install.h>

#include <filesystem>

#include <dlfcn.h>
#include <link.h>

namespace mansard::hw {
namespace fs = std::filesystem;

std::string installPrefix() {
  Dl_info info{};
  link_map *object = nullptr;
  std::error_code problem;
  // A program has no name in the linker's list, and argv[0] is whatever it was called by.
  if (dladdr1(reinterpret_cast<const void *>(&installPrefix), &info,
              reinterpret_cast<void **>(&object), RTLD_DL_LINKMAP) != 0 &&
      object && object->l_name && *object->l_name) {
    // <prefix>/lib/mansard/<library>
    const fs::path library = fs::canonical(object->l_name, problem);
    return problem ? std::string() : library.parent_path().parent_path().parent_path().string();
  }
  const fs::path program = fs::read_symlink("/proc/self/exe", problem);
  return problem ? std::string() : program.parent_path().parent_path().string();
}

} // namespace mansard::hw
