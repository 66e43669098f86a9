// The SDK's side of the boundary: structs of other versions, errors of create(), exceptions.

#include <mansard/sdk/sdk.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

namespace mansard::sdk {
namespace {

enum class Ask { nothing, missingKey, missingConstant, error, unsupported, exception, number };
Ask ask = Ask::nothing;

/// Its estimate echoes what it was given.
struct Echo {
  double key = 0;

  static Result<Echo> create(const Chip &chip) {
    switch (ask) {
    case Ask::missingKey:
      return Echo{chip.require("echo.no_such_KiB")};
    case Ask::missingConstant:
      return Echo{chip.calibration("no_such_constant")};
    case Ask::error:
      return Error{ErrorCode::invalidInput, "a reason", "a place"};
    case Ask::unsupported:
      return Error{ErrorCode::unsupported, "a reason", ""};
    case Ask::exception:
      throw std::runtime_error("a standard exception");
    case Ask::number:
      throw 42;
    case Ask::nothing:
      break;
    }
    return Echo{chip.require("echo.key") + chip.calibration("constant") +
                chip.value("echo.absent", 1000)};
  }

  void estimate(const mansard_kernel &kernel, mansard_estimate &out) const {
    if (kernel.u.matmul.m < 0)
      throw std::runtime_error("thrown in estimate");
    out.latency_us = out.part_us[MANSARD_BOUND_FIXED] = key;
    out.bound = MANSARD_BOUND_FIXED;
    out.operations = static_cast<double>(kernel.u.matmul.m);
    out.link_bytes = static_cast<double>(kernel.u.pad[11]);
    setNote(out, "a note");
  }
};

/// Fits tiles of up to 128 rows.
struct Fitting {
  static Result<Fitting> create(const Chip &) { return Fitting{}; }
  void estimate(const mansard_kernel &, mansard_estimate &) const {}
  TileFit fitTile(const mansard_kernel &kernel) const {
    if (kernel.u.matmul.tile_k == 13)
      throw 42;
    TileFit fit;
    fit.add({"rows", 1024.0 * kernel.u.matmul.tile_m, 1024.0 * 128, "of a made-up memory"});
    return fit;
  }
};

constexpr Key kKeys[] = {{"echo.key", "KiB", "a number"}, {"echo.other", "", "", false}};
constexpr std::string_view kTargets[] = {"id = \"echo-chip\""};

const mansard_plugin &plugin() {
  return *detail::plugin<Echo>(
      {.id = "echo", .version = "1", .description = "an echo", .keys = kKeys, .targets = kTargets});
}

mansard_string text(const char *literal) { return {literal, std::strlen(literal)}; }

class Sdk : public ::testing::Test {
protected:
  Sdk() {
    ask = Ask::nothing;
    chip_.struct_size = sizeof chip_;
    chip_.id = text("a-chip");
    chip_.model = text("echo");
    chip_.family = text("echoes");
    chip_.values = values_;
    chip_.value_count = std::size(values_);
  }
  ~Sdk() override {
    if (instance_)
      plugin().destroy(instance_);
  }

  int32_t create(uint64_t capacity = sizeof buffer_) {
    mansard_error error{sizeof error, 0, buffer_, capacity, 0};
    const int32_t status = plugin().create(&chip_, &instance_, &error);
    message_.assign(buffer_, error.size);
    EXPECT_EQ(error.code, status);
    return status;
  }

  mansard_kernel kernel(int64_t m) {
    mansard_kernel k{};
    k.struct_size = sizeof k;
    k.op = MANSARD_OP_MATMUL;
    k.u.matmul.m = m;
    k.u.pad[11] = 7;
    return k;
  }

