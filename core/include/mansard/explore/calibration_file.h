// The text of a family's calibration file, and new values in it that leave all else as it was
// written.
#pragma once

#include <mansard/base/result.h>
#include <mansard/hw/document.h>

#include <string>
#include <string_view>
#include <vector>

namespace mansard::explore {

/// A constant as it is to stand in the file, fitted.
struct ConstantChange {
  std::string key;
  double value = 0;
  std::string source;
};

/// Immutable. Constants are tables in one line, `key = { value = ..., source = "...", confidence =
/// "..." }`, which is how hw/document.h wants numbers that have a source. Thread-safe.
class CalibrationFile {
public:
  static Result<CalibrationFile> parse(std::string text, std::string file);
  static Result<CalibrationFile> read(const std::string &path);

  const std::string &text() const { return text_; }
  const hw::Document &document() const { return document_; }

  /// The field `unit` of a constant; empty where there is none.
  std::string unitOf(const std::string &key) const;
  /// The comment right above a constant, without its marks; empty where there is none.
  std::string meaningOf(const std::string &key) const;

  /// The file with each constant's value and source replaced and its confidence "fitted", and the
  /// constants in `gone` taken out with their lines. Comments, order, spacing and every other field
  /// stay; a constant that the file lacks comes after those of the same table, or at the end;
  /// entries of [sources] that nothing names any more go. What comes out is parsed and compared
  /// with what went in: anything changed that should not be is an error.
  Result<CalibrationFile> with(const std::vector<ConstantChange> &changes,
                               const std::vector<std::string> &gone = {}) const;

private:
  CalibrationFile(std::string text, hw::Document document)
      : text_(std::move(text)), document_(std::move(document)) {}

  std::string text_;
  hw::Document document_;
};

} // namespace mansard::explore
