// The keys of scenario files, and typed access to those that a document has.
#pragma once

#include <mansard/base/result.h>
#include <mansard/hw/document.h>

#include <string>
#include <string_view>
#include <vector>

namespace mansard::report {

/// `*` in a pattern stands for a name, `#` for a year.
struct ScenarioKey {
  enum class Kind {
    text,
    plain,   // a number that is chosen, not known: no source
    whole,   // such a number without a fraction
    sourced, // { value, source, confidence }, perhaps with a range
    flag,
    list // of texts
  };
  std::string_view pattern;
  Kind kind;
  double least = 0, most = 0; // of numbers
};

/// Of a document whose keys are all known and of the right kind.
class ScenarioKeys {
public:
  /// Errors: a key that no pattern has (with the nearest), of another kind, or out of range.
  static Result<ScenarioKeys> open(const hw::Document &document,
                                   const std::vector<ScenarioKey> &known, std::string_view kind);

  bool has(const std::string &key) const;
  std::string text(const std::string &key) const; // empty: not there
  double plain(const std::string &key, double otherwise) const;
  std::vector<std::string> list(const std::string &key) const;
  /// Names at the place of the first segment behind `section`, in order of their letters:
  /// names("claim") of "claim.a.source" has "a".
  std::vector<std::string> names(const std::string &section) const;
  /// Every year that keys name, in order.
  std::vector<int> years() const;

  /// The text, which must be there.
  Result<std::string> needed(const std::string &key) const;
  /// The position of the text among `names`; `otherwise` if it is not there.
  Result<size_t> oneOf(const std::string &key, const std::vector<std::string> &names,
                       size_t otherwise) const;
  /// Positions of the list's texts among `names`; an error where it is empty, unless `optional`.
  Result<std::vector<size_t>> someOf(const std::string &key, const std::vector<std::string> &names,
                                     bool optional = false) const;

  Error wrong(const std::string &key, std::string message) const;
  const hw::Document &document() const { return *document_; }

private:
  explicit ScenarioKeys(const hw::Document &document) : document_(&document) {}
  const hw::Entry *entry(const std::string &key) const;
  const hw::Document *document_; // outlives this
};

} // namespace mansard::report
