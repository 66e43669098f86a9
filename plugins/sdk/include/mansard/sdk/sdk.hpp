// C++ on top of abi.h: a plugin is one class with create() and estimate(), and one macro.
//
//   class MyModel {
//   public:
//     static mansard::Result<MyModel> create(const mansard::sdk::Chip &chip);
//     void estimate(const mansard_kernel &kernel, mansard_estimate &out) const noexcept;
//     mansard::TileFit fitTile(const mansard_kernel &kernel) const;  // optional
//   };
//   MANSARD_PLUGIN(MyModel, {.id = "my", .version = "1.0", .description = "...", .keys = kKeys})
//
// Header-only, C++20. Nothing thrown by a model crosses the boundary.
#ifndef MANSARD_SDK_SDK_HPP
#define MANSARD_SDK_SDK_HPP

#if defined(__cplusplus) && __cplusplus < 202002L
#error "mansard/sdk/sdk.hpp needs C++20 (C and older C++: use mansard/sdk/abi.h)"
#endif

#include <mansard/base/dtype.h>
#include <mansard/base/result.h>
#include <mansard/base/stated_tile.h>
#include <mansard/sdk/abi.h>
#include <mansard/sdk/detail.hpp>

#include <concepts>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mansard::sdk {

/// A number that a plugin reads in its own section of a chip's description, or a calibration
/// constant ("calibration.<name>"). Texts must outlive the plugin: write literals.
struct Key {
  std::string_view key, unit, meaning;
  bool required = true;
};

/// What a plugin says of itself. All that it points to must be static.
struct Descriptor {
  std::string_view id; // what a chip's `model` names; also the file's name: mansard-<id>.so
  std::string_view version, description;
  std::span<const Key> keys = {};
  std::span<const std::string_view> targets = {}; // TOML texts of chips that come with the plugin
};

/// Thrown by Chip::require and Chip::calibration; create() may let it pass, or throw one itself.
struct ChipError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A chip's description during create(): the numbers all chips share as the fields of
/// mansard_chip, the rest by dotted key. Texts and values are borrowed: copy what the model keeps.
class Chip {
public:
  explicit Chip(const mansard_chip &chip) : chip_(detail::widened(chip)) {}

  std::string_view id() const { return detail::view(chip_.id); }
  std::string_view name() const { return detail::view(chip_.name); }
  std::string_view vendor() const { return detail::view(chip_.vendor); }
  std::string_view family() const { return detail::view(chip_.family); }
  std::string_view model() const { return detail::view(chip_.model); }

  /// The shared numbers: `chip->clock_hz`. SI units, of one device; 0 where the description has
  /// none.
  const mansard_chip *operator->() const { return &chip_; }
  const mansard_chip &operator*() const { return chip_; }
  const mansard_link &link(uint32_t level) const { return chip_.links[level]; }

  /// The shared numbers to keep beyond create(): texts and values are emptied.
  mansard_chip numbers() const {
    mansard_chip kept = chip_;
    kept.id = kept.name = kept.vendor = kept.family = kept.model = mansard_string{};
    kept.values = nullptr;
    kept.value_count = 0;
    return kept;
  }

  bool has(std::string_view key) const { return detail::find(chip_, key) != nullptr; }

  /// The number at `key`, in the unit that the key names, or `fallback` where the description
  /// lacks it.
  double value(std::string_view key, double fallback) const {
    const mansard_value *found = detail::find(chip_, key);
    return found ? found->value : fallback;
  }

  /// The number at `key`. Where it is missing create() fails with a message that names it.
  double require(std::string_view key) const {
    if (const mansard_value *found = detail::find(chip_, key))
      return found->value;
    throw ChipError("target '" + std::string(id()) + "' has no '" + std::string(key) +
                    "', which the model '" + std::string(model()) + "' needs");
  }

