// A configuration file as flat dotted keys: texts, and numbers with their sources. The only way
// TOML enters.
//
// A number is written `key = { value = 132, source = "ds", confidence = "vendor" }`, optionally
// with low and high, unit and note; `ds` is looked up in the file's [sources] table, or is itself
// the source. Plain numbers are allowed where the reader of the document says so (models and
// scenarios are not measurements). Of an array of tables ([[point]]) the keys are numbered:
// point.0.name, point.1.name.
#pragma once

#include <mansard/base/result.h>
#include <mansard/hw/quantity.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::hw {

struct Entry {
  enum class Kind { text, number, flag } kind = Kind::text;
  std::string text;     // for text
  Quantity number;      // for number; a flag is a number of 0 or 1
  bool sourced = false; // written as a table with a source
  std::string unit;     // where the table states one
  std::string place;    // "file:line:column"
};

struct Document {
  std::string file;
  std::map<std::string, Entry, std::less<>> entries; // by dotted key, [sources] left out
  std::map<std::string, std::vector<std::string>, std::less<>>
      lists;                                        // arrays of texts; numbers as texts
  std::map<std::string, bool, std::less<>> sources; // names in [sources]; whether a number uses it
};

/// Reads TOML. Errors carry file, line and column. Thread-safe.
Result<Document> parseDocument(std::string_view text, std::string file);
Result<Document> readDocument(const std::string &path);

/// `text` as a basic string of TOML, in its quotes.
std::string quoted(std::string_view text);

/// The candidate that begins with `name`, else the closest by edit distance, or empty if none is
/// close. For error messages.
std::string nearestName(std::string_view name, const std::vector<std::string> &candidates);
/// ` (did you mean "x"?)`, or the empty text.
std::string suggestion(std::string_view name, const std::vector<std::string> &candidates);

} // namespace mansard::hw
