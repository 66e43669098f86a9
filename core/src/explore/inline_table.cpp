#include "inline_table.h"

#include <algorithm>

namespace mansard::explore {
namespace {

constexpr std::string_view kBlanks = " \t";

size_t skipBlanks(std::string_view text, size_t at) {
  return std::min(text.find_first_not_of(kBlanks, at), text.size());
}

/// Past the quote that ends the text begun at `at`; npos where the line ends first.
size_t afterQuoted(std::string_view text, size_t at) {
  const char quote = text[at];
  for (size_t i = at + 1; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] == quote)
      return i + 1;
    if (text[i] == '\\' && quote == '"')
      ++i;
  }
  return std::string_view::npos;
}

} // namespace

const InlineField *InlineTable::find(std::string_view name) const {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const InlineField &field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

Result<InlineTable> scanInlineTable(std::string_view text, size_t open) {
  const auto fail = [](const char *message) { return Error{ErrorCode::invalidInput, message, ""}; };
  if (open >= text.size() || text[open] != '{')
    return fail("is not a table in one line, { value = ..., source = ..., confidence = ... }");
  InlineTable table;
  for (size_t at = skipBlanks(text, open + 1);;) {
    if (at < text.size() && text[at] == '}') {
      table.close = at;
      return table;
    }
    const size_t equals = text.find_first_of("=\n}", at);
    if (equals == std::string_view::npos || text[equals] != '=')
      return fail("is a table whose fields cannot be told apart");
    InlineField field;
    field.name = text.substr(at, equals - at);
    field.name = field.name.substr(0, field.name.find_last_not_of(kBlanks) + 1);
    field.begin = skipBlanks(text, equals + 1);
    if (field.begin >= text.size() || text[field.begin] == '{' || text[field.begin] == '[')
      return fail("holds more than texts and numbers");
    if (text[field.begin] == '"' || text[field.begin] == '\'') {
      field.end = afterQuoted(text, field.begin);
    } else {
      field.end = text.find_first_of(",}\n", field.begin);
      if (field.end != std::string_view::npos)
        field.end = text.find_last_not_of(kBlanks, field.end - 1) + 1;
    }
    if (field.end == std::string_view::npos)
      return fail("does not end on its line");
    table.fields.push_back(field);
    at = skipBlanks(text, field.end);
    if (at < text.size() && text[at] == ',')
      at = skipBlanks(text, at + 1);
    else if (at >= text.size() || text[at] != '}')
      return fail("is a table whose fields cannot be told apart");
  }
}

std::string_view unquoted(std::string_view value) {
  if (value.size() < 2 || (value.front() != '"' && value.front() != '\''))
    return {};
  return value.substr(1, value.size() - 2);
}

} // namespace mansard::explore
