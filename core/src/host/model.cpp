// Pricing kernels through a plugin, and distrusting what comes back.
#include "model.h"

#include <mansard/base/names.h>
#include <mansard/base/stated_tile.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <limits>
#include <mutex>
#include <type_traits>

namespace mansard::host {
namespace {

constexpr int32_t kNotWritten = std::numeric_limits<int32_t>::min();
constexpr double kSumTolerance = 1e-6;
constexpr size_t kMessageCapacity = 1024;

/// All that the contract says of an estimate's numbers. Runs once a kernel: trees of minimum,
/// maximum and sum, which do not wait for one another. Minimum and maximum may lose a NaN; a sum
/// does not.
bool sound(const mansard_estimate &e) {
  static_assert(MANSARD_BOUND_COUNT == 7);
  if (e.struct_size != sizeof e)
    return false;
  if (e.status != MANSARD_OK)
    return e.status > MANSARD_OK && e.status < MANSARD_STATUS_COUNT;
  if (e.bound >= MANSARD_BOUND_COUNT)
    return false;
  const auto tree = [&p = e.part_us](auto op) {
    return op(op(op(p[0], p[1]), op(p[2], p[3])), op(op(p[4], p[5]), p[6]));
  };
  const auto least = [](double a, double b) { return b < a ? b : a; };
  const auto most = [](double a, double b) { return a < b ? b : a; };
  const double sum = tree([](double a, double b) { return a + b; });
  const double counts = (e.operations + e.dram_read_bytes) + (e.dram_write_bytes + e.link_bytes);
  const double leastCount =
      least(least(e.operations, e.dram_read_bytes), least(e.dram_write_bytes, e.link_bytes));
  return std::fabs(sum - e.latency_us) <= kSumTolerance * e.latency_us && tree(least) >= 0 &&
         tree(most) <= e.part_us[e.bound] && leastCount >= 0 && counts - counts == 0 &&
         e.held_share >= 0 && e.held_share <= 1;
}

/// Which of the rules in sound() an estimate broke.
std::string complaint(const mansard_estimate &e) {
  if (e.struct_size != sizeof e)
    return fmt::format("struct_size was overwritten with {}", e.struct_size);
  if (e.status == kNotWritten)
    return "no estimate was written";
  if (e.status != MANSARD_OK)
    return fmt::format("status {} is not one of the interface's", e.status);
  if (!std::isfinite(e.latency_us) || e.latency_us < 0)
    return fmt::format("latency_us is {}", e.latency_us);
  double sum = 0;
  for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i) {
    if (!(e.part_us[i] >= 0))
      return fmt::format("the part of {} is {} us", kBoundNames[i], e.part_us[i]);
    sum += e.part_us[i];
  }
  if (!(std::fabs(sum - e.latency_us) <= kSumTolerance * e.latency_us))
    return fmt::format("the parts sum to {} us, the latency is {} us", sum, e.latency_us);
  if (e.bound >= MANSARD_BOUND_COUNT)
    return fmt::format("bound {} is not one of the interface's", e.bound);
  for (double part : e.part_us)
    if (part > e.part_us[e.bound])
      return fmt::format("bound is {}, which is not the largest part", kBoundNames[e.bound]);
  if (!(e.held_share >= 0 && e.held_share <= 1))
    return fmt::format("held_share is {}, which is not a share", e.held_share);
  return fmt::format(
      "operations {}, bytes read {}, written {} or sent {} is negative or not finite", e.operations,
      e.dram_read_bytes, e.dram_write_bytes, e.link_bytes);
}

std::string nameOfOp(uint32_t op) {
  return op < MANSARD_OP_COUNT ? std::string(kOpNames[op]) : fmt::format("op {}", op);
}

ErrorCode codeOf(int32_t status) {
  switch (status) {
  case MANSARD_ERROR_INVALID_CHIP:
    return ErrorCode::invalidInput;
  case MANSARD_ERROR_UNSUPPORTED:
    return ErrorCode::unsupported;
  default:
    return ErrorCode::pluginFailed;
  }
}

/// Held around what the interface has called once at a time.
std::mutex mainCalls;

} // namespace

Result<> Model::Impl::create() {
  std::string message(kMessageCapacity, '\0');
  mansard_error error{sizeof error, MANSARD_OK, message.data(), message.size(), 0};
  const auto failed = [&](ErrorCode code, const std::string &what) {
    return Error{code, fmt::format("plugin '{}': {}", id, what), chip.file};
  };
  try {
    const std::lock_guard lock(mainCalls);
    const int32_t status = table.create(&view.chip(), &instance, &error);
    if (status != MANSARD_OK) {
      instance = nullptr;
      message.resize(std::min<uint64_t>(error.size, message.size()));
      if (message.empty())
        message = fmt::format("create() returned status {}", status);
      return failed(codeOf(status), message);
    }
  } catch (const std::exception &e) {
    instance = nullptr;
    return failed(ErrorCode::pluginFailed, fmt::format("create() threw: {}", e.what()));
  } catch (...) {
    instance = nullptr;
    return failed(ErrorCode::pluginFailed, "create() threw");
  }
  if (!instance)
    return failed(ErrorCode::pluginFailed, "create() succeeded but made no instance");
  return Ok{};
}

