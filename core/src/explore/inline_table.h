// The fields of a TOML inline table by their place in the text, so that one can be rewritten.
#pragma once

#include <mansard/base/result.h>

#include <string>
#include <string_view>
#include <vector>

namespace mansard::explore {

struct InlineField {
  std::string_view name;
  size_t begin = 0, end = 0; // of the value, in the whole text
};

struct InlineTable {
  size_t close = 0; // of the closing brace
  std::vector<InlineField> fields;

  const InlineField *find(std::string_view name) const;
};

/// The table whose opening brace is at `open`. Values are texts in quotes, numbers and words;
/// anything deeper is an error without a place.
Result<InlineTable> scanInlineTable(std::string_view text, size_t open);

/// The characters between the quotes of a text as it is written; empty for anything else.
std::string_view unquoted(std::string_view value);

} // namespace mansard::explore
