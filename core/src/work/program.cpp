#include <mansard/work/program.h>

namespace mansard::work {

uint32_t internKernel(Program &program, const Kernel &kernel) {
  for (uint32_t i = 0; i < program.kernels.size(); ++i)
    if (equal(program.kernels[i], kernel))
      return i;
  program.kernels.push_back(kernel);
  return static_cast<uint32_t>(program.kernels.size() - 1);
}

} // namespace mansard::work
