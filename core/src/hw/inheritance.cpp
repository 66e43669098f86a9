#include "inheritance.h"

#include <fmt/format.h>

namespace mansard::hw {
namespace {

constexpr int kDeepest = 8;

Result<Document> resolve(const Document &document, const Fetch &fetch, const Disinherit &disinherit,
                         int depth) {
  const auto parent = document.entries.find(std::string_view("inherits"));
  if (parent == document.entries.end())
    return document;
  if (depth >= kDeepest)
    return Error{ErrorCode::invalidInput, "'inherits' goes round in a circle",
                 parent->second.place};
  Result<Document> base = fetch(parent->second.text);
  if (!base)
    return Error{base.error().code, fmt::format("inherits: {}", base.error().text()),
                 parent->second.place};
  Result<Document> resolved = resolve(*base, fetch, disinherit, depth + 1);
  if (!resolved)
    return resolved;
  resolved->file = document.file;
  if (disinherit)
    disinherit(document, *resolved);
  for (const auto &[key, entry] : document.entries)
    resolved->entries.insert_or_assign(key, entry);
  for (const auto &[key, list] : document.lists)
    resolved->lists.insert_or_assign(key, list);
  resolved->sources = document.sources; // those of the file itself: the base's are its own affair
  return resolved;
}

} // namespace

Result<Document> resolveInheritance(const Document &document, const Fetch &fetch,
                                    const Disinherit &disinherit) {
  return resolve(document, fetch, disinherit, 0);
}

} // namespace mansard::hw