  /// A constant of the chip's family. Where it is missing create() fails with a message that names
  /// it and its file.
  double calibration(std::string_view name) const {
    const std::string key = "calibration." + std::string(name);
    if (const mansard_value *found = detail::find(chip_, key))
      return found->value;
    throw ChipError("the calibration of the family '" + std::string(family()) +
                    "' has no constant '" + std::string(name) + "', which the model '" +
                    std::string(model()) + "' needs");
  }
  double calibration(std::string_view name, double fallback) const {
    return value("calibration." + std::string(name), fallback);
  }

private:
  mansard_chip chip_;
};

/// What MANSARD_PLUGIN takes. create() may fail by its Result or by throwing. estimate() gets a
/// kernel whose codes are within the ABI's ranges and a zeroed estimate with status MANSARD_OK; it
/// must be pure and thread-safe, and must not allocate or lock. What it throws nevertheless becomes
/// the kernel's status MANSARD_ERROR_INTERNAL (unless it is noexcept: that ends the process).
template <typename M>
concept Model = std::move_constructible<M> &&
    requires(const M &model, const Chip &chip, const mansard_kernel &kernel,
             mansard_estimate &out) {
  { M::create(chip) } -> std::same_as<Result<M>>;
  model.estimate(kernel, out);
};

/// A model that says whether a stated tile fits its cores' memories: the extension
/// MANSARD_EXTENSION_TILE_FIT. Its estimate() takes stated tiles, too. fitTile() gets a matmul with
/// a stated tile; thread-safe.
template <typename M>
concept TileFitModel = Model<M> && requires(const M &model, const mansard_kernel &kernel) {
  { model.fitTile(kernel) } -> std::same_as<TileFit>;
};

/// For estimate(): this kernel has no estimate, because of `status`; `note` must be static or owned
/// by the model.
inline void refuse(mansard_estimate &out, int32_t status, std::string_view note = {}) noexcept {
  const uint32_t size = out.struct_size;
  out = mansard_estimate{};
  out.struct_size = size;
  out.status = status;
  out.note = detail::text(note);
}

/// A remark on an estimate; static or owned by the model.
inline void setNote(mansard_estimate &out, std::string_view note) noexcept {
  out.note = detail::text(note);
}

