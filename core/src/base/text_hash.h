// A hash of text that is the same everywhere, as std::hash is not.
#pragma once

#include <cstdint>
#include <string_view>

namespace mansard {

inline constexpr uint64_t kHashStart = 0xcbf29ce484222325;

/// FNV-1a, 64 bits. Texts that differ in one letter differ in few bits: mix before ordering by it.
constexpr uint64_t hashOf(std::string_view text, uint64_t start = kHashStart) {
  for (const char c : text)
    start = (start ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return start;
}

} // namespace mansard
