#include <Import/ModuleFile.h>

#include <llvm/ADT/StringExtras.h>
#include <llvm/Support/MemoryBuffer.h>

#include <fmt/format.h>

namespace mansard::ir {
namespace {

// MLIR's parser, verifiers and printers recurse by nesting; 256 levels take about half of a stack
// of 8 MiB. An affine map is a tree as deep as it has terms.
constexpr int kDeepest = 256;
constexpr size_t kLongestMap = 1 << 16;

class Scanner {
public:
  explicit Scanner(llvm::StringRef text) : text_(text) {}

  std::optional<TooDeep> run() {
    for (at_ = 0; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"')
        skipString();
      else if (c == '/' && next() == '/')
        at_ = std::min(text_.find('\n', at_), text_.size());
      else if (auto problem = take(c))
        return problem;
    }
    return std::nullopt;
  }

private:
  char next() const { return at_ + 1 < text_.size() ? text_[at_ + 1] : '\0'; }

  void skipString() {
    for (++at_; at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n'; ++at_)
      if (text_[at_] == '\\')
        ++at_;
  }

  std::optional<TooDeep> take(char c) {
    switch (c) {
    case '<':
      if (depth_ + 1 <= kDeepest && text_.substr(0, at_).ends_with("affine_map"))
        map_ = depth_ + 1, mapStart_ = at_;
      [[fallthrough]];
    case '(':
    case '[':
    case '{':
      if (++depth_ > kDeepest)
        return problem(fmt::format("is nested more than {} levels deep", kDeepest));
      break;
    case '>':
      if (next() == '=' || (at_ > 0 && text_[at_ - 1] == '-'))
        break;
      [[fallthrough]];
    case ')':
    case ']':
    case '}':
      if (depth_ == map_)
        map_ = -1;
      depth_ = std::max(0, depth_ - 1);
      break;
    case '-':
      if (next() == '>')
        break;
      if (++signs_ > kDeepest)
        return problem(fmt::format("has more than {} signs in a row", kDeepest));
      return std::nullopt;
    default:
      break;
    }
    if (!llvm::isSpace(c))
      signs_ = 0;
    if (map_ >= 0 && at_ - mapStart_ > kLongestMap)
      return problem(fmt::format("has an affine map of more than {} characters", kLongestMap));
    return std::nullopt;
  }

  TooDeep problem(std::string message) const { return {text_.data() + at_, std::move(message)}; }

  llvm::StringRef text_;
  size_t at_ = 0, mapStart_ = 0;
  int depth_ = 0, map_ = -1, signs_ = 0;
};

} // namespace

std::optional<TooDeep> findTooDeep(llvm::StringRef text) {
  constexpr llvm::StringLiteral kBytecode = "ML\xefR"; // read without recursion
  if (text.starts_with(kBytecode))
    return std::nullopt;
  return Scanner(text).run();
}

bool openModule(llvm::StringRef path, llvm::SourceMgr &sources, std::string &message) {
  auto file = llvm::MemoryBuffer::getFileOrSTDIN(path, /*IsText=*/true);
  if (!file) {
    message = fmt::format("{}: cannot be read: {}", path.str(), file.getError().message());
    return false;
  }
  const llvm::StringRef text = (*file)->getBuffer();
  const unsigned id = sources.AddNewSourceBuffer(std::move(*file), llvm::SMLoc());
  const std::optional<TooDeep> problem = findTooDeep(text);
  if (!problem)
    return true;
  const auto [line, column] =
      sources.getLineAndColumn(llvm::SMLoc::getFromPointer(problem->at), id);
  message = fmt::format("{}:{}:{}: {}", path.str(), line, column, problem->message);
  return false;
}

} // namespace mansard::ir
