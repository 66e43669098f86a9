// The estimate of a kernel that a compiler emitted, with what was counted of it, and its views.
#pragma once

#include <mansard/base/result.h>
#include <mansard/report/kernel_report.h>
#include <mansard/work/compiled_kernel.h>

#include <string>

namespace mansard::report {

struct CompiledKernelReport {
  KernelReport estimate;
  work::CompiledKernel compiled;
};

/// Estimates `compiled` on the model's chip. Errors as collectKernel()'s.
Result<CompiledKernelReport> collectCompiledKernel(const host::Model &model,
                                                   work::CompiledKernel compiled);

std::string compiledKernelTable(const CompiledKernelReport &report);
std::string compiledKernelJson(const CompiledKernelReport &report);

} // namespace mansard::report