Model::Impl::~Impl() {
  if (!instance)
    return;
  try {
    const std::lock_guard lock(mainCalls);
    table.destroy(instance);
  } catch (...) {
    // Nothing depends on an instance that could not be destroyed.
  }
}

Model::Model(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Model::~Model() = default;
Model::Model(Model &&) noexcept = default;
Model &Model::operator=(Model &&) noexcept = default;

const hw::Chip &Model::chip() const { return impl_->chip; }
const mansard_chip &Model::view() const { return impl_->view.chip(); }
const std::string &Model::id() const { return impl_->id; }

Result<> Model::estimate(std::span<const mansard_kernel> kernels,
                         std::span<mansard_estimate> out) const noexcept {
  const auto failed = [&](std::string message) {
    return Error{ErrorCode::pluginFailed,
                 fmt::format("plugin '{}': {}", impl_->id, std::move(message)), impl_->chip.id};
  };
  if (kernels.size() != out.size())
    return Error{
        ErrorCode::invalidInput,
        fmt::format("{} kernels need as many estimates, not {}", kernels.size(), out.size()), ""};
  // Zeroed in one go: the compiler's own loop over structs is several times slower.
  static_assert(std::is_trivially_copyable_v<mansard_estimate>);
  if (!out.empty())
    std::memset(static_cast<void *>(out.data()), 0, out.size_bytes());
  for (size_t i = 0; i < kernels.size(); ++i) {
    if (kernels[i].struct_size != sizeof(mansard_kernel))
      return Error{ErrorCode::invalidInput,
                   fmt::format("kernel {} has a struct_size of {}, valid is {}", i,
                               kernels[i].struct_size, sizeof(mansard_kernel)),
                   ""};
    out[i].struct_size = sizeof(mansard_estimate);
    out[i].status = kNotWritten;
  }

  int32_t status = MANSARD_OK;
  try {
    status = impl_->table.estimate(impl_->instance, kernels.data(), kernels.size(),
                                   sizeof(mansard_kernel), out.data(), sizeof(mansard_estimate));
  } catch (const std::exception &e) {
    return failed(fmt::format("estimate() threw: {}", e.what()));
  } catch (...) {
    return failed("estimate() threw");
  }
  if (status != MANSARD_OK)
    return failed(fmt::format("estimate() returned status {}", status));
  for (size_t i = 0; i < out.size(); ++i)
    if (!sound(out[i])) [[unlikely]]
      return failed(fmt::format("its estimate of kernel {} ({}) breaks the contract: {}", i,
                                nameOfOp(kernels[i].op), complaint(out[i])));
  return Ok{};
}

Result<Model> Model::rebind(hw::Chip chip) const {
  auto impl = std::make_unique<Impl>(std::move(chip), impl_->table, impl_->id);
  if (const auto created = impl->create(); !created.ok())
    return created.error();
  return Model(std::move(impl));
}

Result<std::optional<StatedTileFit>> Model::fitTile(const mansard_kernel &kernel) const {
  using Answer = std::optional<StatedTileFit>;
  const auto failed = [&](std::string message) {
    return Error{ErrorCode::pluginFailed,
                 fmt::format("plugin '{}': {}", impl_->id, std::move(message)), impl_->chip.id};
  };
  if (!statesTile(kernel) || !impl_->table.get_extension)
    return Answer();
  constexpr std::string_view id = MANSARD_EXTENSION_TILE_FIT;
  std::string text(kMessageCapacity, '\0');
  mansard_error line{sizeof line, MANSARD_OK, text.data(), text.size(), 0};
  int32_t status = MANSARD_ERROR_INTERNAL;
  try {
    const auto *table =
        static_cast<const mansard_tile_fit *>(impl_->table.get_extension({id.data(), id.size()}));
    if (!table)
      return Answer();
    if (table->struct_size < sizeof(mansard_tile_fit) || !table->explain)
      return failed(fmt::format("its extension {} is too small or has no function", id));
    status = table->explain(impl_->instance, &kernel, &line);
  } catch (const std::exception &e) {
    return failed(fmt::format("{} threw: {}", id, e.what()));
  } catch (...) {
    return failed(fmt::format("{} threw", id));
  }
  text.resize(std::min<uint64_t>(line.size, text.size()));
  if (status != MANSARD_OK && status != MANSARD_ERROR_UNSUPPORTED)
    return failed(
        fmt::format("{} returned status {}{}{}", id, status, text.empty() ? "" : ": ", text));
  return Answer(StatedTileFit{status == MANSARD_OK, std::move(text)});
}

} // namespace mansard::host
