// A value or an error that says what is wrong, where, and what would be valid.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace mansard {

enum class ErrorCode {
  invalidInput, // the user's files or arguments
  notFound,     // a name that is not known
  unsupported,  // valid, but not possible on this chip or in this build
  pluginFailed, // a plugin broke its contract
  io,
};

struct Error {
  ErrorCode code = ErrorCode::invalidInput;
  std::string message; // what is wrong, and what would be valid
  std::string place;   // "file:line:column", a flag, or empty

  std::string text() const { return place.empty() ? message : place + ": " + message; }
};

/// Success carrying nothing.
struct Ok {};

/// A value or an Error. Ask `ok()` (or test it) before `value()`; a wrong guess throws
/// std::bad_variant_access.
template <typename T = Ok> class [[nodiscard]] Result {
public:
  Result(T value) : state_(std::move(value)) {}
  Result(Error error) : state_(std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T &value() & { return std::get<0>(state_); }
  const T &value() const & { return std::get<0>(state_); }
  T &&value() && { return std::get<0>(std::move(state_)); }
  T *operator->() { return &value(); }
  const T *operator->() const { return &value(); }
  T &operator*() & { return value(); }
  const T &operator*() const & { return value(); }
  T &&operator*() && { return std::get<0>(std::move(state_)); }
  Error &error() { return std::get<1>(state_); }
  const Error &error() const { return std::get<1>(state_); }

private:
  std::variant<T, Error> state_;
};

} // namespace mansard
