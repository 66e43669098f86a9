// Modules read from files: text or bytecode, whoever wrote them.
#pragma once

#include <llvm/ADT/StringRef.h>
#include <llvm/Support/SourceMgr.h>

#include <optional>
#include <string>

namespace mansard::ir {

/// Where and why a text is beyond what MLIR's recursive parser can be given; nothing if it is not.
struct TooDeep {
  const char *at; // into the text
  std::string message;
};
std::optional<TooDeep> findTooDeep(llvm::StringRef text);

/// Opens `path` ("-": standard input) as the main file of `sources`. False, and the message that
/// says why, if it cannot be read or is too deep; `message` then names its place.
bool openModule(llvm::StringRef path, llvm::SourceMgr &sources, std::string &message);

} // namespace mansard::ir