  const mansard_value values_[2] = {{text("calibration.constant"), 10}, {text("echo.key"), 5}};
  mansard_chip chip_{};
  mansard_instance *instance_ = nullptr;
  char buffer_[256];
  std::string message_;
};

TEST_F(Sdk, DescriptorCarriesKeysAndTargets) {
  const mansard_plugin &p = plugin();
  EXPECT_EQ(p.struct_size, sizeof p);
  EXPECT_EQ(p.abi_major, MANSARD_ABI_MAJOR);
  ASSERT_EQ(p.key_count, 2u);
  EXPECT_EQ(detail::view(p.keys[0].key), "echo.key");
  EXPECT_EQ(detail::view(p.keys[0].unit), "KiB");
  EXPECT_EQ(p.keys[0].required, 1u);
  EXPECT_EQ(p.keys[1].required, 0u);
  ASSERT_EQ(p.target_count, 1u);
  EXPECT_EQ(detail::view(p.targets[0]), kTargets[0]);
}

TEST_F(Sdk, ReadsKeysConstantsAndFallbacks) {
  ASSERT_EQ(create(), MANSARD_OK);
  const mansard_kernel k = kernel(3);
  mansard_estimate out{};
  out.struct_size = sizeof out;
  EXPECT_EQ(plugin().estimate(instance_, &k, 1, sizeof k, &out, sizeof out), MANSARD_OK);
  EXPECT_EQ(out.latency_us, 1015);
  EXPECT_EQ(out.operations, 3);
  EXPECT_EQ(detail::view(out.note), "a note");
}

TEST_F(Sdk, MissingKeyFailsCreationByName) {
  ask = Ask::missingKey;
  EXPECT_EQ(create(), MANSARD_ERROR_INVALID_CHIP);
  EXPECT_NE(message_.find("'echo.no_such_KiB'"), std::string::npos) << message_;
  EXPECT_NE(message_.find("'a-chip'"), std::string::npos) << message_;
  EXPECT_EQ(instance_, nullptr);
}

TEST_F(Sdk, MissingConstantFailsCreationByNameAndFamily) {
  ask = Ask::missingConstant;
  EXPECT_EQ(create(), MANSARD_ERROR_INVALID_CHIP);
  EXPECT_NE(message_.find("'no_such_constant'"), std::string::npos) << message_;
  EXPECT_NE(message_.find("'echoes'"), std::string::npos) << message_;
}

TEST_F(Sdk, ErrorsAndExceptionsOfCreationBecomeStatus) {
  ask = Ask::error;
  EXPECT_EQ(create(), MANSARD_ERROR_INVALID_CHIP);
  EXPECT_EQ(message_, "a place: a reason");
  ask = Ask::unsupported;
  EXPECT_EQ(create(), MANSARD_ERROR_UNSUPPORTED);
  ask = Ask::exception;
  EXPECT_EQ(create(), MANSARD_ERROR_INTERNAL);
  EXPECT_EQ(message_, "a standard exception");
  ask = Ask::number;
  EXPECT_EQ(create(), MANSARD_ERROR_INTERNAL);
}

TEST_F(Sdk, MessageIsCutToTheCallersBuffer) {
  ask = Ask::exception;
  EXPECT_EQ(create(10), MANSARD_ERROR_INTERNAL);
  EXPECT_EQ(message_, "a standard");
  EXPECT_EQ(plugin().create(&chip_, &instance_, nullptr), MANSARD_ERROR_INTERNAL);
}

TEST_F(Sdk, ExceptionOfAnEstimateIsThatKernelsStatus) {
  ASSERT_EQ(create(), MANSARD_OK);
  const mansard_kernel kernels[2] = {kernel(-1), kernel(1)};
  mansard_estimate out[2] = {};
  out[0].struct_size = out[1].struct_size = sizeof(mansard_estimate);
  plugin().estimate(instance_, kernels, 2, sizeof(mansard_kernel), out, sizeof(mansard_estimate));
  EXPECT_EQ(out[0].status, MANSARD_ERROR_INTERNAL);
  EXPECT_EQ(out[0].struct_size, sizeof(mansard_estimate));
  EXPECT_EQ(out[1].status, MANSARD_OK);
}

TEST_F(Sdk, CodesOutOfRangeNeverReachTheModel) {
  ASSERT_EQ(create(), MANSARD_OK);
  std::vector<mansard_kernel> kernels(7, kernel(-1)); // the model would throw
  kernels[0].op = MANSARD_OP_COUNT;
  kernels[1].dtype = MANSARD_DTYPE_COUNT;
  kernels[2].weight_dtype = ~0u;
  kernels[3].out_dtype = MANSARD_DTYPE_COUNT;
  kernels[4].scaling = MANSARD_SCALING_COUNT;
  kernels[5].op = MANSARD_OP_VECTOR;
  kernels[5].u.vector.kind = MANSARD_VECTOR_COUNT;
  kernels[6].op = MANSARD_OP_COLLECTIVE;
  kernels[6].u.collective.kind = MANSARD_COLLECTIVE_COUNT;
  std::vector<mansard_estimate> out(kernels.size());
  for (mansard_estimate &estimate : out)
    estimate.struct_size = sizeof estimate;
  plugin().estimate(instance_, kernels.data(), kernels.size(), sizeof(mansard_kernel), out.data(),
                    sizeof(mansard_estimate));
  for (const mansard_estimate &estimate : out)
    EXPECT_EQ(estimate.status, MANSARD_ERROR_INVALID_ARGUMENT);
}

/// A struct of another version: `size` bytes of it exist, those behind belong to somebody else.
template <typename T> struct Foreign {
  std::vector<unsigned char> bytes;
  uint64_t stride;
  Foreign(uint64_t count, uint32_t size, uint64_t strideBytes)
      : bytes(count * strideBytes, 0xAB), stride(strideBytes) {
    for (uint64_t i = 0; i < count; ++i) {
      std::memset(at(i), 0, size);
      std::memcpy(at(i), &size, sizeof size);
    }
  }
  unsigned char *at(uint64_t i) { return bytes.data() + i * stride; }
  T *data() { return reinterpret_cast<T *>(bytes.data()); }
};

TEST_F(Sdk, OlderHostsStructsAreNeitherReadNorWrittenBeyondTheirEnd) {
  ASSERT_EQ(create(), MANSARD_OK);
  constexpr uint32_t kKernelSize = 64, kEstimateSize = offsetof(mansard_estimate, link_bytes);
  Foreign<mansard_kernel> kernels(2, kKernelSize, 128);
  Foreign<mansard_estimate> out(2, kEstimateSize, 176);
  for (int64_t i = 0; i < 2; ++i) {
    const int64_t m = i + 1;
    std::memcpy(kernels.at(i) + offsetof(mansard_kernel, u), &m, sizeof m);
  }
  plugin().estimate(instance_, kernels.data(), 2, kernels.stride, out.data(), out.stride);
  for (int i = 0; i < 2; ++i) {
    mansard_estimate seen{};
    std::memcpy(&seen, out.at(i), kEstimateSize);
    EXPECT_EQ(seen.struct_size, kEstimateSize);
    EXPECT_EQ(seen.status, MANSARD_OK);
    EXPECT_EQ(seen.operations, i + 1);
    for (uint64_t byte = kEstimateSize; byte < out.stride; ++byte)
      ASSERT_EQ(out.at(i)[byte], 0xAB) << "byte " << byte;
  }
}

TEST_F(Sdk, NewerHostsStructsAreWalkedByTheirStride) {
  ASSERT_EQ(create(), MANSARD_OK);
  constexpr uint32_t kKernelSize = sizeof(mansard_kernel) + 40;
  constexpr uint32_t kEstimateSize = sizeof(mansard_estimate) + 24;
  Foreign<mansard_kernel> kernels(2, kKernelSize, kKernelSize);
  Foreign<mansard_estimate> out(2, kEstimateSize, kEstimateSize);
  for (int i = 0; i < 2; ++i) {
    mansard_kernel k = kernel(i + 1);
    k.struct_size = kKernelSize;
    std::memcpy(kernels.at(i), &k, sizeof k);
  }
  plugin().estimate(instance_, kernels.data(), 2, kernels.stride, out.data(), out.stride);
  for (int i = 0; i < 2; ++i) {
    mansard_estimate seen{};
    std::memcpy(&seen, out.at(i), sizeof seen);
    EXPECT_EQ(seen.struct_size, kEstimateSize);
    EXPECT_EQ(seen.operations, i + 1);
    EXPECT_EQ(seen.link_bytes, 7);
  }
}

// ---- the extension MANSARD_EXTENSION_TILE_FIT

class SdkTileFit : public ::testing::Test {
protected:
  const mansard_plugin &fitting_ =
      *detail::plugin<Fitting>({.id = "fitting", .version = "1", .description = ""});

