// What a compiler may call in its inner loop allocates nothing.

#include <mansard/host/host.h>
#include <mansard/host/interval.h>
#include <mansard/work/kernel.h>

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

/// One kernel of each operation.
std::vector<mansard_kernel> oneOfEach() {
  std::vector<mansard_kernel> kernels;
  for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op)
    kernels.push_back(work::makeKernel(op, DType::bf16, DType::bf16, DType::bf16));
  kernels[MANSARD_OP_MATMUL].u.matmul = {4096, 4096, 4096, 0, 0};
  kernels[MANSARD_OP_GROUPED_MATMUL].u.grouped_matmul = {8, 128, 2048, 4096};
  kernels[MANSARD_OP_ATTENTION_PREFILL].u.attention = {1, 4096, 4096, 32, 8, 128, 0, 1, 0};
  kernels[MANSARD_OP_ATTENTION_DECODE].u.attention = {64, 1, 4096, 32, 8, 128, 0, 1, 0};
  kernels[MANSARD_OP_MLA_PREFILL].u.mla = {1, 4096, 4096, 128, 512, 64, 128, 128};
  kernels[MANSARD_OP_MLA_DECODE].u.mla = {64, 1, 4096, 128, 512, 64, 128, 128};
  kernels[MANSARD_OP_VECTOR].u.vector = {4096, 7168, 0, MANSARD_VECTOR_RMSNORM, 0};
  kernels[MANSARD_OP_MOE].u.moe = {1024, 7168, 2048, 8, 256, 1, 8, 1.2, 1, 1};
  kernels[MANSARD_OP_COLLECTIVE].u.collective = {8, 1 << 24, MANSARD_COLLECTIVE_ALL_REDUCE, 0};
  kernels[MANSARD_OP_EXPERT_PARALLEL].u.expert_parallel = {8, 7168, 128, 8, 256, 0, 0, 0};
  kernels[MANSARD_OP_CUSTOM].u.custom = {1e9, 1e6, 1e5, 1e7, 1e6, 0, 0};
  return kernels;
}

void expectNoAllocation(const char *target, const std::vector<hw::Override> &overrides) {
  hw::Catalog catalog;
  host::Host host(catalog);
  const auto model = host.open(target, overrides);
  ASSERT_TRUE(model.ok()) << model.error().text();
  const std::vector<mansard_kernel> kernels = oneOfEach();
  std::vector<mansard_estimate> out(kernels.size());
  bool fine = true;
  const long count = allocationsOf([&] {
    for (int run = 0; run < 3; ++run)
      fine = fine && model->estimate(kernels, out).ok();
  });
  EXPECT_TRUE(fine) << model->estimate(kernels, out).error().text();
  EXPECT_EQ(count, 0) << target;
  EXPECT_EQ(allocationsOf([&] { (void)host::interval(*model, kernels[0], 1); }), 0);
}

TEST(Allocation, IsCounted) {
  // Called as a function: the compiler may leave out a pair of new and delete.
  EXPECT_EQ(allocationsOf([] { ::operator delete(::operator new(8)); }), 1);
}

TEST(Allocation, GenericModelEstimatesWithoutAny) {
  expectNoAllocation("h100-sxm", {{"model", "generic"}, {"family", "generic"}});
}

} // namespace
} // namespace mansard