namespace detail MANSARD_HIDDEN {

/// The functions of the descriptor for one model class.
template <Model M> struct Thunks {
  static int32_t create(const mansard_chip *chip, mansard_instance **out,
                        mansard_error *error) noexcept {
    try {
      Result<M> made = M::create(Chip(*chip));
      if (made.ok()) {
        *out = reinterpret_cast<mansard_instance *>(new M(std::move(*made)));
        return MANSARD_OK;
      }
      return fail(error,
                  made.error().code == ErrorCode::unsupported ? MANSARD_ERROR_UNSUPPORTED
                                                              : MANSARD_ERROR_INVALID_CHIP,
                  made.error().text());
    } catch (const ChipError &e) {
      return fail(error, MANSARD_ERROR_INVALID_CHIP, e.what());
    } catch (const std::exception &e) {
      return fail(error, MANSARD_ERROR_INTERNAL, e.what());
    } catch (...) {
      return fail(error, MANSARD_ERROR_INTERNAL, "an exception of unknown type");
    }
  }

  static void destroy(mansard_instance *instance) noexcept {
    delete reinterpret_cast<M *>(instance);
  }

  static int32_t estimate(const mansard_instance *instance, const mansard_kernel *kernels,
                          uint64_t count, uint64_t kernelStride, mansard_estimate *estimates,
                          uint64_t estimateStride) noexcept {
    const M &model = *reinterpret_cast<const M *>(instance);
    for (uint64_t i = 0; i < count; ++i) {
      const mansard_kernel &kernel = at(kernels, i, kernelStride);
      mansard_estimate &out = at(estimates, i, estimateStride);
      if (kernel.struct_size >= sizeof(mansard_kernel) &&
          out.struct_size >= sizeof(mansard_estimate)) {
        estimateOne(model, kernel, out);
        continue;
      }
      // A host older or newer than this header: what either side does not know is zero.
      const mansard_kernel wideKernel = widened(kernel);
      mansard_estimate wideOut{};
      wideOut.struct_size = sizeof wideOut;
      estimateOne(model, wideKernel, wideOut);
      narrow(wideOut, out);
    }
    return MANSARD_OK;
  }

  static const void *getExtension(mansard_string id) noexcept {
    if constexpr (TileFitModel<M>)
      if (view(id) == MANSARD_EXTENSION_TILE_FIT) {
        static constexpr mansard_tile_fit tileFit = {sizeof(mansard_tile_fit), 0, &explainTileFit};
        return &tileFit;
      }
    return nullptr;
  }

private:
  static int32_t explainTileFit(const mansard_instance *instance, const mansard_kernel *kernel,
                                mansard_error *text) noexcept {
    const mansard_kernel wide = widened(*kernel);
    if (!codesInRange(wide) || !statesTile(wide) || !statedTileProblem(wide.u.matmul).empty())
      return fail(text, MANSARD_ERROR_INVALID_ARGUMENT, "no matmul with a stated tile");
    try {
      const TileFit fit = reinterpret_cast<const M *>(instance)->fitTile(wide);
      return fail(text, fit.fits() ? MANSARD_OK : MANSARD_ERROR_UNSUPPORTED, fit.text());
    } catch (...) {
      return fail(text, MANSARD_ERROR_INTERNAL, "the model threw an exception");
    }
  }

  static void estimateOne(const M &model, const mansard_kernel &kernel,
                          mansard_estimate &out) noexcept {
    if (!codesInRange(kernel))
      return refuse(out, MANSARD_ERROR_INVALID_ARGUMENT,
                    "a code of the kernel (op, dtype, scaling, kind) is out of range");
    if (kernel.op == MANSARD_OP_MATMUL)
      if (const std::string_view problem = statedTileProblem(kernel.u.matmul); !problem.empty())
        return refuse(out, MANSARD_ERROR_INVALID_ARGUMENT, problem);
    out.status = MANSARD_OK; // all else is zero: the host sees to that
    if constexpr (noexcept(model.estimate(kernel, out))) {
      model.estimate(kernel, out);
    } else {
      try {
        model.estimate(kernel, out);
      } catch (...) {
        refuse(out, MANSARD_ERROR_INTERNAL, "the model threw an exception");
      }
    }
  }
};

/// The descriptor, built on first use and kept for the life of the process.
template <Model M> const mansard_plugin *plugin(const Descriptor &descriptor) noexcept {
  static const Tables tables = makeTables(descriptor.keys, descriptor.targets);
  static const mansard_plugin plugin = {
      .struct_size = sizeof(mansard_plugin),
      .abi_major = MANSARD_ABI_MAJOR,
      .abi_minor = MANSARD_ABI_MINOR,
      .reserved = 0,
      .id = text(descriptor.id),
      .version = text(descriptor.version),
      .description = text(descriptor.description),
      .keys = tables.keys.data(),
      .key_count = tables.keys.size(),
      .key_stride = sizeof(mansard_key_spec),
      .targets = tables.targets.data(),
      .target_count = tables.targets.size(),
      .create = &Thunks<M>::create,
      .destroy = &Thunks<M>::destroy,
      .estimate = &Thunks<M>::estimate,
      .get_extension = &Thunks<M>::getExtension,
  };
  return &plugin;
}

} // namespace MANSARD_HIDDEN
} // namespace mansard::sdk

/// Defines the library's entry point for the model class `M`; what follows is a braced
/// mansard::sdk::Descriptor. Once a library, outside any namespace.
#define MANSARD_PLUGIN(M, ...)                                                                     \
  extern "C" MANSARD_EXPORT const mansard_plugin *mansard_plugin_entry(uint32_t hostMajor,         \
                                                                       uint32_t) {                 \
    if (hostMajor != MANSARD_ABI_MAJOR)                                                            \
      return nullptr;                                                                              \
    return ::mansard::sdk::detail::plugin<M>(::mansard::sdk::Descriptor __VA_ARGS__);              \
  }                                                                                                \
  static_assert(true, "a semicolon may follow")

#endif
