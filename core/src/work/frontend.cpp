#include <mansard/hw/install.h>
#include <mansard/work/frontend.h>

#include <dlfcn.h>

#include <filesystem>

namespace mansard::work {
namespace fs = std::filesystem;
namespace {

/// Beside the program, as installed and as built: <prefix>/bin/mansard and
/// <prefix>/lib/mansard/libmansard_ir.so.
Result<const Frontend *> load() {
  std::error_code problem;
  const fs::path library = fs::path(hw::installPrefix()) / "lib" / "mansard" / "libmansard_ir.so";
  if (!fs::exists(library, problem))
    return Error{ErrorCode::unsupported,
                 "this build has no model front end; it needs LLVM and MLIR 19 and is built with "
                 "-DMANSARD_ENABLE_IR=ON",
                 library.string()};
  // Never closed: MLIR keeps threads and static tables.
  void *handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *why = dlerror();
    return Error{ErrorCode::unsupported,
                 std::string("the model front end cannot be loaded: ") +
                     (why ? why : "no reason given"),
                 library.string()};
  }
  using Entry = const Frontend *();
  auto *entry = reinterpret_cast<Entry *>(dlsym(handle, "mansard_frontend"));
  const Frontend *frontend = entry ? entry() : nullptr;
  if (!frontend)
    return Error{ErrorCode::unsupported,
                 "the library is no model front end of this version: it has no "
                 "mansard_frontend",
                 library.string()};
  return frontend;
}

} // namespace

Result<const Frontend *> loadFrontend() {
  static const Result<const Frontend *> loaded = load();
  return loaded;
}

Result<Transformer> readModel(const std::string &path) {
  if (path.ends_with(".mlir"))
    return Error{ErrorCode::unsupported,
                 "is one device's work, not a model; `mansard opt` checks and prints it", path};
  if (!path.ends_with(".json"))
    return readTransformer(path);
  auto frontend = loadFrontend();
  if (!frontend)
    return frontend.error();
  return (*frontend)->importHuggingFace(path);
}

} // namespace mansard::work