  mansard_kernel tiled(int32_t m, int32_t n, int32_t k = 0) {
    mansard_kernel kernel{};
    kernel.struct_size = sizeof kernel;
    kernel.op = MANSARD_OP_MATMUL;
    kernel.u.matmul = {512, 512, 512, 0, 0, m, n, k, 0};
    return kernel;
  }
  int32_t explain(const mansard_kernel &kernel, uint64_t capacity = sizeof buffer_) {
    const auto *table = static_cast<const mansard_tile_fit *>(
        fitting_.get_extension(text(MANSARD_EXTENSION_TILE_FIT)));
    EXPECT_EQ(table->struct_size, sizeof(mansard_tile_fit));
    const Fitting model;
    mansard_error line{sizeof line, 0, buffer_, capacity, 0};
    const int32_t status =
        table->explain(reinterpret_cast<const mansard_instance *>(&model), &kernel, &line);
    line_.assign(buffer_, line.size);
    return status;
  }
  char buffer_[256];
  std::string line_;
};

TEST_F(SdkTileFit, IsThereForModelsThatHaveItAndForNoOtherName) {
  ASSERT_NE(fitting_.get_extension, nullptr);
  EXPECT_NE(fitting_.get_extension(text(MANSARD_EXTENSION_TILE_FIT)), nullptr);
  EXPECT_EQ(fitting_.get_extension(text("mansard.tile_fit/2")), nullptr);
  EXPECT_EQ(fitting_.get_extension({nullptr, 0}), nullptr);
  EXPECT_EQ(plugin().get_extension(text(MANSARD_EXTENSION_TILE_FIT)), nullptr);
}

TEST_F(SdkTileFit, TellsByItsStatusAndWritesOneLineEitherWay) {
  EXPECT_EQ(explain(tiled(128, 64)), MANSARD_OK);
  EXPECT_EQ(line_, "rows 128 of 128 KiB (of a made-up memory)");
  EXPECT_EQ(explain(tiled(256, 64)), MANSARD_ERROR_UNSUPPORTED);
  EXPECT_EQ(line_, "rows 256 of 128 KiB (of a made-up memory): too small");
  EXPECT_EQ(explain(tiled(256, 64), 8), MANSARD_ERROR_UNSUPPORTED);
  EXPECT_EQ(line_, "rows 256");
}

TEST_F(SdkTileFit, WantsAMatmulWithAStatedTile) {
  EXPECT_EQ(explain(tiled(0, 0)), MANSARD_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(explain(tiled(64, 0)), MANSARD_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(explain(tiled(64, 64, -1)), MANSARD_ERROR_INVALID_ARGUMENT);
  mansard_kernel vector = tiled(64, 64);
  vector.op = MANSARD_OP_VECTOR;
  EXPECT_EQ(explain(vector), MANSARD_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(explain(tiled(64, 64, 13)), MANSARD_ERROR_INTERNAL) << "the model throws";
}

TEST_F(Sdk, OlderHostsChipLacksWhatCameLater) {
  // Not in the first version: a chip that ends before its values. What is missing reads as zero.
  chip_.struct_size = offsetof(mansard_chip, values);
  EXPECT_EQ(create(), MANSARD_ERROR_INVALID_CHIP);
  EXPECT_NE(message_.find("'echo.key'"), std::string::npos) << message_;
}

} // namespace
} // namespace mansard::sdk
