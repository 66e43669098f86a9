#include "BackEnd.h"

#include <llvm/Support/CrashRecoveryContext.h>
#include <llvm/Support/ErrorHandling.h>

#include <fmt/format.h>

#include <mutex>
#include <tuple>

using namespace llvm;

namespace mansard::ir {
namespace {

constexpr unsigned kStackBytes = 64u << 20; // instruction selection recurses over expressions

/// Of a reason of many lines with addresses in them, what one run says as the next.
std::string readable(StringRef reason) {
  std::string text;
  for (StringRef words = reason.split('\n').first; !words.empty();) {
    StringRef word;
    std::tie(word, words) = words.split(' ');
    if (word.starts_with("0x"))
      continue;
    text += text.empty() ? "" : " ";
    text += word;
  }
  return text;
}

/// LLVM calls it where it would otherwise print and abort.
void onFatalError(void *text, const char *reason, bool) {
  *static_cast<std::string *>(text) = reason;
  if (CrashRecoveryContext *context = CrashRecoveryContext::GetCurrent())
    context->HandleExit(1);
}

} // namespace

Result<> guarded(const std::string &what, function_ref<Result<>()> work) {
  static std::mutex turn;
  const std::lock_guard<std::mutex> lock(turn);
  std::string reason;
  Result<> result = Ok{};
  CrashRecoveryContext::Enable();
  bool finished = false;
  {
    const ScopedFatalErrorHandler handler(onFatalError, &reason);
    CrashRecoveryContext context;
    finished = context.RunSafelyOnThread([&] { result = work(); }, kStackBytes);
  }
  CrashRecoveryContext::Disable();
  if (finished)
    return result;
  return Error{ErrorCode::unsupported,
               fmt::format("LLVM's AMDGPU back end gave up: {}",
                           reason.empty() ? "it crashed without a reason" : readable(reason)),
               what};
}

} // namespace mansard::ir
