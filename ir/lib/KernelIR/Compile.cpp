// A kernel as one chip runs it: counts, and clocks where there is a model of them.
#include <KernelIR/CycleModel.h>
#include <KernelIR/KernelCounts.h>

namespace mansard::ir {

Result<work::CompiledKernel> compileKernel(const PreparedKernel &kernel,
                                           const work::KernelQuestion &question,
                                           const hw::Chip &chip) {
  const std::string &triple = kernel.module->getTargetTriple();
  if (auto suits = work::checkTriple(triple, chip); !suits)
    return suits.error();
  work::KernelQuestion asked = question;
  asked.machine = work::machineOf(chip);
  auto counts = countKernel(kernel, asked);
  if (!counts)
    return counts.error();
  work::CompiledKernel compiled;
  compiled.counts = std::move(*counts);
  compiled.kernel = work::customKernel(compiled.counts);
  if (!hasCycleModel(chip, triple))
    return compiled;
  if (auto cycles = modelCycles(kernel, compiled.counts, chip)) {
    work::store(*cycles, compiled.kernel.u.custom);
    compiled.cycles = std::move(*cycles);
  } else if (cycles.error().code == ErrorCode::invalidInput) {
    return cycles.error(); // a launch or a kernel that such a chip cannot run
  } else {
    compiled.counts.notes.push_back("no clocks from the cycle model: " + cycles.error().text());
  }
  return compiled;
}

Result<work::CompiledKernel> compileKernel(const work::KernelQuestion &question,
                                           const hw::Chip &chip) {
  auto kernel = prepareKernel(question);
  if (!kernel)
    return kernel.error();
  return compileKernel(*kernel, question, chip);
}

} // namespace mansard::ir
