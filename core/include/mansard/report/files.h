// Reading a file whole, and writing one so that nobody ever sees half of it.
#pragma once

#include <mansard/base/result.h>

#include <string>
#include <string_view>

namespace mansard::report {

/// The file's bytes. A folder, a missing or an unreadable file is an error that names it.
Result<std::string> readFile(const std::string &path);

/// Writes beside `path` and renames: `path` either keeps what it held or holds all of `text`.
Result<> writeFile(const std::string &path, std::string_view text);

} // namespace mansard::report
