#include <mansard/report/files.h>

#include <fmt/core.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

namespace mansard::report {
namespace {

Error ioError(const std::string &what, const std::string &path) {
  return {ErrorCode::io, fmt::format("{}: {}", what, std::strerror(errno)), path};
}

} // namespace

Result<std::string> readFile(const std::string &path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return Error{ErrorCode::io, "is a folder; a file is needed", path};
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return ioError("cannot be opened", path);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad())
    return ioError("cannot be read", path);
  return text;
}

Result<> writeFile(const std::string &path, std::string_view text) {
  std::error_code ignored;
  if (path.empty() || std::filesystem::is_directory(path, ignored))
    return Error{ErrorCode::io, "is a folder or empty; a file name is needed", path};
  // What is not a plain file (/dev/stdout, a pipe) cannot be renamed over.
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored)) {
    std::ofstream out(path, std::ios::binary);
    out << text;
    out.flush();
    if (!out)
      return ioError("cannot be written", path);
    return Ok{};
  }
  std::string partial = path + ".XXXXXX";
  const int descriptor = mkstemp(partial.data());
  if (descriptor < 0)
    return ioError("cannot be written", path);
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t wrote = ::write(descriptor, text.data() + done, text.size() - done);
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote <= 0)
      break;
    done += static_cast<size_t>(wrote);
  }
  // mkstemp makes the file private; give it what a newly created file would have.
  const mode_t mask = umask(0);
  umask(mask);
  const bool complete = done == text.size() && fchmod(descriptor, 0666 & ~mask) == 0;
  if ((::close(descriptor) != 0) || !complete || std::rename(partial.c_str(), path.c_str()) != 0) {
    Error error = ioError("cannot be written", path);
    ::unlink(partial.c_str());
    return error;
  }
  return Ok{};
}

} // namespace mansard::report
