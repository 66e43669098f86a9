// The plumbing of sdk.hpp: texts, sized structs, strides, look-up. Not for plugins.
#ifndef MANSARD_SDK_DETAIL_HPP
#define MANSARD_SDK_DETAIL_HPP

#include <mansard/sdk/abi.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

// Two plugins built with default visibility must not share one descriptor: the static variables of
// templates are unique in the process unless hidden.
#if defined(_WIN32)
#define MANSARD_HIDDEN
#else
#define MANSARD_HIDDEN __attribute__((visibility("hidden")))
#endif

namespace mansard::sdk {
namespace detail MANSARD_HIDDEN {

inline std::string_view view(mansard_string s) {
  return s.size ? std::string_view(s.data, s.size) : std::string_view();
}
inline mansard_string text(std::string_view s) { return {s.data(), s.size()}; }

/// A copy of a struct of any version in this header's layout: what the other side does not have is
/// zero.
template <typename T> T widened(const T &from) {
  T wide{};
  std::memcpy(&wide, &from, std::min<size_t>(from.struct_size, sizeof(T)));
  wide.struct_size = sizeof(T);
  return wide;
}

/// Writes as much of `from` as `to` has room for.
template <typename T> void narrow(const T &from, T &to) {
  const uint32_t size = to.struct_size;
  std::memcpy(static_cast<void *>(&to), &from, std::min<size_t>(size, sizeof(T)));
  to.struct_size = size;
}

template <typename T> T &at(T *array, uint64_t i, uint64_t stride) {
  using Byte = std::conditional_t<std::is_const_v<T>, const char, char>;
  return *reinterpret_cast<T *>(reinterpret_cast<Byte *>(array) + i * stride);
}

/// Binary search: values are sorted by key.
inline const mansard_value *find(const mansard_chip &chip, std::string_view key) {
  const mansard_value *end = chip.values + chip.value_count;
  const mansard_value *found =
      std::lower_bound(chip.values, end, key, [](const mansard_value &value, std::string_view k) {
        return view(value.key) < k;
      });
  return found != end && view(found->key) == key ? found : nullptr;
}

/// Tables indexed by these codes (mansard/base) are not read beyond their ends.
inline bool codesInRange(const mansard_kernel &k) {
  if (k.op >= MANSARD_OP_COUNT || k.dtype >= MANSARD_DTYPE_COUNT ||
      k.weight_dtype >= MANSARD_DTYPE_COUNT || k.out_dtype >= MANSARD_DTYPE_COUNT ||
      k.scaling >= MANSARD_SCALING_COUNT)
    return false;
  if (k.op == MANSARD_OP_VECTOR)
    return k.u.vector.kind < MANSARD_VECTOR_COUNT;
  if (k.op == MANSARD_OP_COLLECTIVE)
    return k.u.collective.kind < MANSARD_COLLECTIVE_COUNT;
  return true;
}

/// Cuts the message to the caller's buffer. Returns `code`, which may be MANSARD_OK.
inline int32_t fail(mansard_error *error, int32_t code, std::string_view message) noexcept {
  if (!error)
    return code;
  error->code = code;
  error->size = std::min<uint64_t>(message.size(), error->capacity);
  std::memcpy(error->data, message.data(), error->size);
  return code;
}

/// The arrays that a descriptor points to, in the ABI's types.
struct Tables {
  std::vector<mansard_key_spec> keys;
  std::vector<mansard_string> targets;
};

template <typename Key>
Tables makeTables(std::span<const Key> keys, std::span<const std::string_view> targets) {
  Tables tables;
  for (const Key &key : keys)
    tables.keys.push_back({sizeof(mansard_key_spec), key.required ? 1u : 0u, text(key.key),
                           text(key.unit), text(key.meaning)});
  for (std::string_view target : targets)
    tables.targets.push_back(text(target));
  return tables;
}

} // namespace MANSARD_HIDDEN
} // namespace mansard::sdk
#endif
