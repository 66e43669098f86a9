// What a compiler may call in its inner loop allocates nothing.

#include "one_of_each.h"

#include <mansard/economics/energy.h>
#include <mansard/host/host.h>
#include <mansard/host/interval.h>
#include <mansard/model/timeline.h>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

namespace {
std::atomic<long> allocations{0};

void *counted(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void *memory = std::malloc(size ? size : 1))
    return memory;
  throw std::bad_alloc();
}
void *countedAligned(std::size_t size, std::align_val_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  const std::size_t unit = static_cast<std::size_t>(alignment);
  if (void *memory = std::aligned_alloc(unit, (size + unit - 1) / unit * unit))
    return memory;
  throw std::bad_alloc();
}
} // namespace

void *operator new(std::size_t size) { return counted(size); }
void *operator new[](std::size_t size) { return counted(size); }
void *operator new(std::size_t size, std::align_val_t a) { return countedAligned(size, a); }
void *operator new(std::size_t size, const std::nothrow_t &) noexcept { return counted(size); }
void *operator new[](std::size_t size, const std::nothrow_t &) noexcept { return counted(size); }
void *operator new[](std::size_t size, std::align_val_t a) { return countedAligned(size, a); }
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete[](void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void *memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void *memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void *memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void *memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace mansard {
namespace {

/// Heap allocations that `run` makes, through operator new, anywhere in the process: shared
/// libraries included.
template <typename Run> long allocationsOf(Run run) {
  const long before = allocations.load();
  run();
  return allocations.load() - before;
}

void expectNoAllocation(const char *target, const std::vector<hw::Override> &overrides) {
  hw::Catalog catalog;
  host::Host host(catalog);
  const auto model = host.open(target, overrides);
  ASSERT_TRUE(model.ok()) << model.error().text();
  const std::vector<mansard_kernel> kernels = test::oneOfEach();
  std::vector<mansard_estimate> out(kernels.size());
  bool fine = true;
  const long count = allocationsOf([&] {
    for (int run = 0; run < 3; ++run)
      fine = fine && model->estimate(kernels, out).ok();
  });
  EXPECT_TRUE(fine) << model->estimate(kernels, out).error().text();
  EXPECT_EQ(count, 0) << target;

  work::Program program;
  for (const mansard_kernel &kernel : kernels)
    program.steps.push_back({work::internKernel(program, kernel), 61, 0, 0, "step"});
  model::Evaluator evaluator(program);
  EXPECT_EQ(allocationsOf([&] { fine = evaluator.run(*model).ok(); }), 0) << target;
  const economics::EnergyModel energy(model->chip());
  EXPECT_EQ(allocationsOf([&] {
              energy.step(program, evaluator.estimates(), evaluator.timeline().total_us);
            }),
            0)
      << target;
  EXPECT_TRUE(fine);
  EXPECT_EQ(allocationsOf([&] { (void)host::interval(*model, kernels[0], out[0]); }), 0);
}

TEST(Allocation, IsCounted) {
  // Called as a function: the compiler may leave out a pair of new and delete.
  EXPECT_EQ(allocationsOf([] { ::operator delete(::operator new(8)); }), 1);
}

TEST(Allocation, PluginsEstimateWithoutAny) {
  for (const char *target : {"h100-sxm", "ascend-910c", "mlu590", "dcu-bw1000"})
    expectNoAllocation(target, {});
}

TEST(Allocation, GenericModelEstimatesWithoutAny) {
  expectNoAllocation("h100-sxm", {{"model", "generic"}, {"family", "generic"}});
}

} // namespace
} // namespace mansard
