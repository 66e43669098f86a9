// Checks of what a plugin says of itself.
#include "plugin.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstring>
#include <string_view>

namespace mansard::host {
namespace {

// Sizes of the first released version: what every plugin has at least.
constexpr uint32_t kFirstPluginSize = offsetof(mansard_plugin, get_extension) + sizeof(void *);
constexpr uint32_t kFirstKeySize = offsetof(mansard_key_spec, meaning) + sizeof(mansard_string);

Error broken(const std::string &origin, std::string message) {
  return {ErrorCode::pluginFailed, "plugin: " + std::move(message), origin};
}

bool readable(mansard_string s) { return s.size == 0 || s.data != nullptr; }
std::string toString(mansard_string s) { return s.size ? std::string(s.data, s.size) : ""; }

bool isId(std::string_view id) {
  return !id.empty() && id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == id.npos;
}

} // namespace

Result<Plugin> checkDescriptor(const mansard_plugin *descriptor, const std::string &origin) {
  if (!descriptor)
    return broken(origin, fmt::format("it offers no descriptor for version {}.{} of the interface; "
                                      "it was built for another major version",
                                      MANSARD_ABI_MAJOR, MANSARD_ABI_MINOR));
  if (descriptor->abi_major != MANSARD_ABI_MAJOR)
    return broken(origin, fmt::format("it speaks major version {} of the interface, this host {}",
                                      descriptor->abi_major, MANSARD_ABI_MAJOR));
  if (descriptor->struct_size < kFirstPluginSize)
    return broken(origin,
                  fmt::format("its descriptor has a struct_size of {}, at least {} is valid",
                              descriptor->struct_size, kFirstPluginSize));
  Plugin plugin;
  mansard_plugin &table = plugin.table;
  std::memcpy(&table, descriptor, std::min<size_t>(descriptor->struct_size, sizeof table));

  if (!table.create || !table.destroy || !table.estimate)
    return broken(origin, fmt::format("its function {} is null", !table.create    ? "create"
                                                                 : !table.destroy ? "destroy"
                                                                                  : "estimate"));
  if (!readable(table.id) || !readable(table.version) || !readable(table.description))
    return broken(origin, "a text of its descriptor has a size but no data");
  plugin.info.id = toString(table.id);
  plugin.info.version = toString(table.version);
  plugin.info.description = toString(table.description);
  plugin.info.path = origin;
  plugin.info.abiMajor = table.abi_major;
  plugin.info.abiMinor = table.abi_minor;
  if (!isId(plugin.info.id))
    return broken(origin, fmt::format("its id '{}' is not one: lower-case letters, digits, - and "
                                      "_ are valid",
                                      plugin.info.id));

  if (table.key_count && (!table.keys || table.key_stride < kFirstKeySize))
    return broken(origin, fmt::format("it declares {} keys but its table is null or has a stride "
                                      "below {} bytes",
                                      table.key_count, kFirstKeySize));
  for (uint64_t i = 0; i < table.key_count; ++i) {
    mansard_key_spec spec;
    std::memcpy(&spec, reinterpret_cast<const char *>(table.keys) + i * table.key_stride,
                kFirstKeySize);
    if (spec.struct_size < kFirstKeySize || spec.key.size == 0 || !readable(spec.key) ||
        !readable(spec.unit) || !readable(spec.meaning))
      return broken(origin, fmt::format("entry {} of its table of keys has no name or no size", i));
    plugin.keys.push_back(
        {toString(spec.key), toString(spec.unit), toString(spec.meaning), spec.required != 0});
  }

  if (table.target_count && !table.targets)
    return broken(origin, "it counts targets but their table is null");
  for (uint64_t i = 0; i < table.target_count; ++i) {
    if (!readable(table.targets[i]))
      return broken(origin, fmt::format("the text of its target {} has a size but no data", i));
    plugin.targetTexts.push_back(toString(table.targets[i]));
  }
  return plugin;
}

} // namespace mansard::host
